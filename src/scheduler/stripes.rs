//! Several schedulers side by side, so that workers don't wait for one lock: who takes which job.
//!
//! Each *group* has a scheduler, a part of the workers, and publishes its *head* after everything
//! that is done with the scheduler: by which time its first job is due, as [`head`] tells. A job is
//! submitted to the shorter of two queues that chance has chosen ([`place`]); that keeps queues
//! about equally long at no cost (M. Mitzenmacher, The power of two choices, 2001). A worker that
//! is free takes the earliest head of all groups ([`choose`]), its own group's among equals: from
//! its own scheduler by a poll, from another one as a guest, with
//! [`claim`](super::Scheduler::claim).
//!
//! # How far this is from one order
//!
//! A head may have changed since the worker has seen it. So a worker that has come to another
//! group's scheduler asks for its [first](super::Scheduler::first) job again, and takes it only if
//! that is due no later than the head that it saw ([`confirm`]); otherwise it chooses again with
//! what it knows now. Then a job that starts is due no later than any head that its worker saw. So
//! its *rank error*, the number of ready jobs that are due earlier and are passed over, is at most
//! the number of jobs that have become ready in other groups, or urgent, since the worker looked at
//! their heads; if looking and taking were one step, it would be zero. That leaves out what a group
//! itself puts before its earliest job: a reservation that is behind its share. The feature
//! `simulation` measures it.
//!
//! Reservations, starvation guards and tenants are kept by each group on its own.
//!
//! ```
//! use core::time::Duration;
//! use punctual::scheduler::stripes::{choose, head, place, split};
//! use punctual::scheduler::{Config, Job, Scheduler};
//! use punctual::time::Time;
//!
//! let (now, ms) = (Time::ZERO, Duration::from_millis);
//! let configs = split(&Config { workers: 4, ..Config::default() }, 2);
//! let mut groups = Vec::new();
//! for config in configs {
//!     groups.push(Scheduler::new(config)?);
//! }
//! for budget in [ms(90), ms(50), ms(70)] {
//!     let group = place([0, 1], [groups[0].len(), groups[1].len()]);
//!     groups[group].submit(now, Job::new(budget).budget(budget).cost(ms(1)))?;
//! }
//! let heads: Vec<_> = groups.iter_mut().map(|group| head(group.first(now))).collect();
//! assert_eq!(heads, [Some(now + ms(70)), Some(now + ms(50))]);
//! assert_eq!(choose(0, &heads), Some(1));
//! let (key, _) = groups[1].first(now).expect("it has a job");
//! assert_eq!(groups[1].claim(now, key).map(|running| running.payload), Some(ms(50)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use alloc::vec::Vec;
use core::time::Duration;

use super::class::{ClassConfig, Reservation};
use super::config::Config;
#[cfg(feature = "simulation")]
use super::{Scheduler, record::Place};
use crate::key::Key;
use crate::time::{Time, saturating_nanos};

/// What a group publishes of its [first](super::Scheduler::first) job: by when it is due. Work that
/// runs in slack is due at the end of time.
#[must_use]
pub fn head(first: Option<(Key, Option<Time>)>) -> Option<Time> {
    first.map(|(_, due)| due.unwrap_or(Time::MAX))
}

/// The group whose head is due first: among equals the worker's own, then the one that comes first
/// after it, in a circle. `None` if no group has a job. O(groups).
///
/// ```
/// use punctual::scheduler::stripes::choose;
/// use punctual::time::Time;
///
/// let [early, late] = [1, 2].map(Time::from_nanos);
/// assert_eq!(choose(0, &[Some(late), None, Some(early)]), Some(2));
/// assert_eq!(choose(1, &[Some(early), Some(early), Some(early)]), Some(1));
/// assert_eq!(choose(1, &[Some(early), None, Some(early)]), Some(2));
/// assert_eq!(choose(0, &[None, None]), None);
/// ```
#[must_use]
pub fn choose(own: usize, heads: &[Option<Time>]) -> Option<usize> {
    let groups = heads.len();
    let due = (0..groups).filter_map(|group| Some((heads[group]?, group)));
    due.min_by_key(|&(due, group)| (due, (group + groups - own % groups) % groups))
        .map(|(_, group)| group)
}

/// Whether a worker takes the job that it finds at a group whose head it saw: only if nothing that
/// it saw elsewhere can be due earlier. Otherwise it remembers what it found, and chooses again.
///
/// ```
/// use punctual::scheduler::stripes::{choose, confirm};
/// use punctual::time::Time;
///
/// let [first, second, third] = [1, 2, 3].map(Time::from_nanos);
/// let mut heads = [Some(second), Some(first)];
/// // Somebody else has taken the job that was due first.
/// assert!(!confirm(&mut heads[1], Some(third)));
/// assert_eq!(choose(1, &heads), Some(0));
/// assert!(confirm(&mut heads[0], Some(second)));
/// ```
#[must_use]
pub fn confirm(seen: &mut Option<Time>, found: Option<Time>) -> bool {
    let is_as_early = found.is_some_and(|found| seen.is_some_and(|seen| found <= seen));
    *seen = found;
    is_as_early
}

/// The less loaded of two groups, the first among equals.
#[must_use]
pub const fn place(groups: [usize; 2], lengths: [usize; 2]) -> usize {
    if lengths[1] < lengths[0] { groups[1] } else { groups[0] }
}

/// What each group's scheduler is told: its part of the workers, of the bounds and of the
/// reservations. There are no more groups than workers, and at least one.
///
/// Workers that can't be shared out evenly go to the first groups. Bounds are rounded up, so that
/// every group can hold a job.
#[must_use]
pub fn split(config: &Config, groups: u32) -> Vec<Config> {
    let groups = groups.clamp(1, config.workers.max(1));
    let of_group = |group: u32| {
        let workers = config.workers / groups + u32::from(group < config.workers % groups);
        let classes = config.classes.iter().map(|class| ClassConfig {
            queue_bound: class.queue_bound.map(|bound| bound.div_ceil(groups)),
            reservation: class.reservation.map(|it| part(it, workers, config.workers)),
            ..class.clone()
        });
        Config {
            workers,
            queue_bound: config.queue_bound.div_ceil(groups),
            classes: classes.collect(),
            ..config.clone()
        }
    };
    (0..groups).map(of_group).collect()
}

/// What some of all workers give of a reservation: never more than their part, so that parts of
/// what fits into all fit into each.
fn part(reservation: Reservation, workers: u32, of: u32) -> Reservation {
    let runtime = u128::from(saturating_nanos(reservation.runtime));
    let runtime_ns = runtime * u128::from(workers) / u128::from(of.max(1));
    let runtime_ns = u64::try_from(runtime_ns).unwrap_or(u64::MAX).max(1);
    Reservation { runtime: Duration::from_nanos(runtime_ns), ..reservation }
}

#[cfg(feature = "simulation")]
impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// How many foreground jobs are ready, as far as the last call knows, and due before a time.
    /// O(n).
    pub(crate) fn ready_before(&self, due: Time) -> u64 {
        let jobs = self.queue.records.iter().map(|(_, record)| record);
        let ready = jobs.filter(|record| record.place == Place::Ready);
        ready.filter(|record| record.due().is_some_and(|own| own < due)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn parts_are_valid_and_make_the_whole() {
        let ms = Duration::from_millis;
        let half = Reservation { runtime: ms(25), period: ms(10) };
        let classes = vec![
            ClassConfig::foreground().reservation(half).queue_bound(1),
            ClassConfig::foreground().reservation(half),
            ClassConfig::background().starvation_guard(ms(9)),
        ];
        let whole = Config { workers: 5, queue_bound: 7, classes, ..Config::default() };
        for groups in 0..9 {
            let parts = split(&whole, groups);
            assert_eq!(parts.len(), (groups as usize).clamp(1, 5));
            let workers: Vec<_> = parts.iter().map(|part| part.workers).collect();
            assert_eq!(workers.iter().sum::<u32>(), 5);
            assert!(workers.iter().all(|it| workers[0] - it <= 1), "{workers:?}");
            assert!(parts.iter().all(|part| part.validate().is_ok()));
            let reserved = parts.iter().filter_map(|part| part.classes[0].reservation);
            assert_eq!(reserved.map(|it| it.runtime).sum::<Duration>(), ms(25));
            assert!(parts.iter().map(|part| part.queue_bound).sum::<u32>() >= 7);
        }
        assert_eq!(split(&whole, 1), [whole]);
    }
}
