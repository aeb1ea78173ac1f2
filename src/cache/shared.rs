//! What all handles of a cache share: the way to the core and back.

use core::hash::Hash;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Wake;

use equivalent::Equivalent;

use super::answer::{Answer, Removal};
use super::clock::CacheClock;
use super::core::{Command, Core, Discarded, Effects};
use super::dependency::{Node, Upstream};
use super::dispatch::Dispatcher;
use super::errand::Landing;
use super::error::{LoadError, WaitError};
use super::hits::Hits;
use super::load::Load;
use super::loaded::{Content, Loaded};
use super::loader::{BoxFuture, Loader};
use super::party::Party;
use super::policy::Policy;
use super::stats::Counters;
use super::stored::{Kind, Store};
use super::visit::Visit;
use super::wait::Host;
use crate::contain::contain;
use crate::key::Key;
use crate::scheduler::Budget;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, Weak};
use crate::time::Time;
use crate::timer::Alarm;

/// What is told of values that leave.
pub(super) type Listener<K, V> = Box<dyn Fn(&K, &V, Removal) + Send + Sync>;

/// So many hits are taken in by one tick.
const MOST_HITS: usize = 4_096;

/// A caller tells a dispatcher so many things at most.
const MOST_TOLD: u32 = 256;

/// So often a call looks again at what is due, after dispatchers were told what was.
const MOST_ECHOES: usize = 4;

/// After so many ticks the clock is parked. If somebody uses the cache, the next hit costs a lock
/// more than the others; if nobody does, the thread sleeps.
const TICKS_AWAKE: usize = 256;

/// A cache.
pub(super) struct Shared<K, V> {
    pub(super) store: Store<K, V>,
    pub(super) clock: CacheClock,
    pub(super) hits: Hits,
    pub(super) counters: Counters,
    core: Mutex<Core<K, V>>,
    pub(super) policy: Policy,
    pub(super) loader: Arc<Loader<K, V>>,
    pub(super) dispatcher: Box<dyn Dispatcher>,
    pub(super) listener: Option<Listener<K, V>>,
    /// Whether two values are the same, if the loads are to teach how often values change.
    pub(super) is_same: Option<fn(&V, &V) -> bool>,
    pub(super) node: Arc<Node>,
    pub(super) upstreams: Mutex<Vec<Upstream<K>>>,
    /// Wakes the driver; none if the caller drives the cache.
    alarm: Option<Alarm>,
    resolution: Duration,
    ticks: AtomicUsize,
    pub(super) own: Weak<Self>,
}

/// What a cache is made of, beside what it makes itself.
pub(super) struct Parts<K, V> {
    pub(super) store: Store<K, V>,
    pub(super) clock: CacheClock,
    pub(super) core: Core<K, V>,
    pub(super) policy: Policy,
    pub(super) loader: Loader<K, V>,
    pub(super) dispatcher: Box<dyn Dispatcher>,
    pub(super) listener: Option<Listener<K, V>>,
    pub(super) is_same: Option<fn(&V, &V) -> bool>,
    pub(super) resolution: Duration,
}

/// Drives a cache when its alarm goes off.
struct Driver<K, V>(Weak<Shared<K, V>>);

impl<K, V> Wake for Driver<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.0.upgrade() {
            shared.tick();
        }
    }
}

impl<K, V> Shared<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(parts: Parts<K, V>) -> Arc<Self> {
        Arc::new_cyclic(|own: &Weak<Self>| {
            let driver = Arc::new(Driver(own.clone()));
            let alarm = parts.clock.timer().map(|timer| Alarm::new(timer, driver.into()));
            let latency = parts.core.latency.high();
            Self {
                store: parts.store,
                clock: parts.clock,
                hits: Hits::new(),
                counters: Counters::default(),
                core: Mutex::new(parts.core),
                policy: parts.policy,
                loader: Arc::new(parts.loader),
                dispatcher: parts.dispatcher,
                listener: parts.listener,
                is_same: parts.is_same,
                node: Arc::new(Node::new(latency)),
                upstreams: Mutex::new(Vec::new()),
                alarm,
                resolution: parts.resolution,
                ticks: AtomicUsize::new(0),
                own: own.clone(),
            }
        })
    }

    /// Does something under the core's lock, then what the planner wants, then what others are to
    /// be told.
    pub(super) fn visit<R>(&self, now: Time, act: impl FnOnce(&mut Visit<'_, K, V>) -> R) -> R {
        self.visit_for(now, act).0
    }

    fn visit_for<R>(
        &self,
        now: Time,
        act: impl FnOnce(&mut Visit<'_, K, V>) -> R,
    ) -> (R, (Option<Time>, bool)) {
        let core = self.core.lock();
        let mut visit = Visit { shared: self, core, now, effects: Effects::new() };
        // What hashes, clones or weighs may panic: others hear of what was done all the same.
        let result = catch_unwind(AssertUnwindSafe(|| act(&mut visit)));
        let next = visit.pump();
        let effects = visit.take_effects();
        let has_commands = !visit.core.outbox.is_empty();
        drop(visit);
        if let (Some(alarm), Some(next)) = (&self.alarm, next) {
            alarm.set(next);
        }
        let unneeded = self.wake_all(effects);
        if has_commands {
            self.dispatch();
        }
        self.tell(unneeded);
        (result.unwrap_or_else(|thrown| resume_unwind(thrown)), (next, has_commands))
    }

    /// Looks at the core, and changes nothing.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Core<K, V>) -> R) -> R {
        look(&self.core.lock())
    }

    /// Wakes who waits: somebody else's code.
    fn wake_all(&self, mut effects: Effects<K, V>) -> Effects<K, V> {
        for waker in effects.wakers.drain(..) {
            contain(|| waker.wake());
        }
        effects
    }

    /// Tells what has left, and drops it: last, since listeners take what time they like.
    fn tell(&self, effects: Effects<K, V>) {
        let Effects { removed, replaced, discarded, .. } = effects;
        for (key, value, why) in removed {
            contain(|| {
                if let Some(listener) = &self.listener {
                    listener(&key, &value, why);
                }
            });
            contain(|| drop((key, value)));
        }
        for value in replaced {
            contain(|| drop(value));
        }
        for unneeded in discarded {
            contain(|| match unneeded {
                Discarded::Outcome(outcome) => drop(outcome),
                Discarded::Loaded(loaded) => drop(loaded),
                Discarded::Error(error) => drop(error),
            });
        }
    }

    /// Hands loads over, in the order in which they came. One thread at a time does it: another
    /// one leaves its commands to it, also one that it calls itself.
    fn dispatch(&self) {
        for told in 0.. {
            let mut core = self.core.lock();
            if core.is_dispatching && told == 0 {
                return;
            }
            if let Some(alarm) = self.alarm.as_ref().filter(|_| told >= MOST_TOLD) {
                // Others bring more and more: the timer's thread goes on.
                core.is_dispatching = false;
                drop(core);
                return alarm.set(self.clock.now());
            }
            let command = core.outbox.pop_front();
            core.is_dispatching = command.is_some();
            drop(core);
            match command {
                None => return,
                // All of it is somebody else's code, and must not leave the others waiting.
                Some(command) => drop(contain(|| self.obey(command))),
            }
        }
    }

    fn obey(&self, command: Command<V>) {
        match command {
            Command::Submit(load, flights) => self.submit(load, &flights),
            Command::Raise(flight, deadline) => {
                if let Some(party) = flight.dispatched() {
                    party.reschedule(deadline);
                }
            }
            Command::Cancel(flight) => {
                if let Some(party) = flight.dispatched() {
                    party.leave();
                }
            }
        }
    }

    fn submit(&self, load: Load, flights: &[Arc<super::flight::Flight<V>>]) {
        let deadline = load.order().deadline;
        // A load that comes back, or is lost in a panic, is dropped, which is told to those who
        // wait.
        let Ok(dispatched) = self.dispatcher.submit(load) else { return };
        let party = Party::new(dispatched, deadline, flights.len());
        for flight in flights {
            flight.set_dispatched(party.clone());
        }
    }

    /// A load has come home.
    pub(super) fn land(
        &self,
        landing: &Landing<K, V>,
        result: Result<Loaded<V>, LoadError>,
        began: Option<Time>,
    ) {
        let is_changed = self.is_changed(&landing.key, result.as_ref().ok());
        let now = self.clock.now();
        self.visit(now, |visit| visit.land(landing, result, (began, is_changed)));
        let own = self.look(|core| core.latency.high());
        self.node.set_latency(own);
    }

    /// Whether a value is another one than what is stored; `None` if nobody can tell.
    fn is_changed(&self, key: &K, loaded: Option<&Loaded<V>>) -> Option<bool> {
        let Content::Value(new) = &loaded?.content else { return None };
        let is_same = self.is_same?;
        let old = self.store.values.peek(key)?.value;
        contain(|| !is_same(&old, new))
    }

    /// What is known at the time, without a trace.
    pub(super) fn peek_at<Q>(&self, key: &Q, now: Time) -> Answer<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        if self.clock.is_clearing() {
            return Answer::Missing;
        }
        let epoch = self.clock.epoch();
        let value = self.store.values.peek(key).filter(|it| it.is_served_at(epoch, now));
        if let Some(stored) = value {
            return stored.answer(epoch, now);
        }
        match self.store.marks.peek(key).filter(|it| it.is_served_at(epoch, now)) {
            Some(mark) if mark.kind() == Kind::Absent => Answer::Absent,
            _ => Answer::Missing,
        }
    }

    /// Somebody reads a clock that is parked, so it goes on.
    pub(super) fn wake(&self, now: Time) {
        if let Some(alarm) = &self.alarm
            && self.clock.unpark(now)
        {
            alarm.set(now + self.resolution);
        }
    }

    /// The alarm has gone off.
    fn tick(&self) {
        let now = self.clock.now();
        self.advance(now);
        let Some(alarm) = &self.alarm else { return };
        if self.clock.is_parked() {
            return;
        }
        // The relaxed count is only ever changed here, by one thread.
        if self.ticks.fetch_add(1, Ordering::Relaxed) % TICKS_AWAKE == TICKS_AWAKE - 1 {
            self.clock.park();
        } else {
            alarm.set(now + self.resolution);
        }
    }

    /// Moves the clock, and does what is due; when there is something to do again.
    pub(super) fn advance(&self, now: Time) -> Option<Time> {
        self.clock.tick(now);
        let (has_more, (mut next, mut has_told)) = self.visit_for(now, |visit| {
            visit.take_hits(MOST_HITS);
            visit.end_waits();
            visit.shared.hits.has_news()
        });
        for _ in 0..MOST_ECHOES {
            if has_more || !has_told {
                break;
            }
            // A dispatcher that refuses loads, or runs them at once, changes what is due.
            (next, has_told) = self.visit_for(now, |_| ()).1;
        }
        if has_more || has_told { Some(now) } else { next }
    }

    /// How long a load takes, with what it depends on, if it takes `own` itself.
    pub(super) fn total_latency(&self, own: Duration) -> Duration {
        own.saturating_add(self.node.upstream_latency())
    }

    /// What has to be loaded before a key.
    pub(super) fn upstream(&self, key: &K, budget: Budget) -> Vec<BoxFuture<()>> {
        let upstreams = self.upstreams.lock().clone();
        upstreams.iter().filter_map(|upstream| upstream(key, budget)).collect()
    }

    /// How many entries hold a value, or the knowledge that there is none.
    pub(super) fn entries(&self) -> usize {
        self.look(|core| core.entries)
    }
}

impl<K, V> Host for Shared<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn forget(&self, timer: Key) {
        let forgotten = self.core.lock().waits.cancel(timer);
        drop(forgotten);
    }

    fn is_worker(&self) -> bool {
        self.dispatcher.is_worker()
    }
}

impl<K, V> Drop for Shared<K, V> {
    /// Who waits hears that the cache is gone, and loads are to be dropped.
    fn drop(&mut self) {
        let mut wakers = Vec::new();
        let mut core = self.core.lock();
        for running in core.running.iter_mut().filter_map(Option::take) {
            running.body.call_off(&mut wakers);
            drop(running.flight.land(Err(WaitError::Closed), &mut wakers));
        }
        for (_, record) in core.records.iter() {
            if let Some(flight) = &record.flight {
                drop(flight.land(Err(WaitError::Closed), &mut wakers));
            }
        }
        let waiting: Vec<_> = core.waits.drain().collect();
        drop(core);
        for (_, (flight, _)) in waiting {
            drop(flight.land(Err(WaitError::Closed), &mut wakers));
        }
        for waker in wakers {
            contain(|| waker.wake());
        }
    }
}
