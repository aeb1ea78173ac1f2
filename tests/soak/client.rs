//! A client: submits at random, and does at random what one can do with a ticket.

use std::ops::AddAssign;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use punctual::pool::{Outcome, Ticket};
use punctual::scheduler::{Budget, Class, Job};

use super::random::Random;
use super::work::{Deed, Site, check, result, run, run_async};

/// Things that a client does in a burst.
const BURST: u32 = 200;

/// Tickets that a client holds at most.
const MOST_HELD: usize = 100;

/// What a client has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Submissions that the pool took, and those that it didn't.
    pub(crate) taken: u64,
    pub(crate) turned_away: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) shed: u64,
    pub(crate) cancelled: u64,
    /// Tickets without an outcome: dropped, or let go.
    pub(crate) unseen: u64,
    /// Work that came back and was run by the client.
    pub(crate) run_here: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.taken += other.taken;
        self.turned_away += other.turned_away;
        self.done += other.done;
        self.failed += other.failed;
        self.shed += other.shed;
        self.cancelled += other.cancelled;
        self.unseen += other.unseen;
        self.run_here += other.run_here;
    }
}

pub(crate) struct Client {
    site: Site,
    random: Random,
    held: Vec<Held>,
    seen: Seen,
}

struct Held {
    ticket: Ticket<u64>,
    expected: u64,
    deed: Deed,
    /// It may end only with the pool.
    is_endless: bool,
}

impl Client {
    pub(crate) fn new(site: Site, seed: u64) -> Self {
        let (random, held, seen) = (Random::new(seed), Vec::new(), Seen::default());
        Self { site, random, held, seen }
    }

    /// Acts in bursts. Between two of them, and before the last, others may look at the pool.
    pub(crate) fn live(mut self, bursts: u32, gate: &Barrier) -> Self {
        for _ in 1..bursts {
            self.act(BURST);
            self.settle();
            gate.wait();
            gate.wait();
        }
        gate.wait();
        self.act(BURST);
        self
    }

    /// Does so many things at random.
    fn act(&mut self, times: u32) {
        for _ in 0..times {
            if self.held.len() >= MOST_HELD || self.random.below(100) >= 55 {
                self.use_a_ticket();
            } else {
                self.submit();
            }
        }
    }

    /// Sees what becomes of all that is held; what never ends is dropped.
    fn settle(&mut self) {
        for held in std::mem::take(&mut self.held) {
            if held.is_endless {
                self.seen.unseen += 1;
            } else {
                self.see(held.ticket.wait(), held.expected, held.deed);
            }
        }
    }

    /// The pool has ended, and so have all jobs.
    pub(crate) fn finish(mut self) -> Seen {
        for held in std::mem::take(&mut self.held) {
            self.see(held.ticket.wait(), held.expected, held.deed);
        }
        self.seen
    }

    fn submit(&mut self) {
        let (deed, number) = (Deed::draw(&mut self.random, 1), self.random.next());
        let (site, witness) = (self.site.clone(), self.site.ledger.witness());
        let pool = self.site.pool.clone();
        let is_async = self.random.below(3) == 0;
        let ticket = if is_async {
            let make = move |budget| run_async(site, witness, deed, number, budget);
            pool.spawn(self.describe(make)).ok()
        } else {
            let work = move |budget| run(&site, witness, deed, number, budget);
            pool.submit(self.describe(work)).ok()
        };
        let Some(ticket) = ticket else {
            self.seen.turned_away += 1;
            return;
        };
        self.seen.taken += 1;
        let is_endless = is_async && deed == Deed::Forever;
        match self.random.below(10) {
            0 => drop(ticket),
            1 if !is_endless => ticket.detach(),
            _ => {
                let expected = result(number);
                self.held.push(Held { ticket, expected, deed, is_endless });
                return;
            }
        }
        self.seen.unseen += 1;
    }

    /// A job with everything that a job can have; classes 0 to 2 are there.
    fn describe<F>(&mut self, work: F) -> Job<F> {
        let random = &mut self.random;
        let us = |us: u32| Duration::from_micros(us.into());
        let now = self.site.pool.now();
        let mut job = Job::new(work).class(Class::new(random.below(3) as u16));
        job = match random.below(8) {
            0 => job,
            1 => job.deadline(now),
            2..5 => job.budget(us(random.below(2_000))),
            _ => job.budget(us(1_000 + random.below(50_000))),
        };
        if random.below(5) == 0 {
            job = job.release(now + us(random.below(1_000)));
        }
        if random.below(3) == 0 {
            job = job.cost(us(random.below(100)));
        }
        if random.below(3) == 0 {
            job = job.tenant(random.below(3).into());
        }
        job.value(random.below(4))
    }

    fn use_a_ticket(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let at = self.random.below(self.held.len() as u32) as usize;
        let (now, soon) = (self.site.pool.now(), self.random.below(2_000));
        let soon = now + Duration::from_micros(soon.into());
        let held = &self.held[at];
        match self.random.below(10) {
            0 | 1 => _ = held.ticket.cancel(),
            2 | 3 => _ = held.ticket.reschedule(soon),
            4 => {
                self.held.swap_remove(at);
                self.seen.unseen += 1;
            }
            5 | 6 => self.take(at, Ticket::try_take),
            7 => self.take(at, |ticket| ticket.wait_until(soon)),
            8 if !held.is_endless => self.take(at, |ticket| Ok(ticket.wait())),
            9 if !held.is_endless => self.take(at, |ticket| Ok(block_on(ticket))),
            _ => {}
        }
    }

    /// Takes the outcome, if there is one.
    fn take(
        &mut self,
        at: usize,
        take: impl FnOnce(Ticket<u64>) -> Result<Outcome<u64>, Ticket<u64>>,
    ) {
        let Held { ticket, expected, deed, is_endless } = self.held.swap_remove(at);
        match take(ticket) {
            Ok(outcome) => self.see(outcome, expected, deed),
            Err(ticket) => self.held.push(Held { ticket, expected, deed, is_endless }),
        }
    }

    fn see(&mut self, outcome: Outcome<u64>, expected: u64, deed: Deed) {
        match outcome {
            Outcome::Shed(work, _) => {
                self.seen.shed += 1;
                if !matches!(deed, Deed::Panic | Deed::Forever) && self.random.below(4) == 0 {
                    self.seen.run_here += 1;
                    assert_eq!(work.run(Budget::UNLIMITED), expected, "somebody else's result");
                }
            }
            Outcome::Failed(_) => self.seen.failed += 1,
            Outcome::Cancelled => self.seen.cancelled += 1,
            done @ Outcome::Done(_) => {
                self.seen.done += 1;
                check(done, expected);
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
