//! A pool of connections that grows on demand to a limit, and a bounded queue in front of it.
//!
//! An exchange opens a connection when all of its others are busy, and so does this pool. Reuse is
//! last in, first out: a server that keeps up then sees few connections, all warm.
//!
//! A request that has to open a connection takes whichever comes first, its own or one given back.
//! The kernel of a server that stalls drops connection requests, and they are repeated only after
//! a second: waiting for its own connection alone would turn 100 ms of stall into 1 s of latency.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot};
use tokio::task::spawn_local;

use super::connection::{Connection, Envelope, OpenError};
use super::outcome::{Answer, Failure, Stage};
use super::target::Endpoint;

/// Connections to one endpoint; a request holds a permit while it has one or waits for one.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Rc<Shared>,
    permits: Semaphore,
    queued: Cell<usize>,
    max_queued: usize,
}

/// A connection lent to one request; it closes when dropped, because an answer may be under way.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    shared: &'a Shared,
    member: Member,
    _permit: SemaphorePermit<'a>,
}

/// What the pool shares with the tasks that open connections for it.
#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    envelope: Envelope,
    idle: RefCell<Vec<Member>>,
    census: Rc<Census>,
}

/// The number of connections that are idle, lent or being opened, which never exceeds its limit.
#[derive(Debug)]
struct Census {
    open: Cell<usize>,
    max_open: usize,
    /// Wakes a request whenever a connection is given back or lost.
    changed: Notify,
}

/// One connection of the census, counted until it is dropped.
#[derive(Debug)]
struct Slot(Rc<Census>);

#[derive(Debug)]
struct Member {
    connection: Connection,
    _slot: Slot,
}

type Opening = oneshot::Receiver<Result<Member, OpenError>>;

impl Pool {
    /// Opens `up_front` connections, so that an endpoint that is not there is found out at once.
    ///
    /// The limit is at least one connection and at most [`Semaphore::MAX_PERMITS`].
    pub(crate) async fn open(
        endpoint: Endpoint,
        max_connections: usize,
        max_queued: usize,
        up_front: usize,
    ) -> Result<Self, OpenError> {
        let max_open = max_connections.clamp(1, Semaphore::MAX_PERMITS);
        let census = Rc::new(Census { open: Cell::new(0), max_open, changed: Notify::new() });
        let envelope = Envelope::new(&endpoint);
        let shared = Rc::new(Shared { endpoint, envelope, idle: RefCell::default(), census });
        for _ in 0..up_front {
            let Some(slot) = shared.census.slot() else {
                break;
            };
            let connection = Connection::open(&shared.endpoint).await?;
            shared.give_back(Member { connection, _slot: slot });
        }
        Ok(Self { shared, permits: Semaphore::new(max_open), queued: Cell::new(0), max_queued })
    }

    /// Lends a connection: an idle one, or a new one, or the next to be given back.
    ///
    /// Requests that wait for a permit are served in their order, and `stage` tells the caller how
    /// far this one has come. Dropping the future gives up its place; a connection that is then
    /// being opened for it goes to the pool.
    pub(crate) async fn lease(&self, stage: &Cell<Stage>) -> Result<Lease<'_>, Failure> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait_in_queue().await?,
        };
        let member = self.shared.take(stage).await.map_err(|_| Failure::Connect)?;
        Ok(Lease { shared: &self.shared, member, _permit: permit })
    }

    async fn wait_in_queue(&self) -> Result<SemaphorePermit<'_>, Failure> {
        if self.queued.get() >= self.max_queued {
            return Err(Failure::Unsent);
        }
        let _place = Place::take(&self.queued);
        // The semaphore fails only when it is closed, which this pool never does.
        self.permits.acquire().await.map_err(|_| Failure::Unsent)
    }
}

impl Shared {
    /// Takes the first connection to be had; between the look at the idle ones and the wait for a
    /// change there is no other task's turn, so no change is missed.
    async fn take(self: &Rc<Self>, stage: &Cell<Stage>) -> Result<Member, OpenError> {
        let mut opening = None;
        loop {
            while let Some(mut member) = self.pop_idle() {
                if member.connection.is_usable().await {
                    return Ok(member);
                }
            }
            stage.set(Stage::Connecting);
            if opening.is_none() {
                opening = self.open_another();
            }
            tokio::select! {
                biased;
                opened = arrival(&mut opening) => return opened,
                () = self.census.changed.notified() => {}
            }
        }
    }

    /// Begins to open a connection, unless there are as many as there may be.
    fn open_another(self: &Rc<Self>) -> Option<Opening> {
        let slot = self.census.slot()?;
        let (sender, opening) = oneshot::channel();
        let shared = Rc::clone(self);
        spawn_local(async move {
            let opened = Connection::open(&shared.endpoint).await;
            let opened = opened.map(|connection| Member { connection, _slot: slot });
            if let Err(Ok(unclaimed)) = sender.send(opened) {
                shared.give_back(unclaimed);
            }
        });
        Some(opening)
    }

    fn give_back(&self, member: Member) {
        self.idle.borrow_mut().push(member);
        self.census.changed.notify_one();
    }

    // A function of its own, because a borrow in the head of a loop would last through its body.
    fn pop_idle(&self) -> Option<Member> {
        self.idle.borrow_mut().pop()
    }
}

/// Waits for a connection that is being opened; for ever, if none is.
async fn arrival(opening: &mut Option<Opening>) -> Result<Member, OpenError> {
    match opening {
        // The sender is lost only with the `LocalSet`, and this future with it.
        Some(opening) => match opening.await {
            Ok(opened) => opened,
            Err(_) => pending().await,
        },
        None => pending().await,
    }
}

impl Lease<'_> {
    /// Sends a request, reads its whole answer and gives the connection back to the pool.
    pub(crate) async fn post(self, body: Bytes) -> Result<Answer, Failure> {
        let Self { shared, mut member, _permit } = self;
        let answer = member.connection.post(&shared.envelope, body).await?;
        shared.give_back(member);
        Ok(answer)
    }
}

impl Census {
    fn slot(self: &Rc<Self>) -> Option<Slot> {
        if self.open.get() == self.max_open {
            return None;
        }
        self.open.set(self.open.get() + 1);
        Some(Slot(Rc::clone(self)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.changed.notify_one();
    }
}

/// A place in the queue, given up when the waiting ends in whatever way.
struct Place<'a>(&'a Cell<usize>);

impl<'a> Place<'a> {
    fn take(queued: &'a Cell<usize>) -> Self {
        queued.set(queued.get() + 1);
        Self(queued)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
