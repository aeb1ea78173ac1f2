//! Who waits is told something, in time, once.

use core::pin::Pin;
use core::task::{Context, Poll};

use punctual::cache::{Answer, LoadError, Loaded, WaitError};
use punctual::refresh::{Config, Urgency};
use punctual::scheduler::Budget;

use crate::support::{Bench, Counter, End, at, ms, told, waits};

#[test]
fn what_is_there_needs_no_wait_however_little_time_is_left() {
    let bench = Bench::new();
    bench.warm(1, 10);
    let spent = Budget::until(bench.cache.now());
    assert_eq!(told(bench.cache.get_or_wait(&1, spent)).expect("it is there"), Answer::Fresh(10));
    assert_eq!(told(bench.cache.get_fresh(&1, spent)).expect("it is there"), Answer::Fresh(10));
    let many = bench.cache.get_many_or_wait(&[1, 1], spent).wait();
    assert!(many.into_iter().all(|outcome| matches!(outcome, Ok(Answer::Fresh(10)))));
    assert_eq!(bench.backend.calls(), 1);
}

#[test]
fn each_waits_for_its_own_budget() {
    let bench = Bench::new();
    let budgets = [30, 10, 20].map(|budget| bench.cache.get_or_wait(&1, bench.within(budget)));
    let [long, short, middle] = budgets;
    let (counter, waker) = Counter::new();
    let mut middle = middle;
    let mut context = Context::from_waker(&waker);
    assert!(Pin::new(&mut middle).poll(&mut context).is_pending());
    bench.advance(11);
    let Err(WaitError::Elapsed) = told(short) else { panic!("its budget was spent") };
    assert_eq!(counter.count(), 0);
    bench.advance(21);
    assert_eq!(counter.count(), 1, "it was woken once");
    let Poll::Ready(Err(WaitError::Elapsed)) = Pin::new(&mut middle).poll(&mut context) else {
        panic!("its budget was spent");
    };
    bench.end(0, End::Brings);
    assert!(told(long).is_ok());
    let stats = bench.cache.stats().loads;
    assert_eq!((stats.waits, stats.elapsed, stats.demanded), (3, 2, 1));
}

/// What came in time is told, also to one who looks late. The first version said that the budget
/// was spent.
#[test]
fn an_outcome_in_time_is_told_to_who_looks_late() {
    let bench = Bench::new();
    let wait = bench.cache.get_or_wait(&1, bench.within(10));
    bench.end(0, End::Brings);
    bench.advance(50);
    assert!(told(wait).is_ok());
    assert_eq!(bench.cache.stats().loads.elapsed, 0);
}

#[test]
fn a_load_is_as_urgent_as_the_first_who_waits() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.advance(100);
    assert_eq!(bench.shelf.orders()[1].urgency, Urgency::Refresh);
    let _late = waits(bench.cache.get_fresh(&1, bench.within(90)));
    let _early = waits(bench.cache.get_fresh(&1, bench.within(30)));
    let _between = waits(bench.cache.get_fresh(&1, bench.within(60)));
    assert_eq!(bench.shelf.deadlines(), [at(190), at(130)]);
}

/// A value that is about to expire makes its refresh urgent, also one that runs already.
#[test]
fn a_refresh_becomes_urgent_near_the_hard_expiry() {
    let plan = Config { load_timeout: ms(10_000), ..Config::default() };
    let bench = Bench::with(|builder| builder.plan(plan).latency(ms(40)));
    bench.cache.put(1, 10);
    bench.advance(60);
    assert_eq!(bench.shelf.orders()[0].urgency, Urgency::Refresh);
    bench.advance(300);
    assert_eq!(bench.shelf.deadlines(), []);
    bench.advance(360);
    let [deadline] = bench.shelf.deadlines()[..] else { panic!("it was told once") };
    assert!(deadline <= at(400) && deadline > at(399), "{deadline:?}");
}

#[test]
fn who_waits_beside_a_put_gets_what_was_put() {
    let bench = Bench::with(|builder| builder.plan(Config { concurrent: 1, ..Config::default() }));
    let (begun, queued) = (bench.ask(1), bench.ask(2));
    bench.cache.put(1, 11);
    bench.cache.put(2, 22);
    assert_eq!(told(begun).expect("it is there"), Answer::Fresh(11));
    assert_eq!(told(queued).expect("it is there"), Answer::Fresh(22));
    bench.backend.set(1, 10);
    bench.end(0, End::Brings);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(11));
    assert_eq!(bench.backend.calls(), 1, "nobody needs the other load any more");
}

/// A value that is too heavy isn't kept, but who waits for it gets it all the same.
#[test]
fn who_waits_gets_what_is_not_kept() {
    let bench = Bench::with(|builder| builder.capacity(10).weigher(|_, &value| u64::from(value)));
    let wait = bench.ask(1);
    bench.cache.put(1, 11);
    assert_eq!(told(wait).expect("it was put").value(), Some(11));
    assert_eq!(bench.cache.peek(&1), Answer::Missing);
    bench.backend.set(2, 12);
    let wait = bench.ask(2);
    bench.end(1, End::Brings);
    assert_eq!(told(wait).expect("it was loaded").value(), Some(12));
    let wait = bench.ask(3);
    bench.cache.put(3, Loaded::new(3).hard_ttl(ms(0)));
    assert_eq!(told(wait).expect("it was put").value(), Some(3));
    assert_eq!((bench.cache.len(), bench.cache.weight()), (0, 0));
}

#[test]
fn a_stale_answer_that_there_is_none_is_not_fresh() {
    let bench = Bench::with(|builder| builder.negative_ttl(ms(10)));
    let wait = bench.ask(1);
    bench.end(0, End::Absent);
    assert_eq!(told(wait).expect("it was loaded"), Answer::Absent);
    assert_eq!(told(bench.cache.get_fresh(&1, bench.within(5))).expect("known"), Answer::Absent);
    bench.advance(11);
    assert_eq!(told(bench.ask(1)).expect("it is known"), Answer::Absent);
    let wait = waits(bench.cache.get_fresh(&1, bench.within(5)));
    bench.end(1, End::Brings);
    assert_eq!(told(wait).expect("it was loaded"), Answer::Fresh(0));
}

#[test]
fn back_offs_double_and_are_told() {
    let bench = Bench::with(|builder| builder.back_off(ms(10), ms(35)));
    let (mut now, mut pauses) = (0, Vec::new());
    for call in 0..4 {
        let wait = bench.ask(1);
        bench.end(call, End::Fails);
        let Err(WaitError::Failed(_)) = told(wait) else { panic!("it failed") };
        let Err(WaitError::BackedOff { error: LoadError::Failed(_), until }) = told(bench.ask(1))
        else {
            panic!("it is left alone");
        };
        assert_eq!(bench.cache.get(&1), Answer::Missing, "which asks for no load either");
        let pause = until.saturating_since(at(now));
        pauses.push(pause);
        now += u64::try_from(pause.as_millis()).expect("it is short") + 1;
        bench.advance(now);
    }
    assert_eq!(bench.backend.calls(), 4);
    let longest = [10, 20, 35, 35].map(ms);
    let holds = pauses.iter().zip(longest).all(|(&pause, most)| pause >= most / 2 && pause <= most);
    assert!(holds, "{pauses:?}");
}

/// A failure is remembered past the hard expiry of its value; the first version asked a backend
/// that was down at once then, for each key.
#[test]
fn a_back_off_outlives_its_value() {
    let bench = Bench::with(|builder| builder.back_off(ms(1_000), ms(1_000)));
    bench.warm(1, 10);
    bench.advance(100);
    bench.end(1, End::Fails);
    bench.advance(400);
    let Err(WaitError::BackedOff { .. }) = told(bench.ask(1)) else { panic!("it is left alone") };
    assert_eq!(bench.backend.calls(), 2);
}

#[test]
fn demands_beyond_the_bound_are_refused() {
    let plan = Config { concurrent: 1, demand_bound: 2, ..Config::default() };
    let bench = Bench::with(|builder| builder.plan(plan));
    let all: Vec<_> = (0..4).map(|key| bench.ask(key)).collect();
    let [first, second, third, fourth] = <[_; 4]>::try_from(all).expect("four keys");
    let Err(WaitError::Full) = told(fourth) else { panic!("there is no room") };
    for (call, wait) in [first, second, third].into_iter().enumerate() {
        bench.end(call, End::Brings);
        assert!(told(wait).is_ok());
    }
    assert_eq!(bench.backend.calls(), 3);
}

#[test]
fn loads_begin_in_the_order_of_deadlines() {
    let plan = Config { concurrent: 1, ..Config::default() };
    let bench = Bench::with(|builder| builder.plan(plan));
    let _running = bench.ask(0);
    let _waits = [(1, 50), (2, 20), (3, 30), (1, 10)]
        .map(|(key, budget)| bench.cache.get_or_wait(&key, bench.within(budget)));
    for (call, next) in [(0, 1), (1, 2), (2, 3)] {
        bench.end(call, End::Brings);
        assert_eq!(bench.backend.calls_of(next), 1, "{next} is next");
        assert_eq!(bench.backend.calls(), call + 2);
    }
}

/// Loads that are dropped at each deadline end after as many tries as there are deadlines.
#[test]
fn a_dispatcher_that_drops_everything_is_not_asked_for_ever() {
    let bench = Bench::new();
    let waits: Vec<_> =
        (1..6).map(|budget| bench.cache.get_or_wait(&1, bench.within(budget * 10))).collect();
    bench.shelf.refuse(true);
    bench.shelf.clear();
    for wait in waits {
        let Err(WaitError::Failed(LoadError::Dropped)) = told(wait) else { panic!("dropped") };
    }
    // And once more for who comes next, without a deadline.
    assert_eq!(bench.shelf.orders().len(), 6);
    assert_eq!(bench.shelf.orders()[5].deadline, None);
    assert_eq!(bench.cache.stats().in_flight, 0);
}

#[test]
fn one_error_is_told_to_all_keys_of_a_load() {
    let (bench, many) = bulk();
    let waits = bench.cache.get_many_or_wait(&[1, 2, 3, 4], Budget::UNLIMITED);
    assert_eq!(bench.shelf.orders().iter().map(|order| order.keys).collect::<Vec<_>>(), [3, 1]);
    bench.end(0, End::Fails);
    bench.end(1, End::Brings);
    let outcomes = waits.wait();
    assert!(outcomes[..3].iter().all(|outcome| matches!(outcome, Err(WaitError::Failed(_)))));
    assert!(outcomes[3].is_ok());
    assert_eq!(*many.lock().expect("nobody panics with it"), [vec![1, 2, 3]]);
}

/// Keys that are loaded together are loaded for each of them: the first version's shared load was
/// cancelled, or given more time, for the sake of one.
#[test]
fn keys_that_are_loaded_together_keep_what_each_needs() {
    let (bench, _) = bulk();
    let first = bench.cache.get_or_wait(&1, bench.within(30));
    drop(first);
    let waits = bench.cache.get_many_or_wait(&[2, 3], Budget::UNLIMITED);
    let _soon = bench.cache.get_or_wait(&2, bench.within(10));
    let _later = bench.cache.get_or_wait(&3, bench.within(40));
    let deadlines = bench.shelf.deadlines();
    assert_eq!(deadlines, [at(10)], "the second one has as much time as the first one");
    bench.cache.put(2, 22);
    bench.end(1, End::Brings);
    let outcomes = waits.wait();
    assert!(matches!(outcomes[..], [Ok(Answer::Fresh(22)), Ok(Answer::Fresh(0))]));
    assert_eq!(bench.cache.get(&2), Answer::Fresh(22));
}

type Calls = std::sync::Arc<std::sync::Mutex<Vec<Vec<u32>>>>;

/// A cache that loads three keys at once, and what it was asked for.
fn bulk() -> (Bench, Calls) {
    let calls = Calls::default();
    let noted = calls.clone();
    let bench = Bench::with_backend(|builder, backend| {
        builder.bulk(3, move |keys: Vec<u32>, _| {
            noted.lock().expect("nobody panics with it").push(keys.clone());
            let loading = backend.load(keys[0]);
            async move {
                let value = loading.await?;
                Ok::<_, String>(keys.into_iter().map(|key| (key, value)).collect())
            }
        })
    });
    (bench, calls)
}
