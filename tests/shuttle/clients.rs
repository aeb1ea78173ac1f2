//! Clients that do at random what can be done with a pool and its tickets, while time passes.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use punctual::pool::{Outcome, Ticket};
use punctual::scheduler::{Budget, Class, Job};
use punctual::time::Time;
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::check;
use super::endings::end;
use super::fates::{Body, Fate};
use super::world::{END, World, instant};

/// What a client does before it waits for what it holds.
const STEPS: u32 = 5;

/// What a job does.
#[derive(Clone, Copy)]
enum Deed {
    Nothing,
    /// A future does nothing instead: unwinding frees its place in the pool, and shuttle lets no
    /// thread use atomics or locks while it unwinds.
    Panic,
    /// Submits another one and waits for it.
    Submit,
    /// Gives way; a closure does nothing, as with what follows.
    Yield,
    Sleep(Time),
    /// Waits for the world's signal, which is given before the pool ends.
    Signal,
    /// Waits until the pool ends. Nobody waits for it.
    Forever,
}

#[test]
fn every_ticket_gets_one_outcome() {
    check(|| {
        let (pool, world) = World::drawn();
        let time = world.start_time();
        let clients: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || Client::new(world).live())
            })
            .collect();
        let signal = world.signal.clone();
        let giver = thread::spawn(move || signal.give());
        for client in clients {
            client.join().expect("a client ends well");
        }
        giver.join().expect("it gives");
        end(pool);
        time.join().expect("time passes");
        world.settle();
    });
}

#[test]
fn clients_meet_the_end_of_their_pool() {
    check(|| {
        let (pool, world) = World::drawn();
        let time = world.start_time();
        let client = {
            let world = world.clone();
            thread::spawn(move || Client::new(world).live())
        };
        let signal = world.signal.clone();
        let giver = thread::spawn(move || signal.give());
        end(pool);
        client.join().expect("a client ends well");
        giver.join().expect("it gives");
        time.join().expect("time passes");
        world.settle();
    });
}

struct Client {
    world: World,
    held: Vec<(Ticket<()>, Arc<Fate>)>,
}

impl Client {
    const fn new(world: World) -> Self {
        Self { world, held: Vec::new() }
    }

    /// Does this and that, and sees what becomes of all tickets.
    fn live(mut self) {
        for _ in 0..STEPS {
            match thread_rng().gen_range(0..8) {
                0..4 => self.submit(),
                4 => self.use_a_ticket(|ticket| _ = ticket.cancel()),
                5 => {
                    let deadline = instant();
                    self.use_a_ticket(|ticket| _ = ticket.reschedule(deadline));
                }
                6 => self.try_take(),
                _ => self.drop_one(),
            }
        }
        for (ticket, fate) in self.held {
            let outcome = match thread_rng().gen_range(0..3) {
                0 => block_on(ticket),
                1 => wait_until_it_is_over(ticket),
                _ => ticket.wait(),
            };
            fate.hear(&outcome);
        }
    }

    fn submit(&mut self) {
        let deed = match thread_rng().gen_range(0..9) {
            0 => Deed::Panic,
            1 => Deed::Submit,
            2 | 3 => Deed::Yield,
            4 => Deed::Sleep(instant()),
            5 => Deed::Signal,
            6 => Deed::Forever,
            _ => Deed::Nothing,
        };
        let (fate, body) = self.world.fates.job();
        let world = self.world.clone();
        let ticket = if thread_rng().gen_range(0..2) == 0 {
            let make = move |budget| run_async(world, body, deed, budget);
            self.world.pool.spawn(describe(make)).ok()
        } else {
            let work = move |budget| run(&world, body, deed, budget);
            self.world.pool.submit(describe(work)).ok()
        };
        let Some(ticket) = ticket else { return };
        match thread_rng().gen_range(0..6) {
            0 => drop(ticket),
            1 => ticket.detach(),
            _ if matches!(deed, Deed::Forever) => ticket.detach(),
            _ => self.held.push((ticket, fate)),
        }
    }

    fn use_a_ticket(&self, deed: impl FnOnce(&Ticket<()>)) {
        if !self.held.is_empty() {
            deed(&self.held[thread_rng().gen_range(0..self.held.len())].0);
        }
    }

    fn try_take(&mut self) {
        let Some((ticket, fate)) = self.held.pop() else { return };
        match ticket.try_take() {
            Ok(outcome) => fate.hear(&outcome),
            Err(ticket) => self.held.push((ticket, fate)),
        }
    }

    fn drop_one(&mut self) {
        self.held.pop();
    }
}

fn run(world: &World, body: Body, deed: Deed, budget: Budget) {
    body.begin();
    match deed {
        Deed::Panic => body.panic(),
        Deed::Submit => {
            let (ticket, fate) = match submit_another(world, budget) {
                Some(other) => other,
                None => return body.finish(),
            };
            fate.hear(&ticket.wait());
        }
        _ => {}
    }
    body.finish();
}

async fn run_async(world: World, body: Body, deed: Deed, budget: Budget) {
    body.begin();
    match deed {
        Deed::Submit => {
            if let Some((ticket, fate)) = submit_another(&world, budget) {
                fate.hear(&ticket.await);
            }
        }
        Deed::Yield => give_way().await,
        Deed::Sleep(until) => world.pool.timer().sleep_until(until).await,
        Deed::Signal => world.signal.await,
        Deed::Forever => std::future::pending().await,
        Deed::Nothing | Deed::Panic => {}
    }
    body.finish();
}

fn submit_another(world: &World, budget: Budget) -> Option<(Ticket<()>, Arc<Fate>)> {
    let (fate, body) = world.fates.job();
    let work = move |_| {
        body.begin();
        body.finish();
    };
    Some((world.pool.submit(Job::new(work).within(budget)).ok()?, fate))
}

/// A job with some of what a job can have.
fn describe<F>(work: F) -> Job<F> {
    let mut random = thread_rng();
    let mut job = Job::new(work).class(Class::new(random.gen_range(0..2)));
    if random.gen_range(0..3) > 0 {
        job = job.deadline(instant()).cost(Duration::from_millis(random.gen_range(0..3)));
    }
    if random.gen_range(0..4) == 0 {
        job = job.release(instant());
    }
    job
}

fn wait_until_it_is_over(ticket: Ticket<()>) -> Outcome<()> {
    ticket.wait_until(END).unwrap_or_else(Ticket::wait)
}

fn block_on<F: Future>(future: F) -> F::Output {
    shuttle::future::block_on(future)
}

/// Comes back at the next poll.
fn give_way() -> impl Future<Output = ()> {
    let mut has_waited = false;
    std::future::poll_fn(move |context: &mut Context<'_>| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
