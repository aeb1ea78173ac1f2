//! Entries that outlive their process.

use punctual::cache::{Answer, Loaded, Saved};
use punctual::refresh::{Config, Urgency};
use punctual::time::Time;

use crate::support::{Backend, Bench, Cache, End, Shelf, ms};

/// What was saved goes to another process, as text where that is possible.
fn travel(saved: &[Saved<u32, u32>]) -> Vec<Saved<u32, u32>> {
    #[cfg(feature = "serde")]
    {
        let text = serde_json::to_string(saved).expect("it can be written");
        let read: Vec<Saved<u32, u32>> = serde_json::from_str(&text).expect("it can be read");
        // Rates may lose their last bits.
        let exact =
            |saved: &Saved<u32, u32>| (saved.key, saved.value, saved.age, saved.soft, saved.hard);
        assert!(read.iter().map(exact).eq(saved.iter().map(exact)));
        read
    }
    #[cfg(not(feature = "serde"))]
    saved.to_vec()
}

#[test]
fn entries_go_on_by_another_clock() {
    let bench = Bench::new();
    bench.warm(1, 10);
    let call = bench.backend.calls();
    assert_eq!(bench.cache.get(&2), Answer::Missing);
    bench.end(call, End::Absent);
    bench.cache.put(3, Loaded::new(30).soft_ttl(ms(20)));
    bench.cache.put(4, Loaded::new(40).hard_ttl(ms(40)));
    bench.shelf.refuse(true);
    bench.advance(30);
    let saved = travel(&bench.cache.snapshot());
    assert_eq!(saved.len(), 4);

    let (backend, shelf) = (Backend::default(), Shelf::default());
    let start = Time::from_nanos(77_000_000_000_000);
    let cache: Cache = backend.builder().build_driven(shelf.clone(), start).expect("it is valid");
    cache.put(1, 11);
    shelf.refuse(true);
    assert_eq!(cache.restore(saved.clone(), ms(15)), 1, "two are over, one is known");
    assert_eq!(cache.get(&1), Answer::Fresh(11), "what is there is newer");
    assert_eq!(cache.get(&3), Answer::Stale(30));
    assert_eq!(cache.get(&4), Answer::Missing);
    assert_eq!(cache.restore(saved, ms(15)), 0, "what was restored is known");
}

/// A new process refreshes what was hot in the old one first.
#[test]
fn what_was_hot_is_refreshed_first() {
    let bench = Bench::with(|builder| builder.hard_ttl(ms(100_000)));
    (0..20).for_each(|key| bench.cache.put(key, key));
    for now in (1..95).step_by(5) {
        (0..200).for_each(|_| assert!(bench.cache.get(&13).is_fresh()));
        bench.advance(now);
    }
    let mut saved = travel(&bench.cache.snapshot());
    // The storage knows no order; the hot one must not be first by chance.
    saved.sort_by_key(|saved| saved.key);
    let plan = Config { loads_per_second: Some(10.0), burst: 1, ..Config::default() };
    let other = Bench::with(|builder| builder.hard_ttl(ms(100_000)).plan(plan));
    assert_eq!(other.cache.restore(saved, ms(0)), 20);
    let mut now = 0;
    while other.backend.calls() == 0 {
        now += 1;
        other.advance(now);
        assert!(now < 10_000, "nothing is refreshed");
    }
    assert_eq!(other.shelf.orders()[0].urgency, Urgency::Refresh);
    // With a price, what is asked for most goes first from then on.
    while other.backend.calls_of(13) == 0 {
        now += 1;
        other.advance(now);
        assert!(now < 10_000, "the hot one is not refreshed");
    }
    assert!(other.backend.calls() <= 3, "{} were before it", other.backend.calls());
}
