//! Jobs that wait without a worker and go on, jobs that guests run, and other numbers of workers.

use core::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{
    Admission, Cancelled, Class, ClassConfig, Config, ConfigError, Job, Next, Outcome, Reservation,
    Running, Scheduler,
};
use punctual::time::Time;

const START: Time = Time::from_nanos(1_000_000_000);
const BACKGROUND: Class = Class::new(1);
const RESERVED: Class = Class::new(2);

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// One worker, a foreground class, a background class, and one that has 2 ms in every 10 ms.
fn scheduler(admission: Admission) -> Scheduler<&'static str, &'static str> {
    let reservation = Reservation { runtime: ms(2), period: ms(10) };
    let classes = vec![
        ClassConfig::foreground(),
        ClassConfig::background().starvation_guard(ms(100)),
        ClassConfig::foreground().reservation(reservation),
    ];
    let config = Config { admission, classes, queue_bound: 4, ..Config::default() };
    Scheduler::with_identities(config).expect("it is valid")
}

type Tested = Scheduler<&'static str, &'static str>;

fn submit(scheduler: &mut Tested, now: Time, job: Job<&'static str, &'static str>) -> Key {
    scheduler.submit(now, job).expect("it is accepted").key()
}

fn run(scheduler: &mut Tested, now: Time) -> Running<&'static str> {
    let next = scheduler.poll(now);
    scheduler.assert_invariants();
    match next {
        Next::Run(running) => running,
        other => panic!("a job runs, and not {other:?}"),
    }
}

fn waits(scheduler: &mut Tested, now: Time) -> bool {
    matches!(scheduler.poll(now), Next::Wait(_))
}

/// A job of 4 ms that is suspended after 1 ms.
fn suspended(scheduler: &mut Tested, budget: Duration) -> Key {
    let key = submit(scheduler, START, Job::new("half").budget(budget).cost(ms(4)));
    assert_eq!(run(scheduler, START).key, key);
    assert_eq!(scheduler.suspend(START + ms(1), key), Some(ms(1)));
    scheduler.assert_invariants();
    key
}

#[test]
fn who_was_started_is_neither_shed_nor_evicted_nor_refused() {
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        let mut scheduler = scheduler(admission);
        let key = suspended(&mut scheduler, ms(5));
        // Far beyond its latest start, and beyond its deadline.
        let late = START + ms(90);
        assert!(waits(&mut scheduler, late));
        assert_eq!(scheduler.resume(late, key, "rest"), Ok(()));
        assert_eq!(scheduler.reschedule(late, key, late), Ok(Some(START + ms(5))));
        let rest = run(&mut scheduler, late + ms(1));
        assert_eq!((rest.payload, rest.cost, rest.waited), ("rest", ms(3), ms(1)));
        let took = scheduler.complete(late + ms(7), key, Outcome::Done);
        assert_eq!(took, Some(ms(1 + 6)));
        let stats = scheduler.stats();
        assert_eq!((stats.done, stats.late, stats.busy), (1, 1, ms(7)));
    }
}

#[test]
fn who_goes_on_takes_its_turn_by_its_deadline() {
    let mut scheduler = scheduler(Admission::Evict);
    let key = suspended(&mut scheduler, ms(50));
    let now = START + ms(2);
    for (name, budget) in [("before", 20), ("behind", 60)] {
        submit(&mut scheduler, now, Job::new(name).budget(ms(budget)).cost(ms(1)));
    }
    scheduler.resume(now, key, "rest").expect("it is suspended");
    for name in ["before", "rest", "behind"] {
        let running = run(&mut scheduler, now);
        assert_eq!(running.payload, name);
        scheduler.complete(now, running.key, Outcome::Done);
    }
}

#[test]
fn no_bound_keeps_out_who_goes_on_and_nobody_takes_its_place() {
    let mut scheduler = scheduler(Admission::Evict);
    let key = suspended(&mut scheduler, ms(500));
    let now = START + ms(2);
    for _ in 0..4 {
        submit(&mut scheduler, now, Job::new("dear").budget(ms(400)).cost(ms(20)));
    }
    scheduler.resume(now, key, "rest").expect("it is suspended");
    assert_eq!(scheduler.len(), 5);
    for _ in 0..3 {
        // Each displaces one of the dear ones: the fifth place is nobody else's.
        submit(&mut scheduler, now, Job::new("cheap").budget(ms(300)).cost(ms(1)));
        scheduler.assert_invariants();
    }
    let mut shed = 0;
    while let Next::Shed(job) = scheduler.poll(now) {
        assert_eq!(job.payload, "dear");
        shed += 1;
    }
    assert_eq!(shed, 3);
}

#[test]
fn what_is_left_of_a_cost_is_demanded_and_no_more() {
    let mut scheduler = scheduler(Admission::Feasible);
    let key = suspended(&mut scheduler, ms(50));
    let now = START + ms(1);
    assert_eq!(scheduler.load(now).queued, ms(0));
    scheduler.resume(now, key, "rest").expect("it is suspended");
    assert_eq!(scheduler.load(now).queued, ms(3));
    assert!(scheduler.submit(now, Job::new("tight").budget(ms(54)).cost(ms(51))).is_err());
    let fits = submit(&mut scheduler, now, Job::new("fits").budget(ms(55)).cost(ms(51)));
    scheduler.cancel(fits);
    let rest = run(&mut scheduler, now);
    assert_eq!(scheduler.load(now + ms(1)).running, ms(2));
    // It overruns what was booked: then nothing is left of it.
    scheduler.suspend(now + ms(9), rest.key);
    scheduler.resume(now + ms(9), rest.key, "more").expect("it is suspended");
    assert_eq!(scheduler.load(now + ms(9)).queued, ms(0));
}

#[test]
fn a_shutdown_leaves_alone_who_was_started() {
    let mut scheduler = scheduler(Admission::Evict);
    let resumed = submit(&mut scheduler, START, Job::new("job").budget(ms(50)));
    run(&mut scheduler, START);
    scheduler.suspend(START, resumed);
    let key = suspended(&mut scheduler, ms(50));
    scheduler.resume(START + ms(1), resumed, "rest").expect("it is suspended");
    scheduler.shutdown(START + ms(1), START);
    scheduler.assert_invariants();
    assert_eq!(run(&mut scheduler, START + ms(1)).key, resumed);
    scheduler.complete(START + ms(2), resumed, Outcome::Done);
    assert_eq!(scheduler.resume(START + ms(2), key, "rest"), Ok(()));
    assert_eq!(scheduler.reschedule(START + ms(2), key, START), Ok(Some(START + ms(50))));
    assert_eq!(run(&mut scheduler, START + ms(2)).key, key);
}

#[test]
fn another_of_its_identity_waits_until_a_suspended_job_ends() {
    let load = || Job::new("load").budget(ms(50)).cost(ms(1)).identity("user 7");
    for is_cancelled in [false, true] {
        let mut scheduler = scheduler(Admission::Evict);
        let first = submit(&mut scheduler, START, load());
        assert_eq!(run(&mut scheduler, START).key, first);
        scheduler.suspend(START, first);
        let second = submit(&mut scheduler, START, load());
        assert_ne!(second, first, "nobody joins what has begun");
        assert!(waits(&mut scheduler, START), "the second is held back");
        scheduler.resume(START, first, "rest").expect("it is suspended");
        assert_eq!(scheduler.claim(START, second), None);
        match is_cancelled {
            true => assert_eq!(scheduler.cancel(first), Some(Cancelled::Removed("rest"))),
            false => {
                assert_eq!(run(&mut scheduler, START).key, first);
                assert_eq!(scheduler.suspend(START, first), Some(ms(0)));
                assert_eq!(scheduler.cancel(first), Some(Cancelled::Suspended));
            }
        }
        assert_eq!(scheduler.resume(START, first, "again"), Err("again"));
        assert_eq!(run(&mut scheduler, START).key, second);
        assert_eq!(scheduler.stats().cancelled, 1);
    }
}

#[test]
fn a_guest_takes_no_worker() {
    let mut scheduler = scheduler(Admission::Evict);
    let [first, second, later] = [1, 2, 3].map(|place| {
        let job = Job::new("job").budget(ms(50 + place)).cost(ms(4));
        submit(&mut scheduler, START, job)
    });
    let unreleased = Job::new("unreleased").release(START + ms(5)).budget(ms(50)).cost(ms(4));
    let unreleased = submit(&mut scheduler, START, unreleased);
    let claimed = scheduler.claim(START, second).expect("it is ready");
    assert_eq!((claimed.key, claimed.cost), (second, ms(4)));
    scheduler.assert_invariants();
    assert_eq!(scheduler.load(START).running, ms(0));
    assert_eq!(run(&mut scheduler, START).key, first, "the worker was free");
    let stale = [first, second, unreleased].map(|key| scheduler.claim(START, key));
    assert_eq!(stale, [None, None, None], "they are running or not released");
    assert!(waits(&mut scheduler, START));
    scheduler.complete(START + ms(3), second, Outcome::Done);
    assert!(waits(&mut scheduler, START + ms(3)), "a guest leaves no worker behind");
    scheduler.complete(START + ms(3), first, Outcome::Done);
    assert_eq!(run(&mut scheduler, START + ms(3)).key, later);
    assert_eq!((scheduler.stats().done, scheduler.stats().busy), (2, ms(6)));
}

#[test]
fn a_claimed_job_can_be_suspended_and_goes_on_at_a_worker() {
    let mut scheduler = scheduler(Admission::Evict);
    let key = submit(&mut scheduler, START, Job::new("job").budget(ms(50)).cost(ms(4)));
    assert!(scheduler.claim(START, key).is_some());
    assert_eq!(scheduler.suspend(START + ms(1), key), Some(ms(1)));
    scheduler.resume(START + ms(1), key, "rest").expect("it is suspended");
    scheduler.assert_invariants();
    assert_eq!(run(&mut scheduler, START + ms(1)).key, key);
    let behind = submit(&mut scheduler, START + ms(1), Job::new("job").budget(ms(50)).cost(ms(1)));
    assert!(waits(&mut scheduler, START + ms(1)), "the worker is taken");
    assert_eq!(scheduler.complete(START + ms(3), key, Outcome::Done), Some(ms(3)));
    assert_eq!(run(&mut scheduler, START + ms(3)).key, behind);
}

#[test]
fn the_first_job_is_the_one_that_a_poll_starts() {
    let mut scheduler = scheduler(Admission::Evict);
    assert_eq!(scheduler.first(START), None);
    let slack = Job::new("slack").class(BACKGROUND).budget(ms(20)).cost(ms(1));
    let slack = submit(&mut scheduler, START, slack);
    assert_eq!(scheduler.first(START), Some((slack, None)), "it has no place in the order");
    let job = submit(&mut scheduler, START, Job::new("job").budget(ms(50)).cost(ms(4)));
    assert_eq!(scheduler.first(START), Some((job, Some(START + ms(50)))));
    assert_eq!(run(&mut scheduler, START).key, job);
    assert_eq!(scheduler.first(START), Some((slack, None)), "whatever the worker does");
}

#[test]
fn a_reservation_pays_what_each_run_of_its_job_took() {
    let mut scheduler = scheduler(Admission::All);
    // The bucket of 2 ms goes first, and is empty after the second run.
    let job = Job::new("job").class(RESERVED).budget(ms(90)).cost(ms(2));
    let key = submit(&mut scheduler, START, job);
    submit(&mut scheduler, START, Job::new("sooner").budget(ms(50)));
    for until in [ms(1), ms(3)] {
        assert_eq!(run(&mut scheduler, START).key, key);
        scheduler.suspend(START + until, key);
        scheduler.resume(START + until, key, "rest").expect("it is suspended");
    }
    assert_eq!(run(&mut scheduler, START).payload, "sooner");
}

#[test]
fn with_fewer_workers_than_runs_nothing_starts_until_enough_have_ended() {
    let mut scheduler = scheduler(Admission::Evict);
    scheduler.set_workers(START, 3).expect("it is valid");
    for _ in 0..4 {
        submit(&mut scheduler, START, Job::new("job").budget(ms(50)).cost(ms(9)));
    }
    let keys = [(); 3].map(|()| run(&mut scheduler, START).key);
    assert_eq!(scheduler.load(START).begin, START + ms(9));
    scheduler.set_workers(START, 1).expect("it is valid");
    assert_eq!(
        (scheduler.load(START).begin, scheduler.load(START).queued),
        (START + ms(27), ms(9))
    );
    for key in keys {
        assert!(waits(&mut scheduler, START + ms(1)));
        scheduler.complete(START + ms(1), key, Outcome::Done);
    }
    run(&mut scheduler, START + ms(1));
    assert_eq!(scheduler.set_workers(START, 0), Err(ConfigError::NoWorkers));
    assert_eq!(scheduler.config().workers, 1);
}

#[test]
fn fewer_workers_evict_who_can_not_be_met_any_more() {
    let mut scheduler = scheduler(Admission::Evict);
    scheduler.set_workers(START, 2).expect("it is valid");
    for _ in 0..4 {
        submit(&mut scheduler, START, Job::new("job").budget(ms(26)).cost(ms(10)));
    }
    (0..2).for_each(|_| _ = run(&mut scheduler, START));
    assert!(waits(&mut scheduler, START), "two more fit behind the two");
    scheduler.set_workers(START, 1).expect("it is valid");
    assert!(matches!(scheduler.poll(START), Next::Shed(_)));
    scheduler.assert_invariants();
}

#[test]
fn another_number_of_workers_changes_what_the_unreleased_need() {
    let mut scheduler = scheduler(Admission::Evict);
    for budget in [ms(12), ms(13)] {
        let later = Job::new("later").release(START + ms(2)).budget(budget).cost(ms(8));
        submit(&mut scheduler, START, later);
    }
    let slack = submit(&mut scheduler, START, Job::new("slack").class(BACKGROUND).cost(ms(1)));
    scheduler.assert_invariants();
    assert!(waits(&mut scheduler, START), "with one worker, the second is late anyway");
    scheduler.set_workers(START, 2).expect("it is valid");
    scheduler.assert_invariants();
    assert_eq!(run(&mut scheduler, START).key, slack);
}

#[test]
fn who_was_started_is_not_tested_anew_when_it_has_to_be_done_sooner() {
    let mut scheduler = scheduler(Admission::Feasible);
    let key = suspended(&mut scheduler, ms(500));
    let now = START + ms(1);
    submit(&mut scheduler, now, Job::new("tight").budget(ms(11)).cost(ms(9)));
    scheduler.resume(now, key, "rest").expect("it is suspended");
    // The other would be late behind it.
    assert_eq!(scheduler.reschedule(now, key, now), Ok(Some(START + ms(500))));
    assert_eq!(run(&mut scheduler, now).key, key);
}

#[test]
fn who_ran_outside_of_its_reservation_leaves_it_to_others() {
    let mut scheduler = scheduler(Admission::Evict);
    // More than the bucket of 2 ms gives in time.
    let dear = Job::new("dear").class(RESERVED).budget(ms(20)).cost(ms(15));
    let dear = submit(&mut scheduler, START, dear);
    assert_eq!(run(&mut scheduler, START).key, dear);
    scheduler.suspend(START + ms(1), dear);
    let now = START + ms(1);
    scheduler.resume(now, dear, "rest").expect("it is suspended");
    // Both can't be met behind it: the one that the bucket protects stays, though it is dearer.
    let reserved = Job::new("reserved").class(RESERVED).budget(ms(17)).cost(ms(2));
    submit(&mut scheduler, now, reserved);
    submit(&mut scheduler, now, Job::new("other").budget(ms(16)).cost(ms(1)));
    scheduler.reschedule(now, dear, now).expect("nothing refuses it");
    assert!(matches!(scheduler.poll(now), Next::Shed(other) if other.payload == "other"));
}

#[test]
fn reservations_need_their_workers() {
    let reservation = Reservation { runtime: ms(15), period: ms(10) };
    let classes = vec![ClassConfig::foreground().reservation(reservation)];
    let mut scheduler = Scheduler::<()>::new(Config { workers: 2, classes, ..Config::default() })
        .expect("it is valid");
    assert_eq!(scheduler.set_workers(START, 1), Err(ConfigError::Overbooked));
    assert_eq!((scheduler.config().workers, scheduler.set_workers(START, 3)), (2, Ok(())));
}

#[cfg(feature = "serde")]
#[test]
fn what_has_begun_is_in_no_snapshot() {
    let mut scheduler = scheduler(Admission::Evict);
    let resumed = suspended(&mut scheduler, ms(500));
    let now = START + ms(1);
    submit(&mut scheduler, now, Job::new("new").budget(ms(900)).cost(ms(1)));
    scheduler.resume(now, resumed, "rest").expect("it is suspended");
    let text = serde_json::to_string(&scheduler.snapshot(now)).expect("it can be written");
    assert!(text.contains("new") && !text.contains("rest"), "{text}");
}
