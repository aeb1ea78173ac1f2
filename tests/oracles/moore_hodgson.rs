//! The most jobs in time when all are there from the beginning: J. M. Moore, An n job, one machine
//! sequencing algorithm for minimizing the number of late jobs, 1968, with T. J. Hodgson's rule.

use super::Task;

/// Takes the jobs in the order of their deadlines; when one would be late, the longest so far is
/// left out. Releases are taken as zero.
pub(crate) fn most_on_time(tasks: &[Task]) -> usize {
    let mut sorted = tasks.to_vec();
    sorted.sort_by_key(|task| task.deadline);
    let (mut taken, mut end) = (Vec::new(), 0);
    for task in sorted {
        end += task.cost;
        taken.push(task.cost);
        if end > task.deadline {
            taken.sort_unstable();
            end -= taken.pop().expect("the task itself is among them");
        }
    }
    taken.len()
}
