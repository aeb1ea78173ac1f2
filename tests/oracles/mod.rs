//! Answers that are known to be the best possible, however long they take to find.
//!
//! All are about one machine that is never interrupted: a job is on time if it ends by its
//! deadline, and what counts is how many are.

#![allow(dead_code, reason = "every test uses some of the oracles")]

pub(crate) mod branch_and_bound;
pub(crate) mod fluid;
pub(crate) mod moore_hodgson;

/// A job of an oracle. The unit of time is whatever the caller's is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) release: u64,
    pub(crate) cost: u64,
    pub(crate) deadline: u64,
}

/// A small generator of numbers for tests: splitmix64 (G. L. Steele, D. Lea, C. H. Flood, 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; its bias is far below what a test can see.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from 0 to 1, without 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A time between two events that come so often on average (exponentially distributed).
    pub(crate) fn gap(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    /// Shuffles (R. Fisher and F. Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// All orders of so many things (B. R. Heap, 1963).
pub(crate) fn permutations(count: usize) -> Vec<Vec<usize>> {
    fn go(order: &mut Vec<usize>, length: usize, found: &mut Vec<Vec<usize>>) {
        if length <= 1 {
            found.push(order.clone());
            return;
        }
        for at in 0..length {
            go(order, length - 1, found);
            order.swap(if length.is_multiple_of(2) { at } else { 0 }, length - 1);
        }
    }
    let mut found = Vec::new();
    go(&mut (0..count).collect(), count, &mut found);
    found
}

/// How many are on time if they run in this order, each as early as it can, and one that would be
/// late is left out.
pub(crate) fn on_time(tasks: &[Task], order: &[usize]) -> usize {
    let (mut now, mut count) = (0, 0);
    for task in order.iter().map(|&at| tasks[at]) {
        let end = now.max(task.release) + task.cost;
        if end <= task.deadline {
            (now, count) = (end, count + 1);
        }
    }
    count
}

/// The most that can be on time, from all orders: for very few tasks.
pub(crate) fn brute_force(tasks: &[Task]) -> usize {
    let orders = permutations(tasks.len());
    orders.iter().map(|order| on_time(tasks, order)).max().unwrap_or(0)
}
