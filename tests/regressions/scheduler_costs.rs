//! What went wrong elsewhere, and here, with costs that were learned or declared.

use core::time::Duration;

use punctual::scheduler::{
    Admission, Class, ClassConfig, Config, CostModel, Job, Margin, Next, Outcome, Quantile,
    Scheduler,
};
use punctual::time::Time;

use super::scheduler::{START, ms, run, submit};
use super::scheduler_overload::evicting;

/// concurrency-limits#134, #137: adaptive limits crept to their maximum and stayed: a margin that
/// was learned on a bad day goes back, and never leaves its bounds.
#[test]
fn a_learned_margin_does_not_creep_to_its_maximum() {
    let (least, most) = (ms(1), ms(40));
    let margin = Margin::Learned { quantile: Quantile::P90, least, most };
    let mut scheduler = evicting(Config { margin, ..Config::default() });
    let mut now = START;
    let mut run_one = |took: Duration| {
        now += ms(1_000);
        submit(&mut scheduler, now, Job::new("bid").budget(ms(900)).cost(ms(2)));
        let key = run(&mut scheduler, now).key;
        scheduler.complete(now + took, key, Outcome::Done);
        scheduler.margin(Class::new(0)).expect("the class exists")
    };
    for _ in 0..40 {
        let margin = run_one(ms(500));
        assert!((least..=most).contains(&margin));
    }
    let margins: Vec<Duration> = (0..2_000).map(|_| run_one(ms(2))).collect();
    assert!(margins.iter().all(|margin| (least..=most).contains(margin)));
    assert_eq!(margins.last(), Some(&least));
}

/// concurrency-limits#134 with declared costs: what a class declared too low on a bad day is not
/// held against it for ever.
#[test]
fn a_corrected_cost_is_forgiven() {
    let mut scheduler = evicting(Config::default());
    let mut now = START;
    let mut run_one = |took: Duration| {
        now += ms(10_000);
        submit(&mut scheduler, now, Job::new("bid").budget(ms(9_000)).cost(ms(10)));
        let running = run(&mut scheduler, now);
        scheduler.complete(now + took, running.key, Outcome::Done);
        running.cost
    };
    let bad: Vec<Duration> = (0..100).map(|_| run_one(ms(3_000))).collect();
    assert!(bad.is_sorted() && bad.iter().all(|&cost| cost <= ms(3_000)));
    assert!(bad[1] <= ms(13), "one run counts as 16 times at most: {:?}", bad[1]);
    let good: Vec<Duration> = (0..1_000).map(|_| run_one(ms(10))).collect();
    assert!(good.is_sorted_by(|before, after| before >= after));
    assert!(good.last().is_some_and(|&cost| cost < ms(11)), "{:?}", good.last());
}

/// envoy#8337 with a quantile: the first run of all stood still, and what was learned of it closes
/// the class. Many refusals in a row move the estimate, so the class opens again, for good in the
/// end.
#[test]
fn a_class_recovers_from_a_spoilt_quantile() {
    let class = ClassConfig::foreground().cost_model(CostModel::Quantile(Quantile::P90));
    let mut scheduler = evicting(Config { classes: vec![class], ..Config::default() });
    let mut now = START;
    let mut run_one = |took: Duration| {
        now += ms(10_000);
        if scheduler.submit(now, Job::new("bid").budget(ms(85))).is_err() {
            return false;
        }
        let key = run(&mut scheduler, now).key;
        scheduler.complete(now + took, key, Outcome::Done);
        true
    };
    assert!(run_one(ms(3_000)), "the machine stands still");
    let answers: Vec<bool> = (0..2_000).map(|_| run_one(ms(1))).collect();
    let first = answers.iter().position(|&accepted| accepted).expect("it opens");
    let last = answers.iter().rposition(|&accepted| !accepted).expect("it was closed");
    assert!((256..350).contains(&first), "{first} jobs were refused in a row");
    assert!(last < 1_200, "the last refusal was after {last} jobs");
}

/// concurrency-limits#134 from the other side: an overload that turns most jobs away must not make
/// their class forget what they cost.
#[test]
fn an_overload_forgets_no_cost() {
    let mut scheduler = evicting(Config::default());
    let mut now = START;
    for round in 0..300 {
        for _ in 0..20 {
            let _ = scheduler.submit(now, Job::new("bid").budget(ms(50)));
        }
        loop {
            match scheduler.poll(now) {
                Next::Run(running) => {
                    now += ms(5);
                    scheduler.complete(now, running.key, Outcome::Done);
                    break;
                }
                Next::Shed(_) => {}
                Next::Wait(_) => panic!("there is always something to do"),
            }
        }
        let expected = scheduler.expected_cost(Class::new(0));
        assert!(round < 1 || expected == Some(ms(5)), "round {round}: {expected:?}");
    }
}

/// envoy#8337 with declared costs, and our own: a correction began with the first ratio that it
/// saw, and one run that stood still closed the class.
#[test]
fn one_long_run_locks_no_declared_cost_out() {
    let mut scheduler = evicting(Config::default());
    let mut now = START;
    for number in 0..100 {
        let job = Job::new(number).budget(ms(80)).cost(ms(10));
        submit(&mut scheduler, now, job);
        let key = run(&mut scheduler, now).key;
        now += if number == 0 { ms(200) } else { ms(10) };
        scheduler.complete(now, key, Outcome::Done);
    }
    assert_eq!((scheduler.stats().done, scheduler.stats().late), (100, 1));
}

/// Our own: who declared a hundredth of what a job takes was never held to more than 16 times as
/// much, and who declared nothing at all had no ratio.
#[test]
fn the_smallest_declarations_are_corrected() {
    for declared in [Duration::from_micros(100), Duration::ZERO] {
        let mut scheduler = evicting(Config::default());
        let mut now = START;
        let mut last = declared;
        for number in 0..1_000 {
            now += ms(1_000);
            submit(&mut scheduler, now, Job::new(number).budget(ms(900)).cost(declared));
            let running = run(&mut scheduler, now);
            scheduler.complete(now + ms(10), running.key, Outcome::Done);
            last = running.cost;
        }
        assert!((ms(9)..=ms(11)).contains(&last), "{declared:?} is booked as {last:?}");
    }
}

/// concurrency-limits#134 from the other side: a class that others keep out learns nothing from
/// that: it asks now and then, and what it knows stays true.
#[test]
fn a_class_that_loses_keeps_its_estimate() {
    for admission in [Admission::Feasible, Admission::Evict] {
        let classes = vec![ClassConfig::foreground().weight(1_000), ClassConfig::foreground()];
        let config = Config { admission, classes, ..Config::default() };
        let mut scheduler = Scheduler::new(config).expect("it is valid");
        let loser = Class::new(1);
        let mut now = START;
        submit(&mut scheduler, now, Job::new(loser).class(loser).budget(ms(50)));
        let mut running = run(&mut scheduler, now);
        for round in 0..3_000 {
            now += ms(5);
            scheduler.complete(now, running.key, Outcome::Done);
            let expected = scheduler.expected_cost(loser);
            assert_eq!(expected, Some(ms(5)), "round {round} of {admission:?}");
            for class in [Class::new(0), loser] {
                // The queue is always full of better jobs.
                while scheduler.submit(now, Job::new(class).class(class).budget(ms(18))).is_ok()
                    && class != loser
                    && scheduler.stats().queued < 8
                {}
            }
            running = next(&mut scheduler, now);
        }
        let stats = scheduler.class_stats(loser).expect("it exists");
        assert!(stats.counts.done < 60, "it loses: {:?}", stats.counts);
    }
}

/// Sheds what is to be shed, and starts a job.
fn next<T>(scheduler: &mut Scheduler<T>, now: Time) -> punctual::scheduler::Running<T> {
    loop {
        match scheduler.poll(now) {
            Next::Run(running) => return running,
            Next::Shed(_) => {}
            Next::Wait(_) => panic!("there is always something to do"),
        }
    }
}

/// Our own: a snapshot wrote what was booked, and where it was read again that was taken for a
/// declaration, and corrected once more.
#[cfg(feature = "serde")]
#[test]
fn a_restored_job_is_corrected_once() {
    use punctual::scheduler::SavedJob;

    let mut scheduler = evicting(Config::default());
    let mut now = START;
    let job = |number| Job::new(number).budget(ms(9_000)).cost(ms(10));
    for number in 0..1_000 {
        now += ms(10_000);
        submit(&mut scheduler, now, job(number));
        let key = run(&mut scheduler, now).key;
        scheduler.complete(now + ms(40), key, Outcome::Done);
    }
    now += ms(10_000);
    for _ in 0..2 {
        submit(&mut scheduler, now, job(1_000));
    }
    let booked = run(&mut scheduler, now);
    assert!(booked.cost > ms(39), "{:?}", booked.cost);
    let text = serde_json::to_string(&scheduler.snapshot(now)).expect("it can be written");
    let mut saved: Vec<SavedJob<u64>> = serde_json::from_str(&text).expect("it can be read");
    scheduler.complete(now, booked.key, Outcome::Failed);
    let second = run(&mut scheduler, now).key;
    scheduler.complete(now, second, Outcome::Failed);
    let restored = saved.pop().expect("one was queued").into_job(now);
    submit(&mut scheduler, now, restored);
    assert_eq!(run(&mut scheduler, now).cost, booked.cost);
}

/// Our own: nothing was known of a class's first job, so all of it was held for an overrun, and a
/// margin as long as the job kept the second one out, and all that came after it.
#[test]
fn a_first_run_teaches_no_margin() {
    let margin = Margin::Learned { quantile: Quantile::P99, least: ms(1), most: ms(100) };
    let mut scheduler = evicting(Config { margin, ..Config::default() });
    for second in 0..600 {
        let now = START + ms(1_000) * second;
        let submitted = scheduler.submit(now, Job::new("request").budget(ms(110)));
        assert!(submitted.is_ok(), "{submitted:?}");
        let key = run(&mut scheduler, now).key;
        scheduler.complete(now + ms(60), key, Outcome::Done);
    }
}
