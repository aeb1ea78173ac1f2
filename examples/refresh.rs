//! Prices that are never waited for twice: a cached function on a pool that answers requests too,
//! a backend that may be asked fifty times a second, and who is refreshed for that.
//!
//! ```text
//! cargo run --release --features pool,cache --example refresh
//! ```

#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;
use std::time::Duration;

use punctual::cache::dispatch::OnPool;
use punctual::cache::{Answer, RefreshCache, cached};
use punctual::pool::Pool;
use punctual::refresh::Config;
use punctual::scheduler::{Budget, Job};
use punctual::timer::Timer;

const PRODUCTS: u32 = 100;
const REQUESTS: u32 = 3_000;

fn main() -> Result<(), Box<dyn Error>> {
    let ms = Duration::from_millis;
    let pool = Pool::builder().workers(2).build()?;

    // Rates are needed for prices: a price that is refreshed waits for a rate that is stale.
    let timer = pool.timer().clone();
    let rates: RefreshCache<String, u32> = cached(move |currency: String, budget| {
        let timer = timer.clone();
        async move { backend(&timer, &currency, budget).await.map(|answer| answer * 10) }
    })
    .soft_ttl(ms(500))
    .build(OnPool::new(&pool))?;

    let (timer, known) = (pool.timer().clone(), rates.clone());
    let prices: RefreshCache<u32, u32> = cached(move |product: u32, budget: Budget| {
        let (timer, rates) = (timer.clone(), known.clone());
        async move {
            let rate = rates.get_or_wait(&currency(product), budget).await?.value().unwrap_or(1);
            Ok::<_, Box<dyn Error + Send + Sync>>(
                rate * backend(&timer, &product.to_string(), budget).await?,
            )
        }
    })
    .capacity(1_000)
    .soft_ttl(ms(200))
    .hard_ttl(ms(4_000))
    .plan(Config { loads_per_second: Some(200.0), ..Config::default() })
    .build(OnPool::new(&pool))?;
    prices.depends_on(&rates, |&product| Some(currency(product)))?;

    // Who asks first waits; then the cache is warm.
    let products: Vec<u32> = (0..PRODUCTS).collect();
    let budget = Budget::of(prices.now(), ms(2_000));
    let found = prices.get_many_or_wait(&products, budget).wait();
    println!("{} prices after one wait each", found.iter().filter(|it| it.is_ok()).count());

    let (mut fresh, mut stale, mut none) = (0, 0, 0);
    for request in 0..REQUESTS {
        // Low numbers are asked for most.
        let product = (request % PRODUCTS) * (request % 7) / 7;
        let cache = prices.clone();
        let job = Job::new(move |_| cache.get(&product)).budget(ms(20));
        let ticket = pool.submit(job).map_err(|refused| refused.reason)?;
        match ticket.wait().done() {
            Some(Answer::Fresh(_)) => fresh += 1,
            Some(Answer::Stale(_)) => stale += 1,
            _ => none += 1,
        }
        std::thread::sleep(ms(1));
    }
    println!("{fresh} fresh answers, {stale} stale ones, {none} times nothing");

    let stats = prices.stats();
    println!("{} loads of prices: {} on demand", stats.loads.started(), stats.loads.demanded);
    println!("a refresh has to bring {:.1} fresh answers at the moment", stats.price);
    println!("a price takes {:?} with its rate", prices.total_latency());
    Ok(())
}

fn currency(product: u32) -> String {
    ["EUR", "USD", "GBP"][(product % 3) as usize].to_owned()
}

/// Something far away that takes five milliseconds and no worker.
async fn backend(timer: &Timer, key: &str, budget: Budget) -> Result<u32, &'static str> {
    let deadline = budget.deadline().unwrap_or(timer.now() + Duration::from_secs(1));
    let answer = timer.timeout(deadline, timer.sleep(Duration::from_millis(5))).await;
    answer.map(|()| key.len() as u32).map_err(|_| "the backend is too slow")
}
