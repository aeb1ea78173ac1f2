//! The most jobs in time when they are released one after the other, exactly: for a dozen of them.

use super::Task;
use super::moore_hodgson;

/// Searches all orders in which every job that runs is on time and starts as early as it can,
/// those of the earlier deadline first, and leaves a branch when it can't beat the best so far.
///
/// The bound of a branch is what the jobs that are left could reach if all were released at once
/// ([`moore_hodgson`]). A set of jobs that was done by the same time or earlier before is not
/// looked at again: what is left is the same.
pub(crate) fn most_on_time(tasks: &[Task]) -> usize {
    assert!(tasks.len() <= 16, "a search of all orders takes too long");
    let mut sorted = tasks.to_vec();
    sorted.sort_by_key(|task| task.deadline);
    let earliest = vec![None; 1 << sorted.len()];
    let mut search = Search { tasks: sorted, earliest, best: 0 };
    search.go(0, 0);
    search.best
}

struct Search {
    tasks: Vec<Task>,
    /// For each set of jobs that were done in time: the earliest end so far.
    earliest: Vec<Option<u64>>,
    best: usize,
}

impl Search {
    fn go(&mut self, done: usize, now: u64) {
        if self.earliest[done].is_some_and(|before| before <= now) {
            return;
        }
        self.earliest[done] = Some(now);
        let count = done.count_ones() as usize;
        self.best = self.best.max(count);
        if count + self.bound(done, now) <= self.best {
            return;
        }
        for at in 0..self.tasks.len() {
            let task = self.tasks[at];
            let end = now.max(task.release) + task.cost;
            if done & (1 << at) == 0 && end <= task.deadline {
                self.go(done | (1 << at), end);
            }
        }
    }

    /// What the others could reach at most: each is released now or at the earliest release.
    fn bound(&self, done: usize, now: u64) -> usize {
        let left = (0..self.tasks.len()).filter(|at| done & (1 << at) == 0);
        let left: Vec<Task> = left.map(|at| self.tasks[at]).collect();
        let start = left.iter().map(|task| task.release).min().unwrap_or(0).max(now);
        let relative = left.iter().filter(|task| task.deadline >= start + task.cost);
        let relative: Vec<Task> = relative
            .map(|task| Task { release: 0, deadline: task.deadline - start, ..*task })
            .collect();
        moore_hodgson::most_on_time(&relative)
    }
}
