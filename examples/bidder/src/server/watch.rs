//! When a connection's bytes came, and when it has been silent for too long.
//!
//! All connections of a worker share one timer wheel: a request's first byte, its last and its
//! answer each reset the connection's timer, which costs no more than a few stores.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use punctual::key::Key;
use punctual::time::{Clock, MonotonicClock, Time};
use punctual::wheel::TimerWheel;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// How exact the time-outs of connections are.
const RESOLUTION: Duration = Duration::from_millis(100);

/// The time-outs of all connections of a worker.
pub(crate) struct TimeOuts {
    clock: MonotonicClock,
    wheel: RefCell<TimerWheel<Rc<Notify>>>,
    read: Duration,
    idle: Duration,
}

impl TimeOuts {
    pub(crate) fn new(clock: MonotonicClock, read: Duration, idle: Duration) -> Rc<Self> {
        let wheel = RefCell::new(TimerWheel::new(RESOLUTION, clock.now()));
        Rc::new(Self { clock, wheel, read, idle })
    }

    /// Cuts what is overdue, for ever.
    pub(crate) async fn cut_overdue(&self, cut: impl Fn()) {
        let mut ticks = tokio::time::interval(RESOLUTION);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            loop {
                // The wheel is free again before anything else runs, which may use it.
                let due = self.wheel.borrow_mut().pop_due(now);
                let Some((_, connection)) = due else { break };
                connection.notify_one();
                cut();
            }
        }
    }
}

/// How much of the request in hand was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// There is none, or its head is not complete: bytes are those of the next request.
    Nothing,
    /// The head: bytes are those of the body.
    Head,
    /// All of it: bytes are those of the request after it.
    All,
}

/// What is known of one connection, shared by its socket and its service.
pub(crate) struct Watch {
    time_outs: Rc<TimeOuts>,
    timer: Key,
    overdue: Rc<Notify>,
    /// When the first byte of the next request came, if one did.
    first_byte: Cell<Option<Time>>,
    last_read: Cell<Time>,
    /// How far the request in hand is read.
    reading: Cell<Reading>,
}

impl Watch {
    /// Watches a connection from now on; it has to send a request before it is overdue.
    pub(crate) fn new(time_outs: Rc<TimeOuts>) -> Rc<Self> {
        let now = time_outs.clock.now();
        let overdue = Rc::new(Notify::new());
        let timer = time_outs.wheel.borrow_mut().insert(now + time_outs.read, overdue.clone());
        Rc::new(Self {
            time_outs,
            timer,
            overdue,
            first_byte: Cell::new(None),
            last_read: Cell::new(now),
            reading: Cell::new(Reading::Nothing),
        })
    }

    /// Completes when the connection has been silent for too long.
    pub(crate) async fn overdue(&self) {
        self.overdue.notified().await;
    }

    /// The arrival of the request whose head was just read: when its first byte was seen.
    ///
    /// A request that came along with the one before it has no first byte of its own; it arrived
    /// with the last bytes that were read.
    pub(crate) fn request_begins(&self) -> Time {
        self.reading.set(Reading::Head);
        self.first_byte.take().unwrap_or_else(|| {
            self.reset(self.time_outs.clock.now() + self.time_outs.read);
            self.last_read.get()
        })
    }

    /// The request is complete: from now on the server is the one to be waited for.
    pub(crate) fn request_ends(&self) {
        self.reading.set(Reading::All);
        self.reset(Time::MAX);
    }

    /// Whether the request in hand was read to its end.
    pub(crate) fn is_read(&self) -> bool {
        self.reading.get() == Reading::All
    }

    /// The answer is on its way: the client has to take it and to send another request, or the
    /// rest of one that has begun already.
    pub(crate) fn answered(&self) {
        self.reading.set(Reading::Nothing);
        let silence = match self.first_byte.get() {
            Some(_) => self.time_outs.read,
            None => self.time_outs.idle,
        };
        self.reset(self.time_outs.clock.now() + silence);
    }

    fn bytes_came(&self) {
        let now = self.time_outs.clock.now();
        self.last_read.set(now);
        if self.reading.get() == Reading::Head || self.first_byte.get().is_some() {
            return;
        }
        self.first_byte.set(Some(now));
        if self.reading.get() == Reading::Nothing {
            // Later bytes don't move it: a client that trickles is cut as well.
            self.reset(now + self.time_outs.read);
        }
    }

    fn reset(&self, deadline: Time) {
        self.time_outs.wheel.borrow_mut().reset(self.timer, deadline);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.time_outs.wheel.borrow_mut().cancel(self.timer);
    }
}

/// A socket that tells its watch when bytes come.
pub(crate) struct Watched<S> {
    pub(crate) stream: S,
    pub(crate) watch: Rc<Watch>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.watch.bytes_came();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
