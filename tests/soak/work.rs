//! The work that clients submit: closures and futures, some of which submit more, wait, or panic.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use punctual::pool::{Handle, Outcome, Ticket};
use punctual::scheduler::{Budget, Job};

use super::ledger::{Ledger, Stage, Witness};
use super::random::{Random, mix};

/// What all the work of a pool has in common.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) pool: Handle,
    pub(crate) ledger: Arc<Ledger>,
}

/// What a piece of work does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Nothing,
    /// Keeps its worker busy.
    Spin(Duration),
    Panic,
    /// Submits others and waits for them, or drops their tickets, or lets them go.
    Submit {
        jobs: u32,
        seed: u64,
    },
    /// Sleeps on the pool's timer; a closure spins instead.
    Sleep(Duration),
    /// Gives way so many times.
    Yield(u32),
    /// Waits for what never comes; a closure does nothing.
    Forever,
}

impl Deed {
    pub(crate) fn draw(random: &mut Random, depth: u32) -> Self {
        let us = |us: u32| Duration::from_micros(us.into());
        match random.below(100) {
            0..40 => Self::Nothing,
            40..60 => Self::Spin(us(random.below(60))),
            60..65 => Self::Panic,
            65..75 if depth > 0 => Self::Submit { jobs: 1 + random.below(3), seed: random.next() },
            75..85 => Self::Sleep(us(random.below(300))),
            85..97 => Self::Yield(random.below(4)),
            97..100 => Self::Forever,
            _ => Self::Nothing,
        }
    }
}

/// The result of a piece of work with a number: nobody else's.
pub(crate) const fn result(number: u64) -> u64 {
    mix(number)
}

/// A closure's part.
pub(crate) fn run(
    site: &Site,
    mut witness: Witness,
    deed: Deed,
    number: u64,
    budget: Budget,
) -> u64 {
    witness.stage = Stage::Begun;
    match deed {
        Deed::Panic => panic(witness),
        Deed::Spin(length) | Deed::Sleep(length) => spin(site, length),
        Deed::Submit { jobs, seed } => {
            for (ticket, expected, way) in submit_others(site, jobs, seed, budget) {
                match way {
                    Way::Wait => check(ticket.wait(), expected),
                    Way::Drop => drop(ticket),
                    Way::Detach => ticket.detach(),
                }
            }
        }
        Deed::Nothing | Deed::Yield(_) | Deed::Forever => {}
    }
    witness.stage = Stage::Finished;
    result(number)
}

/// A future's part.
pub(crate) async fn run_async(
    site: Site,
    mut witness: Witness,
    deed: Deed,
    number: u64,
    budget: Budget,
) -> u64 {
    witness.stage = Stage::Begun;
    match deed {
        Deed::Panic => {
            Yield(1).await;
            panic(witness);
        }
        Deed::Spin(length) => spin(&site, length),
        Deed::Sleep(length) => site.pool.timer().sleep(length).await,
        Deed::Yield(times) => Yield(times).await,
        Deed::Forever => std::future::pending().await,
        Deed::Submit { jobs, seed } => {
            for (ticket, expected, way) in submit_others(&site, jobs, seed, budget) {
                match way {
                    Way::Wait => check(ticket.await, expected),
                    Way::Drop => drop(ticket),
                    Way::Detach => ticket.detach(),
                }
            }
        }
        Deed::Nothing => {}
    }
    witness.stage = Stage::Finished;
    result(number)
}

/// Panics without a word.
fn panic(mut witness: Witness) -> ! {
    witness.stage = Stage::Panicked;
    resume_unwind(Box::new("as planned"))
}

fn spin(site: &Site, length: Duration) {
    let until = site.pool.now() + length;
    while site.pool.now() < until {
        std::hint::spin_loop();
    }
}

/// What is done with the ticket of a sub-task.
enum Way {
    Wait,
    Drop,
    Detach,
}

/// Sub-tasks with half of what is left of a budget.
fn submit_others(
    site: &Site,
    jobs: u32,
    seed: u64,
    budget: Budget,
) -> Vec<(Ticket<u64>, u64, Way)> {
    let mut random = Random::new(seed);
    let reserve = budget.remaining(site.pool.now()).min(Duration::from_secs(1)) / 2;
    let mut others = Vec::new();
    for _ in 0..jobs {
        let (deed, number) = (Deed::draw(&mut random, 0), random.next());
        let (inside, witness) = (site.clone(), site.ledger.witness());
        let work = move |budget| run(&inside, witness, deed, number, budget);
        let way = match random.below(4) {
            0 => Way::Drop,
            1 => Way::Detach,
            _ => Way::Wait,
        };
        // A pool that is full or closed says no.
        if let Ok(ticket) = site.pool.submit(Job::new(work).within(budget.child(reserve))) {
            others.push((ticket, result(number), way));
        }
    }
    others
}

/// Whoever ran has given its own result.
pub(crate) fn check<W>(outcome: Outcome<u64, W>, expected: u64) {
    let result = outcome.done().unwrap_or(expected);
    assert_eq!(result, expected, "somebody else's result");
}

/// Gives way so many times.
struct Yield(u32);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
