//! Everything around a cache that is under the model's control: the loader, the dispatcher, the
//! listener. What they see stands in one log, in its order.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Wake;

use punctual::cache::dispatch::{Dispatched, Dispatcher};
use punctual::cache::{Load, Loaded, Order, RefreshCache, Removal};
use punctual::refresh::Urgency;
use punctual::time::Time;

use super::ops::{Brings, Ttls, units};

/// What the cache did to others.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Submitted {
        load: usize,
        order: Order,
    },
    /// The loader was called: what it reads for each key is read now.
    Called {
        load: usize,
        keys: Vec<(u8, u32)>,
    },
    /// The load ends now: it returns, or is dropped.
    Ends {
        load: usize,
        end: End,
    },
    /// Nobody needs the load any more.
    Cancelled {
        load: usize,
    },
    Rescheduled {
        load: usize,
        deadline: Time,
    },
    /// Somebody moves the clock while a load ends.
    Advances {
        to: Time,
    },
    Left {
        key: u8,
        value: u32,
        why: Removal,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Brings(Brings),
    Dropped,
}

/// Shared by all of them. No lock of it is held while the cache is called.
#[derive(Default)]
pub(super) struct World {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    log: VecDeque<Event>,
    loads: Vec<Place>,
    /// The load that is polled now.
    polled: Option<usize>,
    /// The last version of anything: no two reads or writes give the same value.
    version: u32,
    refuse: u32,
    leave: bool,
    /// Of the cache whose clock moves while a load ends.
    late: Option<(RefreshCache<u8, u32>, Time)>,
}

/// A load, from the dispatcher's view.
struct Place {
    load: Option<Pin<Box<Load>>>,
    brings: Option<Brings>,
    has_begun: bool,
    flag: Arc<Flag>,
}

/// Notes that it was woken.
#[derive(Default)]
pub(super) struct Flag(Mutex<bool>);

impl Flag {
    pub(super) fn is_up(&self) -> bool {
        *self.0.lock().expect("nobody panics with it")
    }

    pub(super) fn lower(&self) {
        *self.0.lock().expect("nobody panics with it") = false;
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        *self.0.lock().expect("nobody panics with it") = true;
    }
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    pub(super) fn take_events(&self) -> VecDeque<Event> {
        core::mem::take(&mut self.lock().log)
    }

    pub(super) fn note(&self, event: Event) {
        self.lock().log.push_back(event);
    }

    pub(super) fn is_silent(&self) -> bool {
        self.lock().log.is_empty()
    }

    pub(super) fn next_version(&self) -> u32 {
        let mut state = self.lock();
        state.version += 1;
        state.version
    }

    pub(super) fn refuse(&self, count: u32) {
        self.lock().refuse = count;
    }

    pub(super) fn leave(&self, is_on: bool) {
        self.lock().leave = is_on;
    }

    /// The loads that somebody holds, from the oldest to the newest.
    pub(super) fn loads(&self) -> Vec<usize> {
        let state = self.lock();
        let here = state.loads.iter().enumerate().filter(|(_, place)| place.load.is_some());
        here.map(|(number, _)| number).collect()
    }

    pub(super) fn is_here(&self, load: usize) -> bool {
        self.lock().loads[load].load.is_some()
    }

    /// Whether whoever runs the load was told to look at it.
    pub(super) fn was_woken(&self, load: usize) -> bool {
        self.lock().loads[load].flag.is_up()
    }

    /// Decides what the load brings when it is polled next.
    pub(super) fn decide(&self, load: usize, brings: Brings) {
        self.lock().loads[load].brings = Some(brings);
    }

    /// The cache's clock is moved when the next load ends.
    pub(super) fn be_late(&self, cache: &RefreshCache<u8, u32>, until: Time) {
        self.lock().late = Some((cache.clone(), until));
    }

    pub(super) fn be_punctual(&self) {
        let late = self.lock().late.take();
        drop(late);
    }

    /// Polls a load that is here.
    pub(super) fn poll(&self, load: usize) {
        let mut state = self.lock();
        let place = &mut state.loads[load];
        place.has_begun = true;
        let (mut running, flag) = (place.load.take().expect("it is here"), place.flag.clone());
        let before = state.polled.replace(load);
        drop(state);
        let waker = flag.into();
        let polled = running.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.lock();
        state.polled = before;
        if polled.is_pending() {
            state.loads[load].load = Some(running);
            return;
        }
        drop(state);
        drop(running);
    }

    /// Drops all loads, which hold the world themselves; no others come.
    pub(super) fn end_all(&self) {
        let mut state = self.lock();
        state.refuse = u32::MAX;
        let loads: Vec<_> = state.loads.iter_mut().filter_map(|place| place.load.take()).collect();
        drop(state);
        drop(loads);
    }

    /// Drops a load that is here.
    pub(super) fn drop_load(&self, load: usize) {
        let dropped = self.lock().loads[load].load.take();
        drop(dropped);
    }

    pub(super) fn left(&self, key: u8, value: u32, why: Removal) {
        self.note(Event::Left { key, value, why });
    }

    /// The loader of one key, or of several.
    pub(super) fn call(self: &Arc<Self>, keys: &[u8]) -> impl Future<Output = Read> + use<> {
        let mut state = self.lock();
        let load = state.polled.expect("loaders are called by polls");
        let first = state.version + 1;
        state.version += keys.len() as u32;
        let keys: Vec<_> = keys.iter().copied().zip(first..).collect();
        state.log.push_back(Event::Called { load, keys: keys.clone() });
        drop(state);
        let world = self.clone();
        async move {
            let brings = poll_fn(|_| world.result(load)).await;
            world.end(load, brings);
            (brings, keys)
        }
    }

    fn result(&self, load: usize) -> Poll<Brings> {
        self.lock().loads[load].brings.map_or(Poll::Pending, Poll::Ready)
    }

    fn end(&self, load: usize, brings: Brings) {
        let late = self.lock().late.take();
        if let Some((cache, to)) = late {
            self.note(Event::Advances { to });
            let _ = cache.advance(to);
        }
        self.note(Event::Ends { load, end: End::Brings(brings) });
        if brings == Brings::Panic {
            // What was thrown is leaked, since dropping it may panic: it takes no memory.
            resume_unwind(Box::new(()));
        }
    }
}

/// What a load has read, and for which keys.
pub(super) type Read = (Brings, Vec<(u8, u32)>);

/// What the loader says of a version that it has read.
pub(super) fn loaded(brings: Brings, version: u32) -> Result<Loaded<u32>, String> {
    let (loaded, Ttls { soft, hard }) = match brings {
        Brings::Value(ttls) => (Loaded::new(version), ttls),
        Brings::Absent(ttls) => (Loaded::absent(), ttls),
        Brings::Unchanged => (Loaded::unchanged(), Ttls::default()),
        Brings::Error | Brings::Panic => return Err(format!("error {version}")),
    };
    let loaded = soft.into_iter().fold(loaded, |loaded, ttl| loaded.soft_ttl(units(ttl)));
    Ok(hard.into_iter().fold(loaded, |loaded, ttl| loaded.hard_ttl(units(ttl))))
}

/// The dispatcher: keeps loads in a list.
pub(super) struct List(pub(super) Arc<World>);

/// A load in the list.
struct Ticket {
    world: Arc<World>,
    load: usize,
}

impl Dispatcher for List {
    fn submit(&self, load: Load) -> Result<Box<dyn Dispatched>, Load> {
        let order = load.order();
        let mut state = self.0.lock();
        let number = state.loads.len();
        let (load, flag) = (Some(Box::pin(load)), Arc::default());
        state.loads.push(Place { load, brings: None, has_begun: false, flag });
        state.log.push_back(Event::Submitted { load: number, order });
        let is_refused = state.refuse > 0;
        state.refuse = state.refuse.saturating_sub(1);
        // Nobody else would know which key is refreshed.
        let is_left = state.leave && matches!(order.urgency, Urgency::Demanded { .. });
        drop(state);
        if !is_left {
            self.0.poll(number);
        }
        if is_refused {
            let load = self.0.lock().loads[number].load.take().expect("it is pending");
            self.0.note(Event::Ends { load: number, end: End::Dropped });
            return Err(*Pin::into_inner(load));
        }
        Ok(Box::new(Ticket { world: self.0.clone(), load: number }))
    }
}

impl Dispatched for Ticket {
    fn reschedule(&self, deadline: Time) {
        self.world.note(Event::Rescheduled { load: self.load, deadline });
    }

    fn cancel(&self) {
        let load = self.load;
        self.world.note(Event::Cancelled { load });
        let mut state = self.world.lock();
        let place = &mut state.loads[load];
        let Some(unused) = place.load.take_if(|_| !place.has_begun) else { return };
        state.log.push_back(Event::Ends { load, end: End::Dropped });
        drop(state);
        drop(unused);
    }
}
