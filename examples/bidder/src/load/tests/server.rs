//! A hyper server that answers by script, on the runtime of its test.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::super::outcome::REASON_HEADER;
use super::super::target::Target;

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// Answers with this status and body.
    Answer(u16, &'static str),
    /// Answers 204 with this reason in the header.
    Shed(&'static str),
    /// Answers 200 with a body larger than any client should read.
    Endless,
    /// Closes the connection without an answer.
    Close,
    /// Never answers.
    Silence,
}

pub(crate) const BID: Reply = Reply::Answer(200, r#"{"id":"1","seatbid":[{"bid":[]}]}"#);
pub(crate) const NO_BID: Reply = Reply::Answer(204, "");

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The connection, counted from zero in the order of acceptance.
    pub(crate) connection: usize,
    /// The path.
    pub(crate) path: String,
    /// The body.
    pub(crate) body: Bytes,
}

/// A running server; request `n` gets the reply `n` of the script, which repeats.
pub(crate) struct Server {
    pub(crate) target: Target,
    script: Arc<Script>,
}

struct Script {
    replies: Vec<Reply>,
    seen: Mutex<Vec<Seen>>,
}

impl Server {
    /// Starts a server on a free port.
    pub(crate) async fn start(replies: &[Reply]) -> Self {
        Self::start_for(replies, usize::MAX).await
    }

    /// Starts a server that stops listening after it has accepted some connections.
    pub(crate) async fn start_for(replies: &[Reply], connections: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script::new(replies);
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            for connection in 0..connections {
                let (stream, _) = listener.accept().await.unwrap();
                shared.serve(connection, stream);
            }
        });
        Self { target: tcp_target(address), script }
    }

    /// Starts a server that accepts one connection and then neither accepts nor refuses another.
    ///
    /// The kernel completes one more connection, which fills the queue of length zero.
    #[cfg(target_os = "linux")]
    pub(crate) async fn start_deaf(replies: &[Reply]) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script::new(replies);
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            shared.serve(0, listener.accept().await.unwrap().0);
            pending::<()>().await;
            drop(listener);
        });
        Self { target: tcp_target(address), script }
    }

    /// Starts a server on a Unix socket.
    pub(crate) fn start_unix(replies: &[Reply], socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let script = Script::new(replies);
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                shared.serve(connection, stream);
            }
        });
        Self { target: format!("unix:{}", socket.display()).parse().unwrap(), script }
    }

    /// Returns the requests so far in the order of their arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }
}

/// Returns the target of an address.
pub(crate) fn tcp_target(address: SocketAddr) -> Target {
    format!("http://{address}/bid").parse().unwrap()
}

/// Returns a target on which nobody listens.
pub(crate) async fn nobody() -> Target {
    tcp_target(TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap())
}

/// A path in the temporary directory that is removed with its owner.
pub(crate) struct TempPath(pub(crate) PathBuf);

impl TempPath {
    /// Makes a path that no other test of this or another process uses.
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("load-test-{}-{name}", std::process::id())))
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

impl Script {
    fn new(replies: &[Reply]) -> Arc<Self> {
        Arc::new(Self { replies: replies.to_vec(), seen: Mutex::default() })
    }

    fn serve<S>(self: &Arc<Self>, connection: usize, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let script = Arc::clone(self);
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let script = Arc::clone(&script);
            async move {
                let path = request.uri().to_string();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let reply = script.next(Seen { connection, path, body });
                respond(reply).await
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }

    fn next(&self, request: Seen) -> Reply {
        let mut seen = self.seen.lock().unwrap();
        seen.push(request);
        self.replies[(seen.len() - 1) % self.replies.len()]
    }
}

async fn respond(reply: Reply) -> io::Result<Response<Full<Bytes>>> {
    let response = Response::builder();
    let response = match reply {
        Reply::Answer(status, body) => response.status(status).body(body.into()),
        Reply::Shed(reason) => {
            response.status(204).header(REASON_HEADER, reason).body(Full::default())
        }
        Reply::Endless => response.body(Bytes::from(vec![b' '; (1 << 20) + 1]).into()),
        // An error of the service makes hyper close the connection.
        Reply::Close => return Err(io::Error::other("closed by the script")),
        Reply::Silence => match pending::<Infallible>().await {},
    };
    Ok(response.unwrap())
}
