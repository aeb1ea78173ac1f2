//! What went wrong in other schedulers, executors and queues with deadlines.

use core::time::Duration;
use std::rc::Rc;

use punctual::key::Key;
use punctual::scheduler::{
    Admission, Cancelled, Class, ClassConfig, Config, Job, Margin, Next, Outcome, RefuseReason,
    RescheduleError, Running, Scheduler, Shed,
};
use punctual::time::Time;

pub(crate) const START: Time = Time::from_nanos(1_000_000_000);
pub(crate) const BACKGROUND: Class = Class::new(1);

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// One worker, a foreground class and a background class.
fn scheduler<T>() -> Scheduler<T> {
    with_bound(100)
}

fn with_bound<T>(queue_bound: u32) -> Scheduler<T> {
    with(&Config { queue_bound, ..Config::default() })
}

/// The same two classes with other settings.
fn with<T>(config: &Config) -> Scheduler<T> {
    let classes = vec![ClassConfig::foreground(), ClassConfig::background()];
    Scheduler::new(Config { classes, ..config.clone() }).expect("it is valid")
}

pub(crate) fn submit<T>(scheduler: &mut Scheduler<T>, now: Time, job: Job<T>) -> Key {
    scheduler.submit(now, job).expect("the job is accepted").key()
}

pub(crate) fn run<T>(scheduler: &mut Scheduler<T>, now: Time) -> Running<T> {
    match scheduler.poll(now) {
        Next::Run(running) => running,
        Next::Shed(_) => panic!("a job is shed instead of run"),
        Next::Wait(until) => panic!("nothing runs before {until:?}"),
    }
}

pub(crate) fn shed<T>(scheduler: &mut Scheduler<T>, now: Time) -> Shed<T> {
    match scheduler.poll(now) {
        Next::Shed(shed) => shed,
        Next::Run(_) => panic!("a job runs instead of being shed"),
        Next::Wait(until) => panic!("nothing is shed before {until:?}"),
    }
}

pub(crate) fn wait<T>(scheduler: &mut Scheduler<T>, now: Time) -> Option<Time> {
    match scheduler.poll(now) {
        Next::Wait(until) => until,
        Next::Run(_) => panic!("a job runs"),
        Next::Shed(_) => panic!("a job is shed"),
    }
}

/// wurk#208: the expiry of a scheduled job was counted from its enqueueing, so that it was born
/// expired.
#[test]
fn a_budget_counts_from_the_release() {
    let mut scheduler = scheduler();
    let release = START + ms(60_000);
    let job = Job::new("scheduled").budget(ms(10)).release(release).cost(ms(2));
    submit(&mut scheduler, START, job);
    assert_eq!(wait(&mut scheduler, START + ms(10)), Some(release));
    let running = run(&mut scheduler, release);
    assert_eq!((running.deadline, running.waited), (Some(release + ms(10)), Duration::ZERO));
}

/// celery#2283: the expiry was not honoured: jobs ran long after nobody wanted the result.
#[test]
fn an_expired_job_never_runs() {
    let mut scheduler = scheduler();
    let refused = scheduler.submit(START, Job::new(0).deadline(START)).expect_err("expired");
    assert_eq!(refused.reason, RefuseReason::Expired);
    let latest_start = START + ms(3);
    let job = Job::new(1).deadline(START + ms(5)).cost(ms(2));
    let key = submit(&mut scheduler, START, job.clone());
    assert_eq!(shed(&mut scheduler, latest_start).key, key);
    submit(&mut scheduler, latest_start, Job::new(2).budget(ms(50)).cost(ms(2)));
    submit(&mut scheduler, latest_start, Job::new(3).budget(ms(90)).cost(ms(2)));
    assert_eq!(run(&mut scheduler, latest_start).payload, 2);
    assert_eq!(shed(&mut scheduler, START + ms(1_000)).payload, 3);
    let late = scheduler.submit(latest_start, job).expect_err("the clock doesn't go back");
    assert_eq!(late.reason, RefuseReason::Expired);
}

/// chimera#286: zero meant 'no deadline' and sorted first, so that untimed work starved timed
/// work.
#[test]
fn work_without_a_deadline_stands_behind_all_that_has_one() {
    let mut scheduler = scheduler();
    submit(&mut scheduler, START, Job::new("untimed"));
    submit(&mut scheduler, START, Job::new("end of time").deadline(Time::MAX));
    submit(&mut scheduler, START, Job::new("background").class(BACKGROUND).budget(ms(5)));
    submit(&mut scheduler, START, Job::new("timed").budget(ms(9)));
    let refused = scheduler.submit(START, Job::new("zero").deadline(Time::ZERO));
    assert_eq!(refused.expect_err("zero is a time").reason, RefuseReason::Expired);
    for expected in ["timed", "end of time", "background", "untimed"] {
        let running = run(&mut scheduler, START);
        assert_eq!(running.payload, expected);
        scheduler.complete(START, running.key, Outcome::Done);
    }
}

/// folly#1428: a task ran although its submission had failed.
#[test]
fn a_refused_job_leaves_nothing_behind() {
    let mut scheduler = with_bound(1);
    let payload = Rc::new(());
    let job = || Job::new(payload.clone());
    let infeasible = job().budget(ms(2)).cost(ms(3));
    assert!(scheduler.submit(START, infeasible).is_err());
    assert!(scheduler.submit(START, job().class(Class::new(9))).is_err());
    assert!(scheduler.submit(START, job().deadline(Time::ZERO)).is_err());
    assert_eq!(Rc::strong_count(&payload), 1);
    assert_eq!(wait(&mut scheduler, START), None);
    let key = submit(&mut scheduler, START, job().budget(ms(5)));
    let refused = scheduler.submit(START, job().budget(ms(1))).expect_err("the queue is full");
    assert_eq!(refused.reason, RefuseReason::QueueFull);
    drop(refused.job);
    assert_eq!(run(&mut scheduler, START).key, key);
    assert_eq!(wait(&mut scheduler, START), None);
    scheduler.assert_invariants();
}

/// tikv#14633, tower-resilience#365: counters leaked on the rare ways out, until everything was
/// refused as 'busy'.
#[test]
fn every_way_out_gives_its_capacity_back() {
    let admission = Admission::All;
    let mut scheduler = with(&Config { queue_bound: 2, admission, ..Config::default() });
    let mut now = START;
    for round in 0..50 {
        let long = Job::new("first").budget(ms(20)).cost(ms(10));
        let first = submit(&mut scheduler, now, long);
        assert_eq!(run(&mut scheduler, now).key, first);
        let job = |name| Job::new(name).budget(ms(10)).cost(ms(1));
        let second = submit(&mut scheduler, now, job("second"));
        let third = submit(&mut scheduler, now, job("third"));
        assert!(scheduler.submit(now, job("fourth")).is_err());
        let outcome = if round % 2 == 0 { Outcome::Done } else { Outcome::Failed };
        assert_eq!(wait(&mut scheduler, now), Some(now + ms(9)), "the worker is busy");
        if round % 3 == 0 {
            assert_eq!(scheduler.cancel(second), Some(Cancelled::Removed("second")));
        } else {
            assert_eq!(shed(&mut scheduler, now + ms(9)).key, second);
        }
        assert_eq!(shed(&mut scheduler, now + ms(9)).key, third);
        now += ms(10);
        assert_eq!(scheduler.complete(now, first, outcome), Some(ms(10)));
        assert_eq!(scheduler.complete(now, first, outcome), None);
        assert_eq!((scheduler.stats().queued, scheduler.stats().running), (0, 0));
        scheduler.assert_invariants();
    }
}

/// tikv#17589: a minimum wait of 0.1 s wrecked the tail: a wait ends to the nanosecond.
#[test]
fn a_wait_is_exact() {
    let mut scheduler = scheduler();
    let release = START + Duration::from_nanos(1);
    submit(&mut scheduler, START, Job::new("soon").budget(ms(1)).release(release));
    assert_eq!(wait(&mut scheduler, START), Some(release));
    assert_eq!(run(&mut scheduler, release).payload, "soon");
    let key = submit(&mut scheduler, release, Job::new("late").budget(ms(4)).cost(ms(1)));
    let latest_start = release + ms(3);
    assert_eq!(wait(&mut scheduler, release), Some(latest_start));
    assert_eq!(wait(&mut scheduler, latest_start - Duration::from_nanos(1)), Some(latest_start));
    assert_eq!(shed(&mut scheduler, latest_start).key, key);
}

/// tikv#15917: strict priority was beaten by the arrival rate: neither a flood of later deadlines
/// nor a long row of sheds keeps an urgent job waiting.
#[test]
fn a_flood_delays_no_urgent_job() {
    let mut scheduler = with_bound(2_000);
    for number in 0..1_000 {
        submit(&mut scheduler, START, Job::new(number).budget(ms(2_000 - number)).cost(ms(1)));
    }
    submit(&mut scheduler, START, Job::new(9_999).budget(ms(900)).cost(ms(1)));
    let urgent = run(&mut scheduler, START);
    assert_eq!(urgent.payload, 9_999);
    scheduler.complete(START + ms(1), urgent.key, Outcome::Done);
    let now = START + ms(5_000);
    submit(&mut scheduler, now, Job::new(10_000).budget(ms(2)).cost(ms(1)));
    let most = Config::default().max_sheds_between_runs;
    for _ in 0..most {
        assert!(shed(&mut scheduler, now).payload < 1_000);
    }
    assert_eq!(run(&mut scheduler, now).payload, 10_000);
    assert!(shed(&mut scheduler, now).payload < 1_000);
}

/// dialogue#3104: the queue's timeout ignored the deadline: a job with five seconds left was
/// queued for a minute.
#[test]
fn a_queued_job_hears_at_its_latest_start() {
    let (admission, margin) = (Admission::All, Margin::Fixed(ms(100)));
    let mut scheduler = with(&Config { admission, margin, ..Config::default() });
    submit(&mut scheduler, START, Job::new("long").budget(ms(60_000)).cost(ms(50_000)));
    assert_eq!(run(&mut scheduler, START).payload, "long");
    let job = Job::new("short").budget(ms(5_000)).cost(ms(300)).lead(ms(600));
    submit(&mut scheduler, START, job);
    assert_eq!(wait(&mut scheduler, START), Some(START + ms(4_000)));
    let shed = shed(&mut scheduler, START + ms(4_000));
    assert_eq!((shed.payload, shed.waited), ("short", ms(4_000)));
}

/// JDK's ScheduledThreadPoolExecutor: a cancelled task was kept until it would have been due.
#[test]
fn a_cancelled_job_leaves_at_once() {
    let mut scheduler = scheduler();
    let payload = Rc::new(());
    let release = START + ms(3_600_000);
    for job in [
        Job::new(payload.clone()).release(release),
        Job::new(payload.clone()).release(release).budget(ms(9)),
        Job::new(payload.clone()).budget(ms(3_600_000)),
        Job::new(payload.clone()).class(BACKGROUND).budget(ms(3_600_000)),
    ] {
        let key = submit(&mut scheduler, START, job);
        drop(scheduler.cancel(key).expect("it is queued"));
        assert_eq!(wait(&mut scheduler, START), None);
    }
    assert_eq!(Rc::strong_count(&payload), 1);
}

/// tokio#3558 and its kind: the key of a job that is gone reached the next one in its slot.
#[test]
fn a_stale_key_reaches_no_other_job() {
    let mut scheduler = scheduler();
    let job = |name| Job::new(name).budget(ms(10)).cost(ms(1));
    let cancelled = submit(&mut scheduler, START, job("cancelled"));
    assert_eq!(scheduler.cancel(cancelled), Some(Cancelled::Removed("cancelled")));
    let done = submit(&mut scheduler, START, job("done"));
    assert_eq!(run(&mut scheduler, START).key, done);
    scheduler.complete(START, done, Outcome::Done);
    let now = START + ms(9);
    let dropped = submit(&mut scheduler, START, job("shed"));
    assert_eq!(shed(&mut scheduler, now).key, dropped);

    let live = submit(&mut scheduler, now, job("live"));
    for stale in [cancelled, done, dropped] {
        assert_eq!(stale.slot(), live.slot(), "the slot is used again");
        assert_eq!(scheduler.cancel(stale), None);
        assert_eq!(scheduler.complete(now, stale, Outcome::Done), None);
        let rescheduled = scheduler.reschedule(now, stale, Time::ZERO);
        assert_eq!(rescheduled, Err(RescheduleError::Stale));
    }
    assert_eq!(run(&mut scheduler, now).key, live);
    assert_eq!(scheduler.complete(now, done, Outcome::Done), None);
    assert_eq!(scheduler.cancel(live), None, "it is running");
    let rescheduled = scheduler.reschedule(now, live, Time::ZERO);
    assert_eq!(rescheduled, Err(RescheduleError::Running));
}

/// tokio#8274 one floor up: a deadline that is moved, earlier or later, moves the wake-up with it.
#[test]
fn a_rescheduled_job_moves_its_wakeup() {
    let mut scheduler = scheduler();
    submit(&mut scheduler, START, Job::new("running"));
    assert_eq!(run(&mut scheduler, START).payload, "running");
    let job = Job::new("moved").budget(ms(50)).cost(ms(5));
    let key = submit(&mut scheduler, START, job);
    assert_eq!(wait(&mut scheduler, START), Some(START + ms(45)));
    assert!(scheduler.reschedule(START, key, START + ms(20)).is_ok());
    assert_eq!(wait(&mut scheduler, START), Some(START + ms(15)));
    assert!(scheduler.reschedule(START + ms(17), key, START + ms(90)).is_ok(), "it is saved");
    assert_eq!(wait(&mut scheduler, START + ms(17)), Some(START + ms(85)));
    let refused = scheduler.reschedule(START + ms(18), key, Time::ZERO);
    assert!(matches!(refused, Err(RescheduleError::Infeasible(_))), "it would be hopeless");
    assert_eq!(wait(&mut scheduler, START + ms(18)), Some(START + ms(85)));
    assert_eq!(shed(&mut scheduler, START + ms(85)).key, key);
}

/// A job that waits for slack starts as soon as what claimed the slack is gone: a shell has to
/// poll after a cancellation too.
#[test]
fn a_cancellation_gives_its_slack_to_the_background() {
    let mut scheduler = scheduler();
    let release = START + ms(10);
    let urgent = Job::new("urgent").release(release).budget(ms(5)).cost(ms(5) - ms(1));
    let key = submit(&mut scheduler, START, urgent);
    submit(&mut scheduler, START, Job::new("background").class(BACKGROUND).cost(ms(50)));
    assert_eq!(wait(&mut scheduler, START), Some(release));
    assert_eq!(scheduler.cancel(key), Some(Cancelled::Removed("urgent")));
    assert_eq!(run(&mut scheduler, START).payload, "background");
}

/// concurrency-limits#134, #137: an estimate crept away on what it had not measured: failures and
/// declared costs teach nothing, and a cost that is frozen stays.
#[test]
fn a_learned_cost_follows_measurements_alone() {
    let mut scheduler = scheduler();
    let class = Class::new(0);
    let expected = |scheduler: &Scheduler<_>| scheduler.expected_cost(class);
    let mut now = START;
    submit(&mut scheduler, now, Job::new("failed").budget(ms(500)).cost(ms(400)));
    let key = run(&mut scheduler, now).key;
    now += ms(300);
    scheduler.complete(now, key, Outcome::Failed);
    assert_eq!(expected(&scheduler), Some(Duration::ZERO));
    let frozen = submit(&mut scheduler, now, Job::new("frozen").budget(ms(500)));
    submit(&mut scheduler, now, Job::new("done").budget(ms(400)));
    let running = run(&mut scheduler, now);
    now += ms(20);
    scheduler.complete(now, running.key, Outcome::Done);
    assert_eq!(expected(&scheduler), Some(ms(20)));
    let running = run(&mut scheduler, now);
    assert_eq!((running.key, running.cost), (frozen, Duration::ZERO));
}

/// envoy#8337: a limit that was measured once too high rejected everything, so that nothing was
/// measured again. One run that stood still must not lock its class out.
#[test]
fn a_class_recovers_from_a_spoilt_mean() {
    let (mut scheduler, mut now) = (scheduler(), START);
    let mut run_one = |took: Duration| {
        now += ms(1_000);
        if scheduler.submit(now, Job::new("bid").budget(ms(85))).is_err() {
            return false;
        }
        let key = run(&mut scheduler, now).key;
        scheduler.complete(now + took, key, Outcome::Done);
        true
    };
    assert!((0..50).all(|_| run_one(ms(1))));
    assert!(run_one(ms(3_000)), "the machine stands still");
    let refused = (0..400).filter(|_| !run_one(ms(1))).count();
    assert!((256..280).contains(&refused), "{refused} jobs were refused");
}
