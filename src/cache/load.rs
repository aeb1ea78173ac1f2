//! What a dispatcher runs.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::refresh::Urgency;
use crate::sync::{Arc, Mutex};
use crate::time::Time;

/// A load on its way: a future, to be polled wherever its
/// [dispatcher](super::dispatch::Dispatcher) likes. It never panics, and ends at its
/// [time-out](Order::until) at the latest if it waits for something.
///
/// A plain function is run by one poll. Dropped before its end, it frees its claim, and who waits
/// for it hears [`LoadError::Dropped`](super::LoadError::Dropped).
pub struct Load {
    body: Arc<Body>,
    running: Option<Box<dyn Attempt>>,
    /// It was polled, and needn't be looked for any more.
    has_begun: bool,
    order: Order,
}

/// What a dispatcher should know of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Why it is done.
    pub urgency: Urgency,
    /// When it must be done: that of the first who waits for it, or the hard expiry. Without one
    /// it is background work.
    pub deadline: Option<Time>,
    /// How long such loads take, as a high quantile, with those that they depend on.
    pub lead: Duration,
    /// When it doesn't count any more.
    pub until: Time,
    /// How many keys it is for.
    pub keys: usize,
}

/// The work itself, without its types.
pub(super) trait Attempt: Send {
    /// Goes on. Panics of what the user wrote have been caught.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// The work of a load, for whoever begins with it first: the dispatcher, or a worker that waits.
pub(super) struct Body {
    /// Taken by whoever begins.
    attempt: Mutex<Option<Box<dyn Attempt>>>,
    control: Mutex<Control>,
}

#[derive(Default)]
struct Control {
    /// Of whoever runs it.
    waker: Option<Waker>,
    is_over: bool,
}

impl Body {
    pub(super) fn new(attempt: Box<dyn Attempt>) -> Arc<Self> {
        Arc::new(Self { attempt: Mutex::new(Some(attempt)), control: Mutex::default() })
    }

    fn take(&self) -> Option<Box<dyn Attempt>> {
        self.attempt.lock().take()
    }

    /// Nobody waits for its end any more: whoever runs it is to drop it.
    pub(super) fn call_off(&self, wakers: &mut Vec<Waker>) {
        let mut control = self.control.lock();
        control.is_over = true;
        wakers.extend(control.waker.take());
    }

    /// Whether it was called off; if not, the waker is woken when it is.
    fn is_over(&self, waker: &Waker) -> bool {
        let mut control = self.control.lock();
        let is_known = control.waker.as_ref().is_some_and(|known| known.will_wake(waker));
        if !is_known && !control.is_over {
            control.waker = Some(waker.clone());
        }
        control.is_over
    }

    fn poll(&self, running: &mut Option<Box<dyn Attempt>>, context: &mut Context<'_>) -> Poll<()> {
        let Some(attempt) = running else { return Poll::Ready(()) };
        if !self.is_over(context.waker()) && attempt.poll(context).is_pending() {
            return Poll::Pending;
        }
        *running = None;
        Poll::Ready(())
    }

    /// Begins with it, if nobody has.
    pub(super) fn begin(self: Arc<Self>) -> Option<Helped> {
        let running = Some(self.take()?);
        Some(Helped { body: self, running })
    }

    /// Whether somebody has begun with it.
    pub(super) fn has_begun(&self) -> bool {
        self.attempt.lock().is_none()
    }
}

/// A load that somebody runs who waits for it.
pub(super) struct Helped {
    body: Arc<Body>,
    running: Option<Box<dyn Attempt>>,
}

impl Helped {
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.body.poll(&mut self.running, context)
    }
}

impl Load {
    pub(super) const fn new(body: Arc<Body>, order: Order) -> Self {
        Self { body, running: None, has_begun: false, order }
    }

    /// What its dispatcher should know of it.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }
}

impl Future for Load {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let load = &mut *self;
        if !load.has_begun {
            load.has_begun = true;
            load.running = load.body.take();
        }
        load.body.poll(&mut load.running, context)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if !self.has_begun {
            drop(self.body.take());
        }
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Load").field("order", &self.order).finish_non_exhaustive()
    }
}
