//! Bids that must be answered in time, on two threads: what runs, in which order, and what hears
//! 'no' while there is still time to say it.
//!
//! ```text
//! cargo run --release --features pool --example deadline_pool
//! ```

#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;
use std::time::Duration;

use punctual::pool::{Handle, Outcome, Pool};
use punctual::scheduler::{Budget, ClassConfig, Job, Margin};

const EVALUATION: Duration = Duration::from_millis(2);
const LOOKUP: Duration = Duration::from_micros(500);

fn main() -> Result<(), Box<dyn Error>> {
    let ms = Duration::from_millis;
    let pool = Pool::builder()
        .workers(2)
        .thread_name("bids")
        .classes(vec![ClassConfig::foreground()])
        .margin(Margin::Fixed(ms(1)))
        .build()?;

    // In the 50 ms that they have, two workers can do about half of these. The others hear of it.
    let start = pool.now();
    let mut tickets = Vec::new();
    for number in 0..80 {
        let handle = pool.clone();
        let job = Job::new(move |budget| bid(&handle, number, budget));
        let submitted = pool.submit(job.budget(ms(50)).cost(EVALUATION));
        tickets.push(submitted.map_err(|refused| refused.reason)?);
    }
    // What is due earlier goes first, whenever it comes.
    let urgent = pool.submit(Job::new(|_| "urgent").budget(ms(20)).cost(LOOKUP));
    let urgent = urgent.map_err(|refused| refused.reason)?;
    println!("{:?} after {:?}", urgent.wait(), pool.now().saturating_since(start));

    let (mut bids, mut shed) = (0, 0);
    for ticket in tickets {
        match ticket.wait() {
            Outcome::Done(price) => bids += u32::from(price.is_some()),
            Outcome::Shed(_, why) => {
                if shed == 0 {
                    println!("no bid: {why}");
                }
                shed += 1;
            }
            Outcome::Failed(_) | Outcome::Cancelled => {}
        }
    }
    println!("{bids} bids, and {shed} times no, after {:?}", pool.now().saturating_since(start));

    // A job may borrow what its scope outlives.
    let (prices, mut best) = ([310, 270, 450], None);
    pool.scope(|scope| {
        let job = Job::new(|_| best = prices.iter().max());
        let submitted = scope.submit(job.budget(ms(50))).map_err(|refused| refused.reason)?;
        Ok::<_, Box<dyn Error>>(submitted.wait().done())
    })?;
    println!("the best of {prices:?} is {best:?}");

    let stats = pool.drain(pool.now() + ms(100));
    println!("done {}, shed {}, late {}", stats.done, stats.shed.total(), stats.late);
    Ok(())
}

/// Looks something up, on another worker or on this one, and evaluates the request.
fn bid(pool: &Handle, number: u32, budget: Budget) -> Option<u32> {
    // The lookup has what is left of this job, less the time to use its result.
    let handle = pool.clone();
    let lookup = Job::new(move |_| {
        compute(&handle, LOOKUP);
        number * 10
    });
    let lookup = lookup.within(budget.child(EVALUATION - LOOKUP)).cost(LOOKUP);
    let found = pool.submit(lookup).ok()?.wait().done()?;
    compute(pool, EVALUATION - LOOKUP);
    Some(found + 1)
}

fn compute(pool: &Handle, time: Duration) {
    let until = pool.now() + time;
    while pool.now() < until {}
}
