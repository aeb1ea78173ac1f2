//! Loads as jobs of a pool, beside the requests that they serve.

use core::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

use super::{Dispatched, Dispatcher};
use crate::cache::load::Load;
use crate::pool::{Handle, Ticket};
use crate::refresh::Urgency;
use crate::scheduler::{Class, Job};
use crate::sync::{Arc, Mutex};
use crate::time::Time;
use crate::timer::Timer;

/// Runs loads as futures of a [pool](crate::pool), ordered together with its other jobs.
///
/// A refresh has no deadline: it is background work, which takes slack and delays nobody. A load
/// whose entry is about to expire has the hard expiry as its deadline, and is worth nothing beside
/// other jobs: in overload it is the first to go. A load that somebody waits for has that one's
/// deadline.
///
/// It keeps a [`Handle`], which doesn't keep the pool open. When the pool is closed, loads are
/// refused.
#[derive(Clone, Debug)]
pub struct OnPool {
    handle: Handle,
    class: Class,
    value: u32,
}

impl OnPool {
    /// Loads of class 0 and of value 1 for who waits.
    #[must_use]
    pub fn new(handle: &Handle) -> Self {
        Self { handle: handle.clone(), class: Class::new(0), value: 1 }
    }

    /// Sets the class of the loads: a foreground class of their own, so that its cost is learned
    /// from them alone.
    #[must_use]
    pub const fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Sets what a load is worth that somebody waits for, beside other jobs.
    #[must_use]
    pub const fn value(mut self, value: u32) -> Self {
        self.value = value;
        self
    }
}

impl Dispatcher for OnPool {
    fn submit(&self, load: Load) -> Result<Box<dyn Dispatched>, Load> {
        let order = load.order();
        let value = match order.urgency {
            Urgency::Demanded { .. } => self.value,
            Urgency::Expiring { .. } | Urgency::Refresh => 0,
        };
        // The closure gives the load back if it never ran.
        let job = Job::new(move |_| load).class(self.class).value(value);
        let job = match order.deadline {
            Some(deadline) => job.deadline(deadline).lead(order.lead),
            None => job,
        };
        match self.handle.spawn(job) {
            Ok(ticket) => Ok(Box::new(Watcher(Watch::over(ticket)))),
            Err(refused) => {
                // The load is dropped with its closure, and tells who waits.
                drop(refused);
                Ok(Box::new(()))
            }
        }
    }

    fn timer(&self) -> Option<Timer> {
        Some(self.handle.timer().clone())
    }

    fn is_worker(&self) -> bool {
        self.handle.is_worker()
    }
}

/// Watches over a job: if it is shed, its load has to be dropped, so that who waits hears it.
#[derive(Default)]
struct Watch(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    /// Out of its place while it is used, since that may wake the watch itself.
    ticket: Option<Ticket<()>>,
    /// It was woken meanwhile.
    is_woken: bool,
}

/// What the cache holds of a watch.
struct Watcher(Arc<Watch>);

impl Watch {
    fn over(ticket: Ticket<()>) -> Arc<Self> {
        let watch = Arc::new(Self::default());
        watch.watch(ticket);
        watch
    }

    /// Looks at the outcome; if there is none yet, the watch is woken with it.
    fn watch(self: &Arc<Self>, mut ticket: Ticket<()>) {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut ticket).poll(&mut context) {
                return drop(outcome);
            }
            let mut watched = self.0.lock();
            if !core::mem::take(&mut watched.is_woken) {
                watched.ticket = Some(ticket);
                return;
            }
        }
    }

    fn take(&self) -> Option<Ticket<()>> {
        let mut watched = self.0.lock();
        let ticket = watched.ticket.take();
        watched.is_woken |= ticket.is_none();
        ticket
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        if let Some(ticket) = self.take() {
            self.watch(ticket);
        }
    }
}

impl Dispatched for Watcher {
    fn reschedule(&self, deadline: Time) {
        if let Some(ticket) = self.0.take() {
            // A job that runs, or can't be met by then, goes on as it was.
            let _ = ticket.reschedule(deadline);
            self.0.watch(ticket);
        }
    }

    fn cancel(&self) {
        let ticket = self.0.take();
        drop(ticket);
    }
}
