//! What became of every job, and the figures that come of it.

use std::ops::Range;

use punctual::time::Time;

use super::arrivals::{Arrivals, Lag};
use crate::quantiles::quantiles;

/// A generator that is later than this with one job in a hundred was held up by other programs.
pub(crate) const MOST_LAG_MS: f64 = 1.0;

/// Where the speed changed by more than this share, other programs used the worker's core.
pub(crate) const MOST_DRIFT: f64 = 0.05;

/// The one outcome of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// It ran, in time or not.
    Done { started: Time, ended: Time },
    /// It was not taken in.
    Refused(Time),
    /// It was taken in, and not run: shed, or timed out.
    Shed(Time),
    /// Nobody said anything until after the last deadline of all.
    Left,
}

/// The outcomes by the number of the job. All memory is there before the first arrival.
pub(crate) struct Answers(Vec<Option<Answer>>);

impl Answers {
    pub(crate) fn new(jobs: usize) -> Self {
        Self(vec![None; jobs])
    }

    /// # Panics
    ///
    /// If the job has an outcome already.
    pub(crate) fn give(&mut self, id: u32, answer: Answer) {
        let before = self.0[id as usize].replace(answer);
        assert!(before.is_none(), "job {id} has two outcomes: {before:?}, {answer:?}");
    }

    /// Marks what has no answer and gets none any more.
    pub(crate) fn leave_rest(&mut self) {
        for answer in &mut self.0 {
            answer.get_or_insert(Answer::Left);
        }
    }

    /// When each job started and ended; `None` if one of them didn't run.
    pub(crate) fn runs(&self) -> Option<Vec<(Time, Time)>> {
        let run = |answer: &Option<Answer>| match *answer {
            Some(Answer::Done { started, ended }) => Some((started, ended)),
            _ => None,
        };
        self.0.iter().map(run).collect()
    }
}

/// What the machine was like during a trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// The worker's speeds: when the load was drawn, before the trial, and after it.
    pub(crate) drawn: f64,
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// By how much the generator was late.
    pub(crate) lag: Lag,
}

impl Conditions {
    /// What the worker could do during the trial: seconds of work in a second.
    fn speed(&self) -> f64 {
        self.before.midpoint(self.after)
    }

    /// How far the speed was from the one that the load was drawn for, as a share of it.
    pub(crate) fn drift(&self) -> f64 {
        [self.before, self.after]
            .map(|speed| (speed / self.drawn - 1.0).abs())
            .into_iter()
            .fold(0.0, f64::max)
    }

    /// Whether others used the machine so much that the trial doesn't count.
    pub(crate) fn are_disturbed(&self) -> bool {
        self.lag.p99_ms > MOST_LAG_MS || self.drift() > MOST_DRIFT
    }
}

/// What one trial shows, of the jobs that came after the warm-up.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) conditions: Conditions,
    /// The work of the jobs that ended in time while it was counted, as a share of what the
    /// worker could do.
    pub(crate) goodput: f64,
    /// Shares of all jobs that came.
    pub(crate) on_time: f64,
    pub(crate) refused: f64,
    pub(crate) shed: f64,
    pub(crate) left: f64,
    /// Jobs that ended too late, as a share of all that ran; absent if none did.
    pub(crate) late: Option<f64>,
    /// What a 'no' left until the deadline, in ms: the median, what all but a hundredth left,
    /// and the least. Negative after the deadline; absent without a 'no'.
    pub(crate) notice_ms: Option<[f64; 3]>,
    /// From the arrival to the start of those that ran, in ms: median and 99 of 100.
    pub(crate) delay_ms: Option<[f64; 2]>,
    /// The latest end of a run after its deadline, in ms; negative if all were in time.
    pub(crate) worst_lateness_ms: f64,
}

impl Figures {
    /// # Panics
    ///
    /// If a job has no outcome.
    pub(crate) fn new(
        arrivals: &Arrivals,
        answers: &Answers,
        counted: &Range<Time>,
        conditions: Conditions,
    ) -> Self {
        let (mut refused, mut shed, mut left, mut late, mut on_time) = (0, 0, 0, 0, 0);
        let (mut notices, mut delays, mut done_in_time_s) = (Vec::new(), Vec::new(), 0.0);
        let (mut came, mut worst_lateness_ms) = (0, f64::NEG_INFINITY);
        for id in arrivals.ids() {
            let (at, deadline) = (arrivals.at(id), arrivals.deadline(id));
            let answer = answers.0[id as usize].expect("every job has an outcome");
            if let Answer::Done { ended, .. } = answer
                && ended <= deadline
                && counted.contains(&ended)
            {
                done_in_time_s += arrivals.cost(id).time().as_secs_f64();
            }
            if !counted.contains(&at) {
                continue;
            }
            came += 1;
            match answer {
                Answer::Done { started, ended } => {
                    delays.push(ms_between(at, started));
                    let lateness_ms = ms_between(deadline, ended);
                    worst_lateness_ms = lateness_ms.max(worst_lateness_ms);
                    *if lateness_ms > 0.0 { &mut late } else { &mut on_time } += 1;
                }
                Answer::Refused(no) | Answer::Shed(no) => {
                    notices.push(ms_between(no, deadline));
                    let is_refused = matches!(answer, Answer::Refused(_));
                    *if is_refused { &mut refused } else { &mut shed } += 1;
                }
                Answer::Left => left += 1,
            }
        }
        let of = |count: u32, all: u32| f64::from(count) / f64::from(all.max(1));
        let counted_s = counted.end.saturating_since(counted.start).as_secs_f64();
        Self {
            goodput: done_in_time_s / (conditions.speed() * counted_s),
            conditions,
            on_time: of(on_time, came),
            refused: of(refused, came),
            shed: of(shed, came),
            left: of(left, came),
            late: (late + on_time > 0).then(|| of(late, late + on_time)),
            notice_ms: quantiles(notices, [0.5, 0.01, 0.0]),
            delay_ms: quantiles(delays, [0.5, 0.99]),
            worst_lateness_ms,
        }
    }
}

/// From one time to another, which may be the earlier one.
fn ms_between(from: Time, to: Time) -> f64 {
    let ahead_ms = to.saturating_since(from).as_secs_f64() * 1e3;
    ahead_ms - from.saturating_since(to).as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::arrivals::{Plan, Planned};
    use super::super::job::Cost;
    use super::*;

    const QUIET: Conditions = Conditions {
        drawn: 1.0,
        before: 1.0,
        after: 1.0,
        lag: Lag { p99_ms: 0.01, worst_ms: 0.02 },
    };

    /// A time so long after the start of all, which is no round one.
    fn at(after_us: u64) -> Time {
        Time::from_nanos(123) + Duration::from_micros(after_us)
    }

    fn done(started_us: u64, ended_us: u64) -> Answer {
        Answer::Done { started: at(started_us), ended: at(ended_us) }
    }

    /// The figures of jobs by arrival, cost and answer. The second to the tenth ms count.
    fn figures(book: &[(u64, Cost, Answer)], conditions: Conditions) -> Figures {
        let after = |&(after_us, cost, _): &(u64, Cost, Answer)| Planned {
            after: Duration::from_micros(after_us),
            cost,
        };
        let arrivals = Plan::new(book.iter().map(after)).from(at(0));
        let mut answers = Answers::new(book.len());
        for (id, &(.., answer)) in (0..).zip(book) {
            answers.give(id, answer);
        }
        Figures::new(&arrivals, &answers, &(at(1_000)..at(10_000)), conditions)
    }

    fn is_near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn a_book_is_added_up() {
        // Each is due 10 ms after its arrival.
        let figures = figures(
            &[
                // It came during the warm-up, and ended after it: work, but no arrival.
                (500, Cost::Short, done(900, 1_000)),
                (1_000, Cost::Usual, done(3_000, 3_200)),
                // At the deadline itself it is in time, but the counted time is over.
                (1_500, Cost::Long, done(10_500, 11_500)),
                (2_000, Cost::Long, done(11_500, 12_500)),
                (3_000, Cost::Short, Answer::Refused(at(3_001))),
                (4_000, Cost::Short, Answer::Shed(at(15_000))),
                (5_000, Cost::Short, Answer::Left),
                // It came after the counted time.
                (10_000, Cost::Short, Answer::Refused(at(10_000))),
            ],
            Conditions { before: 0.98, after: 1.02, ..QUIET },
        );
        assert!(is_near(figures.goodput, 0.3 / 9.0), "{figures:?}");
        assert!(is_near(figures.on_time, 2.0 / 6.0), "{figures:?}");
        assert!(is_near(figures.late.expect("jobs ran"), 1.0 / 3.0), "{figures:?}");
        assert!(is_near(figures.worst_lateness_ms, 0.5), "{figures:?}");
        let noes = [figures.refused, figures.shed, figures.left];
        assert!(noes.into_iter().all(|no| is_near(no, 1.0 / 6.0)), "{figures:?}");
        // One 'no' left nearly all of the budget, and the other came 1 ms too late.
        let [_, p99, worst] = figures.notice_ms.expect("two were told no");
        assert!(is_near(p99, -1.0) && is_near(worst, -1.0), "{figures:?}");
        let [p50, p99] = figures.delay_ms.expect("jobs ran");
        assert!(is_near(p50, 9.0) && is_near(p99, 9.5), "{figures:?}");
    }

    #[test]
    fn figures_of_what_never_happened_are_absent() {
        let figures = figures(&[(1_000, Cost::Usual, Answer::Left)], QUIET);
        assert_eq!((figures.late, figures.notice_ms, figures.delay_ms), (None, None, None));
        assert_eq!((figures.goodput, figures.on_time, figures.left), (0.0, 0.0, 1.0));
    }

    #[test]
    fn a_fast_worker_is_measured_by_what_it_could_do() {
        let fast = Conditions { drawn: 2.0, before: 2.0, after: 2.0, ..QUIET };
        let book = [(1_000, Cost::Long, done(1_000, 1_500))];
        assert!(is_near(figures(&book, fast).goodput, 1.0 / 18.0));
    }

    #[test]
    fn a_trial_counts_if_generator_and_worker_had_their_cores() {
        assert!(!QUIET.are_disturbed());
        assert!(Conditions { after: 0.94, ..QUIET }.are_disturbed());
        assert!(Conditions { before: 1.06, ..QUIET }.are_disturbed());
        assert!(!Conditions { before: 1.04, after: 0.96, ..QUIET }.are_disturbed());
        let lag = Lag { p99_ms: 1.1, worst_ms: 1.2 };
        assert!(Conditions { lag, ..QUIET }.are_disturbed());
    }
}
