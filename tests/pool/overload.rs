//! A 'no' in time.

use punctual::pool::{Outcome, Pool};
use punctual::scheduler::{Admission, Budget, ClassConfig, Job, RefuseReason, ShedReason, Verdict};
use punctual::time::Time;

use super::support::{Gate, LONG, Log, Still, ms};

#[test]
fn a_caller_hears_no_at_the_latest_start_though_all_workers_are_busy() {
    let still = Still::one_worker();
    let gate = Gate::close(&still.pool);
    let job = Job::new(|_: Budget| 7).budget(ms(10)).cost(ms(2));
    let ticket = still.pool.submit(job).expect("there is room");
    let ticket = ticket.try_take().expect_err("there is time");
    still.advance(ms(8));
    // The only worker stands at its gate: the timer's thread has to say it.
    let Outcome::Shed(work, verdict) = ticket.wait() else { panic!("it can't be done in time") };
    let Verdict::Shed(ShedReason::LatestStart { latest_start, cost }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!((latest_start, cost), (Time::ZERO + ms(8), ms(2)));
    assert_eq!(work.run(Budget::UNLIMITED), 7);
    gate.open();
}

#[test]
fn an_earlier_latest_start_is_noticed_after_a_later_one() {
    let still = Still::one_worker();
    let gate = Gate::close(&still.pool);
    let submit = |budget| {
        let job = Job::new(|_: Budget| ()).budget(ms(budget)).cost(ms(1));
        still.pool.submit(job).expect("there is room")
    };
    let (late, early) = (submit(90), submit(10));
    still.advance(ms(9));
    assert!(early.wait().verdict().is_some());
    still.advance(ms(80));
    assert!(late.wait().verdict().is_some());
    gate.open();
}

#[test]
fn what_is_not_feasible_is_refused_at_once() {
    let builder = Pool::builder().workers(1).admission(Admission::Feasible);
    let Still { pool, .. } = &Still::new(builder);
    let gate = Gate::close(pool);
    let job = || Job::new(|_: Budget| ()).budget(ms(10)).cost(ms(6));
    let first = pool.submit(job()).expect("there is room");
    let second = pool.submit(job()).expect("the ticket tells");
    let outcome = second.wait();
    assert!(
        matches!(outcome.verdict(), Some(Verdict::Refused(RefuseReason::Infeasible(_)))),
        "{outcome:?}"
    );
    gate.open();
    assert!(matches!(first.wait(), Outcome::Done(())));
}

#[test]
fn who_is_evicted_hears_of_it_while_all_workers_are_busy() {
    let Still { pool, .. } = &Still::one_worker();
    let gate = Gate::close(pool);
    let job = |cost| Job::new(|_: Budget| ()).budget(ms(10)).cost(ms(cost));
    let long = pool.submit(job(8)).expect("there is room");
    let short = pool.submit(job(3)).expect("there is room");
    let outcome = long.wait();
    assert!(
        matches!(outcome.verdict(), Some(Verdict::Shed(ShedReason::Evicted(_)))),
        "{outcome:?}"
    );
    gate.open();
    assert!(matches!(short.wait(), Outcome::Done(())));
}

#[test]
fn a_full_queue_refuses_by_the_ticket() {
    let builder = Pool::builder().workers(1).admission(Admission::All).queue_bound(1);
    let Still { pool, .. } = &Still::new(builder);
    let gate = Gate::close(pool);
    let job = || Job::new(|_: Budget| ()).budget(LONG);
    let first = pool.submit(job()).expect("there is room");
    let outcome = pool.submit(job()).expect("the ticket tells").wait();
    assert_eq!(outcome.verdict(), Some(&Verdict::Refused(RefuseReason::QueueFull)));
    gate.open();
    assert!(matches!(first.wait(), Outcome::Done(())));
}

#[test]
fn a_release_wakes_a_worker_that_rests() {
    let still = Still::one_worker();
    let job = Job::new(|_: Budget| 7).release(Time::ZERO + ms(5)).budget(LONG);
    let ticket = still.pool.submit(job).expect("there is room");
    let ticket = ticket.try_take().expect_err("it is not released");
    still.advance(ms(5));
    assert_eq!(ticket.wait().done(), Some(7));
}

#[test]
fn all_that_a_moment_releases_starts_at_once() {
    let still = Still::new(Pool::builder().workers(3));
    let meet = std::sync::Arc::new(std::sync::Barrier::new(3));
    let submit = |_| {
        let meet = meet.clone();
        // Each waits for the other two, so each needs a worker of its own.
        let job = Job::new(move |_: Budget| meet.wait().is_leader()).release(Time::ZERO + ms(5));
        still.pool.submit(job.budget(LONG)).expect("there is room")
    };
    let tickets: Vec<_> = (0..3).map(submit).collect();
    still.advance(ms(5));
    let leaders = tickets.into_iter().filter_map(|ticket| ticket.wait().done());
    assert_eq!(leaders.filter(|&leads| leads).count(), 1);
}

#[test]
fn background_work_waits_for_slack() {
    let background = ClassConfig::background();
    let builder = Pool::builder().workers(1).classes(vec![ClassConfig::foreground(), background]);
    let Still { pool, .. } = &Still::new(builder);
    let (gate, log) = (Gate::close(pool), Log::default());
    let background = log.job("background").class(punctual::scheduler::Class::new(1));
    pool.submit(background).expect("there is room").detach();
    pool.submit(log.job("foreground").budget(LONG)).expect("there is room").detach();
    gate.open();
    pool.drain(Time::MAX);
    assert_eq!(log.read(), ["foreground", "background"]);
}
