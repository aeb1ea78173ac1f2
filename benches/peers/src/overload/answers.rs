//! What became of every job, and the figures that come of it.

use std::ops::Range;

use punctual::time::Time;

use super::arrivals::{Arrivals, Lag};

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
}

/// What one trial shows, of the jobs that came after the warm-up.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Jobs a second that the worker can do.
    pub(crate) capacity: f64,
    /// Jobs that ended in time while it was counted, as a share of those that could have.
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
    /// By how much the generator was late.
    pub(crate) lag: Lag,
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
        capacity: f64,
        lag: Lag,
    ) -> Self {
        let (mut refused, mut shed, mut left, mut late, mut on_time) = (0, 0, 0, 0, 0);
        let (mut notices, mut delays, mut ended_in_time) = (Vec::new(), Vec::new(), 0);
        let (mut came, mut worst_lateness_ms) = (0, f64::NEG_INFINITY);
        for (id, at) in (0..).zip(arrivals.iter()) {
            let deadline = arrivals.deadline(id);
            let answer = answers.0[id as usize].expect("every job has an outcome");
            if let Answer::Done { ended, .. } = answer
                && ended <= deadline
                && counted.contains(&ended)
            {
                ended_in_time += 1;
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
            capacity,
            goodput: f64::from(ended_in_time) / (capacity * counted_s),
            on_time: of(on_time, came),
            refused: of(refused, came),
            shed: of(shed, came),
            left: of(left, came),
            late: (late + on_time > 0).then(|| of(late, late + on_time)),
            notice_ms: quantiles(notices, [0.5, 0.01, 0.0]),
            delay_ms: quantiles(delays, [0.5, 0.99]),
            lag,
            worst_lateness_ms,
        }
    }
}

/// From one time to another, which may be the earlier one.
fn ms_between(from: Time, to: Time) -> f64 {
    let ahead_ms = to.saturating_since(from).as_secs_f64() * 1e3;
    ahead_ms - from.saturating_since(to).as_secs_f64() * 1e3
}

fn quantiles<const N: usize>(mut values: Vec<f64>, shares: [f64; N]) -> Option<[f64; N]> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(shares.map(|share| values[(share * last as f64).round() as usize]))
}
