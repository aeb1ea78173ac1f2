//! What went wrong elsewhere when there was more to do than could be done.

use core::time::Duration;
use std::rc::Rc;

use punctual::scheduler::{
    Admission, Cancelled, Class, ClassConfig, Config, Job, Next, Outcome, RefuseReason,
    Reservation, Scheduler, ShedReason, Submitted,
};
use punctual::time::Time;

use super::scheduler::{BACKGROUND, START, ms, run, shed, submit, wait};

pub(crate) fn evicting<T>(config: Config) -> Scheduler<T> {
    Scheduler::new(Config { admission: Admission::Evict, ..config }).expect("it is valid")
}

/// Runs all that is queued, each job for `took`, and counts the runs whose payload matches.
fn run_all<T>(
    scheduler: &mut Scheduler<T>,
    mut now: Time,
    took: Duration,
    matches: impl Fn(&T) -> bool,
) -> usize {
    let mut count = 0;
    loop {
        match scheduler.poll(now) {
            Next::Run(running) => {
                now += took;
                scheduler.complete(now, running.key, Outcome::Done);
                count += usize::from(matches(&running.payload));
            }
            Next::Shed(_) => {}
            Next::Wait(None) => return count,
            Next::Wait(Some(until)) => now = now.max(until),
        }
    }
}

/// folly#1428 in overload: a task ran although its submission had failed: here a full queue, a
/// full class, a deadline that can't be met or a scheduler that is closed changes nothing, and
/// evicts nobody.
#[test]
fn a_refused_job_has_evicted_nobody() {
    let classes = vec![ClassConfig::foreground(), ClassConfig::foreground().queue_bound(1)];
    let mut scheduler = evicting(Config { queue_bound: 3, classes, ..Config::default() });
    let job = |name, budget, cost| Job::new(name).budget(ms(budget)).cost(ms(cost)).tenant(1);
    let small = |name| job(name, 9, 1);
    submit(&mut scheduler, START, job("first", 20, 8));
    submit(&mut scheduler, START, job("second", 21, 4).class(Class::new(1)));
    let refuse = |scheduler: &mut Scheduler<_>, job, is_expected: fn(RefuseReason) -> bool| {
        let before = (scheduler.load(START), scheduler.stats().queued);
        let refused = scheduler.submit(START, job).expect_err("it is refused");
        assert!(is_expected(refused.reason), "{refused}");
        assert_eq!((scheduler.load(START), scheduler.stats().queued), before);
        scheduler.assert_invariants();
    };
    let is_full = |reason| reason == RefuseReason::QueueFull;
    let is_infeasible = |reason| matches!(reason, RefuseReason::Infeasible(_));
    refuse(&mut scheduler, small("class is full").class(Class::new(1)), is_full);
    refuse(&mut scheduler, job("hopeless", 2, 2), is_infeasible);
    submit(&mut scheduler, START, job("third", 30, 8));
    refuse(&mut scheduler, job("queue is full", 30, 9), is_full);
    let mut now = START;
    for (name, took) in [("first", ms(8)), ("second", ms(4)), ("third", ms(8))] {
        let running = run(&mut scheduler, now);
        assert_eq!(running.payload, name);
        now += took;
        scheduler.complete(now, running.key, Outcome::Done);
    }
    assert_eq!((scheduler.stats().done, scheduler.stats().late), (3, 0));
    scheduler.shutdown(now, now + ms(9));
    refuse(&mut scheduler, small("closed"), |reason| reason == RefuseReason::Closed);
}

/// tikv#14633, tower-resilience#365 in overload: none of the newer ways out keeps a place in the
/// queue.
#[test]
fn every_way_out_of_an_overload_gives_its_capacity_back() {
    let classes = vec![ClassConfig::foreground().queue_bound(4)];
    let config = Config { queue_bound: 4, classes, ..Config::default() };
    let mut scheduler: Scheduler<&str, u8> =
        Scheduler::with_identities(config).expect("it is valid");
    let mut now = START;
    for round in 0..50 {
        let job = |name, cost| Job::new(name).budget(ms(10)).cost(ms(cost));
        let long = scheduler.submit(now, job("long", 9)).expect("it is accepted").key();
        let short = scheduler.submit(now, job("short", 4).identity(1)).expect("it is accepted");
        let joined = scheduler.submit(now, job("joined", 4).identity(1)).expect("it joins");
        let Submitted::Joined(key, back) = joined else { panic!("it is queued") };
        assert_eq!((key, back.payload), (short.key(), "joined"));
        assert_eq!(scheduler.cancel(key), Some(Cancelled::LetGo));
        let Next::Shed(shed) = scheduler.poll(now) else { panic!("both don't fit") };
        assert!(matches!(shed.reason, ShedReason::Evicted(_)));
        assert_eq!(shed.key, long);
        if round % 2 == 0 {
            assert_eq!(scheduler.cancel(key), Some(Cancelled::Removed("short")));
        } else {
            let Next::Run(running) = scheduler.poll(now) else { panic!("it is free") };
            now += ms(4);
            scheduler.complete(now, running.key, Outcome::Done);
        }
        assert_eq!((scheduler.stats().queued, scheduler.stats().running), (0, 0));
        scheduler.assert_invariants();
    }
    scheduler.submit(now, Job::new("last").budget(ms(10)).cost(ms(1))).expect("there is room");
    scheduler.shutdown(now, now);
    assert!(matches!(scheduler.poll(now), Next::Shed(shed) if shed.reason == ShedReason::Shutdown));
    assert_eq!(scheduler.stats().queued, 0);
}

/// kubernetes#95979: fair queues that were not: a tenant that floods the queue first does not keep
/// those out who come with less.
#[test]
fn a_flood_of_one_tenant_takes_no_share_of_another() {
    for queue_bound in [60, 1_000] {
        let mut scheduler = evicting(Config { queue_bound, ..Config::default() });
        let job = |tenant| Job::new(tenant).budget(ms(50)).cost(ms(1)).tenant(tenant);
        for _ in 0..200 {
            // With a small bound most are refused.
            let _ = scheduler.submit(START, job(1));
        }
        for tenant in [2, 3] {
            for number in 0..10 {
                let submitted = scheduler.submit(START, job(tenant));
                assert!(submitted.is_ok(), "bound {queue_bound}: job {number} of tenant {tenant}");
                // A shell polls after every submission; the worker is busy elsewhere.
                while scheduler.stats().queued > queue_bound {
                    let shed = shed(&mut scheduler, START);
                    assert!(matches!(
                        shed.reason,
                        ShedReason::OverShare(_) | ShedReason::Displaced
                    ));
                }
            }
        }
        let modest = run_all(&mut scheduler, START, ms(1), |&tenant| tenant != 1);
        assert_eq!(modest, 20, "all of the others ran");
        assert!(scheduler.stats().done >= 49 && scheduler.stats().late == 0);
        let sheds = scheduler.stats().shed;
        assert_eq!(sheds.total(), sheds.over_share + sheds.displaced + sheds.evicted);
    }
}

/// What the model found: a job that had to make room for another tenant's was saved by another
/// deadline, again and again, and the queue grew beyond every bound.
#[test]
fn a_saved_job_overfills_no_queue() {
    let bound = 6;
    let mut scheduler = evicting(Config { queue_bound: bound, ..Config::default() });
    let job = |tenant| Job::new(tenant).budget(ms(10_000)).cost(ms(1)).tenant(tenant);
    submit(&mut scheduler, START, job(2));
    let keys = [(); 5].map(|()| submit(&mut scheduler, START, job(1)));
    for (round, tenant) in (3..103).enumerate() {
        // The last of the largest tenant makes room, and comes back.
        let _ = scheduler.submit(START, job(tenant));
        let later = START + ms(20_000 + round as u64);
        let _ = scheduler.reschedule(START, keys[4], later);
        scheduler.assert_invariants();
        assert!(scheduler.stats().queued <= 2 * bound, "{}", scheduler.stats().queued);
    }
}

/// tikv#15917 in overload: priority was beaten by the arrival rate: a hundred cheap jobs for each
/// valuable one don't keep it out.
#[test]
fn a_flood_displaces_no_job_of_a_higher_value() {
    let mut scheduler = evicting(Config::default());
    let job = |value| Job::new(value).budget(ms(50)).cost(ms(5)).value(value);
    for _ in 0..8 {
        for _ in 0..100 {
            // Most are refused.
            let _ = scheduler.submit(START, job(1));
        }
        submit(&mut scheduler, START, job(10));
    }
    let valuable = run_all(&mut scheduler, START, ms(5), |&value| value == 10);
    assert_eq!((valuable, scheduler.stats().late), (8, 0));
}

/// apollographql/router#9034: a service that was busy for a moment was taken for overloaded:
/// whoever fits behind what runs stays.
#[test]
fn a_busy_worker_is_no_overload() {
    for admission in [Admission::Evict, Admission::Feasible] {
        let config = Config { admission, ..Config::default() };
        let mut scheduler = Scheduler::new(config).expect("it is valid");
        submit(&mut scheduler, START, Job::new("running").budget(ms(60)).cost(ms(50)));
        let running = run(&mut scheduler, START).key;
        let fits = submit(&mut scheduler, START, Job::new("fits").budget(ms(56)).cost(ms(5)));
        let mut late = |budget| {
            let late = Job::new("late").budget(ms(budget)).cost(ms(5));
            match scheduler.submit(START, late) {
                Ok(submitted) => Some(submitted.key()) == Some(shed(&mut scheduler, START).key),
                Err(_) => true,
            }
        };
        assert!(late(55) && late(57), "they don't fit");
        assert_eq!(scheduler.stats().queued, 1);
        scheduler.complete(START + ms(50), running, Outcome::Done);
        assert_eq!(run(&mut scheduler, START + ms(50)).key, fits);
    }
}

/// tikv#17589 in overload: a wait ends to the nanosecond when a run that takes too long begins to
/// cost somebody else's deadline.
#[test]
fn a_wait_ends_when_somebody_has_to_go() {
    let mut scheduler = evicting(Config::default());
    let job = |name, budget, cost| Job::new(name).budget(ms(budget)).cost(ms(cost));
    submit(&mut scheduler, START, job("running", 40, 10));
    run(&mut scheduler, START);
    let long = submit(&mut scheduler, START, job("long", 25, 8));
    let short = submit(&mut scheduler, START, job("short", 30, 6));
    let latest = START + ms(16);
    assert_eq!(wait(&mut scheduler, START), Some(latest));
    assert_eq!(wait(&mut scheduler, latest - Duration::from_nanos(1)), Some(latest));
    let gone = shed(&mut scheduler, latest);
    assert_eq!(gone.key, long);
    let ShedReason::Evicted(forecast) = gone.reason else { panic!("{:?}", gone.reason) };
    assert_eq!((forecast.start, forecast.violated), (latest, START + ms(30)));
    assert_eq!(wait(&mut scheduler, latest), Some(START + ms(24)), "that of {short:?}");
}

/// chimera#286 with guards: untimed work that was let through all the same starved timed work: it
/// goes to the front once in a guard's time, however much there is of it.
#[test]
fn guarded_work_starves_no_timed_work() {
    let guarded = ClassConfig::background().starvation_guard(ms(20));
    let classes = vec![ClassConfig::foreground(), guarded];
    let mut scheduler = evicting(Config { classes, ..Config::default() });
    for number in 0..100 {
        submit(&mut scheduler, START, Job::new(number).class(BACKGROUND).cost(ms(1)));
    }
    let (mut now, mut forced) = (START, Vec::new());
    for number in 1_000..1_100 {
        let key = submit(&mut scheduler, now, Job::new(number).budget(ms(10)).cost(ms(2)));
        let mut running = run(&mut scheduler, now);
        if running.payload < 1_000 {
            forced.push((now, running.payload));
            now += ms(1);
            scheduler.complete(now, running.key, Outcome::Done);
            running = run(&mut scheduler, now);
        }
        assert_eq!(running.key, key, "at most one goes before it");
        now += ms(2);
        scheduler.complete(now, running.key, Outcome::Done);
    }
    let numbers: Vec<u64> = forced.iter().map(|&(_, number)| number).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "in the order of submission");
    assert!((9..=10).contains(&numbers.len()), "one each 20 ms: {forced:?}");
    assert_eq!(scheduler.stats().shed.total(), 0);
}

/// JDK's retained tasks, coalesced: a job that was joined leaves with the last who let it go.
#[test]
fn a_joined_job_leaves_with_the_last_who_wanted_it() {
    let mut scheduler = Scheduler::with_identities(Config::default()).expect("it is valid");
    let payload = Rc::new(());
    let job = |budget| Job::new(payload.clone()).budget(ms(budget)).cost(ms(1)).identity("same");
    let first = scheduler.submit(START, job(3_600_000)).expect("it is queued");
    let second = scheduler.submit(START, job(7_200_000)).expect("it joins");
    assert_eq!(first.key(), second.key());
    drop(second);
    assert_eq!(Rc::strong_count(&payload), 2);
    assert_eq!(scheduler.cancel(first.key()), Some(Cancelled::LetGo));
    assert!(scheduler.cancel(first.key()).is_some_and(|left| left.payload().is_some()));
    assert_eq!(scheduler.cancel(first.key()), None);
    assert_eq!(Rc::strong_count(&payload), 1);
    assert_eq!(scheduler.poll(START), Next::Wait(None));
}

/// dialogue#3104, coalesced: a job hears at the latest start of the earliest deadline of those who
/// share it.
#[test]
fn a_joined_job_hears_in_time_for_the_most_urgent() {
    let config = Config { admission: Admission::All, ..Config::default() };
    let mut scheduler = Scheduler::with_identities(config).expect("it is valid");
    let job = |name, budget| Job::new(name).budget(ms(budget)).cost(ms(10)).identity(7);
    let busy = Job::new("busy").budget(ms(900_000)).cost(ms(60_000));
    scheduler.submit(START, busy).expect("it is queued");
    assert!(matches!(scheduler.poll(START), Next::Run(_)));
    let key = scheduler.submit(START, job("patient", 60_000)).expect("it is queued").key();
    let joined = scheduler.submit(START, job("urgent", 5_000)).expect("it joins");
    assert_eq!(joined.key(), key);
    let latest_start = START + ms(4_990);
    assert_eq!(scheduler.poll(START), Next::Wait(Some(latest_start)));
    let Next::Shed(shed) = scheduler.poll(latest_start) else { panic!("it is time") };
    assert_eq!((shed.key, shed.payload, shed.deadline), (key, "patient", Some(START + ms(5_000))));
}

/// Our own: the work of a job without end was added to that of others until the sum overflowed,
/// and a poll at the end of time looked for what comes after it.
#[test]
fn nothing_overflows_at_the_end_of_time() {
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        let config = Config { admission, ..Config::default() };
        let scheduler = || Scheduler::new(config.clone()).expect("it is valid");
        let mut endless = scheduler();
        submit(&mut endless, Time::ZERO, Job::new(0).cost(Duration::MAX));
        submit(&mut endless, Time::ZERO, Job::new(0).cost(Duration::MAX).lead(Duration::MAX));
        run(&mut endless, Time::ZERO);
        assert_eq!(wait(&mut endless, Time::ZERO), None);
        endless.assert_invariants();
        assert_eq!(wait(&mut scheduler(), Time::MAX), None);
        let mut last = scheduler();
        for number in [1, 2] {
            submit(&mut last, START, Job::new(number).deadline(Time::MAX));
        }
        let key = run(&mut last, Time::MAX).key;
        assert_eq!(wait(&mut last, Time::MAX), None, "the end of time is never over");
        last.assert_invariants();
        last.complete(Time::MAX, key, Outcome::Done);
        assert_eq!(run(&mut last, Time::MAX).payload, 2);
    }
}

/// apollographql/router#9034 with several workers: one long run was taken for work that all of
/// them have to do first.
#[test]
fn one_long_job_closes_no_other_worker() {
    for admission in [Admission::Feasible, Admission::Evict] {
        let config = Config { admission, workers: 4, ..Config::default() };
        let mut scheduler = Scheduler::new(config).expect("it is valid");
        submit(&mut scheduler, START, Job::new("long").budget(ms(20_000)).cost(ms(10_000)));
        run(&mut scheduler, START);
        let mut now = START;
        for _ in 0..100 {
            for _ in 0..6 {
                submit(&mut scheduler, now, Job::new("short").budget(ms(40)).cost(ms(10)));
            }
            for _ in 0..2 {
                let keys = [(); 3].map(|()| run(&mut scheduler, now).key);
                wait(&mut scheduler, now);
                now += ms(10);
                let ended = keys.map(|key| scheduler.complete(now, key, Outcome::Done));
                assert_eq!(ended, [Some(ms(10)); 3]);
            }
        }
        assert_eq!((scheduler.stats().done, scheduler.stats().late), (600, 0));
    }
}

/// JDK's ScheduledThreadPoolExecutor promises that runs of one task don't overlap, and so do we:
/// a job of an identity that runs waits until it has ended, however that ends.
#[test]
fn jobs_of_one_identity_never_run_at_once() {
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        let config = Config { admission, workers: 2, ..Config::default() };
        let mut scheduler = Scheduler::with_identities(config).expect("it is valid");
        let job = |name| Job::new(name).budget(ms(100)).cost(ms(10)).identity("same");
        let mut submit = |name| scheduler.submit(START, job(name)).expect("it is accepted");
        let first = submit("first").key();
        assert!(matches!(submit("joins"), Submitted::Joined(key, _) if key == first));
        let Next::Run(running) = scheduler.poll(START) else { panic!("two are free") };
        assert_eq!((running.key, running.shares), (first, 2));
        let second = scheduler.submit(START, job("second")).expect("it is accepted");
        assert!(matches!(second, Submitted::Queued(_)), "what runs is joined by nobody");
        let latest_start = START + ms(90);
        assert_eq!(scheduler.poll(START + ms(9)), Next::Wait(Some(latest_start)));
        scheduler.complete(START + ms(20), first, Outcome::Failed);
        let Next::Run(running) = scheduler.poll(START + ms(20)) else { panic!("it may go on") };
        assert_eq!(running.key, second.key());
        let third = scheduler.submit(START + ms(20), job("third")).expect("it is accepted");
        let Next::Shed(shed) = scheduler.poll(START + ms(110)) else { panic!("it is late") };
        assert_eq!((shed.key, scheduler.stats().running), (third.key(), 1));
    }
}

/// kubernetes#95979 with reservations: what a class had booked was worth nothing once others had
/// filled the queue.
#[test]
fn a_reserved_class_gets_into_a_full_queue() {
    let reservation = Reservation { runtime: ms(20), period: ms(100) };
    let classes =
        vec![ClassConfig::foreground(), ClassConfig::foreground().reservation(reservation)];
    let mut scheduler = evicting(Config { queue_bound: 10, classes, ..Config::default() });
    let job = |class| Job::new(class).budget(ms(1_000)).cost(ms(9)).class(Class::new(class));
    let flood = [(); 10].map(|()| submit(&mut scheduler, START, job(0).value(100)));
    assert!(scheduler.submit(START, job(0).value(100)).is_err());
    let booked = [(); 2].map(|()| submit(&mut scheduler, START, job(1)));
    scheduler.assert_invariants();
    for displaced in &flood[8..] {
        let shed = shed(&mut scheduler, START);
        assert_eq!((&shed.key, shed.reason), (displaced, ShedReason::Displaced));
    }
    let mut keys = [(); 10].map(|()| {
        let key = run(&mut scheduler, START).key;
        scheduler.complete(START, key, Outcome::Done);
        key
    });
    keys.sort_unstable_by_key(|key| !booked.contains(key));
    assert!(keys.starts_with(&booked), "they run");
}
