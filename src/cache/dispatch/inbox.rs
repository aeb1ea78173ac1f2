//! Loads for a shell that polls a scheduler of its own.

use std::collections::VecDeque;

use super::{Dispatched, Dispatcher};
use crate::cache::load::Load;
use crate::sync::{Arc, Mutex};
use crate::time::Time;

/// A dispatcher that leaves loads for whoever [pops](Self::pop) them: a loop that owns a
/// [`Scheduler`](crate::scheduler::Scheduler), to which it submits them beside its other work.
///
/// Its clones are the same inbox. It is looked into whenever the cache was called or
/// [advanced](crate::cache::RefreshCache::advance).
///
/// ```
/// use core::time::Duration;
/// use std::task::{Context, Poll, Waker};
///
/// use punctual::cache::dispatch::{Inbox, Message};
/// use punctual::cache::{Answer, RefreshCache, cached_fn};
/// use punctual::scheduler::{Config, Job, Next, Outcome, Scheduler};
/// use punctual::time::Time;
///
/// let inbox = Inbox::new(1_000);
/// let cache: RefreshCache<u32, u32> =
///     cached_fn(|key: &u32, _budget| Ok::<_, std::io::Error>(key * 2))
///         .build_driven(inbox.clone(), Time::ZERO)?;
/// let mut scheduler = Scheduler::new(Config::default())?;
///
/// assert_eq!(cache.get(&4), Answer::Missing);
/// while let Some(message) = inbox.pop() {
///     let Message::Submit(_, load) = message else { continue };
///     let mut job = Job::new(load);
///     if let Some(deadline) = job.payload.order().deadline {
///         job = job.deadline(deadline);
///     }
///     scheduler.submit(cache.now(), job)?;
/// }
/// let Next::Run(mut running) = scheduler.poll(cache.now()) else { unreachable!() };
/// // A plain function has ended after one poll; what waits would be suspended now.
/// let load = std::pin::pin!(running.payload);
/// assert_eq!(load.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
/// scheduler.complete(cache.now(), running.key, Outcome::Done);
/// assert_eq!(cache.get(&4), Answer::Fresh(8));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Inbox {
    state: Arc<Mutex<State>>,
}

/// The number of a load in its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

/// What a cache wants of its shell.
#[derive(Debug)]
pub enum Message {
    /// Run this load.
    Submit(Number, Load),
    /// It must be done by then. If it runs or has ended already, there is nothing to do.
    Reschedule(Number, Time),
    /// Nobody needs it any more. If it runs or has ended already, there is nothing to do.
    Cancel(Number),
}

struct State {
    messages: VecDeque<Message>,
    /// How many of them may be loads.
    bound: usize,
    loads: usize,
    next: u64,
}

/// A load in an inbox, or out of it.
struct Entry {
    state: Arc<Mutex<State>>,
    number: Number,
}

impl Inbox {
    /// An inbox for so many loads, and as many other messages.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        let state = State { messages: VecDeque::new(), bound, loads: 0, next: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The next message, in the order of their coming.
    #[must_use]
    pub fn pop(&self) -> Option<Message> {
        let mut state = self.state.lock();
        let message = state.messages.pop_front();
        if matches!(message, Some(Message::Submit(..))) {
            state.loads -= 1;
        }
        message
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().messages.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dispatcher for Inbox {
    fn submit(&self, load: Load) -> Result<Box<dyn Dispatched>, Load> {
        let mut state = self.state.lock();
        if state.loads >= state.bound {
            return Err(load);
        }
        let number = Number(state.next);
        state.next += 1;
        state.loads += 1;
        state.messages.push_back(Message::Submit(number, load));
        Ok(Box::new(Entry { state: self.state.clone(), number }))
    }
}

impl Entry {
    /// Leaves a message. Those for which there is no room were about loads that are late anyway.
    fn leave(&self, message: Message) {
        let mut state = self.state.lock();
        let others = state.messages.len() - state.loads;
        if others < state.bound {
            state.messages.push_back(message);
        }
    }
}

impl Dispatched for Entry {
    fn reschedule(&self, deadline: Time) {
        self.leave(Message::Reschedule(self.number, deadline));
    }

    fn cancel(&self) {
        self.leave(Message::Cancel(self.number));
    }
}

impl core::fmt::Debug for Inbox {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Inbox").field("len", &self.len()).finish()
    }
}
