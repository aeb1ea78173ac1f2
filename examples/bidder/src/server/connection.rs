//! One connection, from its accept to its end.

use std::convert::Infallible;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::listener::Stream;
use super::routes::route;
use super::watch::{Watch, Watched};
use super::worker::Worker;

/// Counts a connection while it lives.
struct Counted(Rc<Worker>);

impl Counted {
    fn new(worker: Rc<Worker>) -> Self {
        worker.connections.set(worker.connections.get() + 1);
        worker.shared.metrics.connections.inc();
        Self(worker)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
        self.0.shared.metrics.connections.dec();
        self.0.connection_ended.notify_one();
    }
}

/// Serves a connection on a task of its own.
pub(crate) fn spawn(worker: &Rc<Worker>, stream: Stream) {
    let counted = Counted::new(worker.clone());
    tokio::task::spawn_local(async move {
        serve(&counted.0, stream).await;
        drop(counted);
    });
}

/// Serves requests until the client leaves, is silent for too long, or the server closes.
async fn serve(worker: &Rc<Worker>, stream: Stream) {
    let watch = Watch::new(worker.time_outs.clone());
    let io = TokioIo::new(Watched { stream, watch: watch.clone() });
    let service = service_fn(|request| {
        let answered = route(worker.clone(), watch.clone(), request);
        async { Ok::<_, Infallible>(answered.await) }
    });
    let limits = &worker.shared.config.limits;
    let mut server = http1::Builder::new();
    // Time-outs are the watch's: hyper's own would need a timer for each request.
    server.header_read_timeout(None).keep_alive(true).half_close(false);
    server.max_buf_size(limits.head_bytes.max(8 << 10));
    let mut closing = worker.closing.subscribe();
    let connection = server.serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        // An error is the client's: it broke off, or it doesn't speak HTTP. Hyper has answered
        // what can be answered.
        _ = connection.as_mut() => return,
        () = watch.overdue() => return,
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = watch.overdue() => {}
    }
}
