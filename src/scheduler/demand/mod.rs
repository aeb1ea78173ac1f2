//! The demand index: jobs in the order in which they will run, and whether all of them can be
//! done in time.
//!
//! A B-tree in an arena. Each entry carries what its subtree needs (worker time), when that must
//! begin at the latest so that nobody in it starts too late, the earliest latest start, and the
//! largest gain of an eviction in it. So the root tells in O(1) whether all are in time, and a
//! descent finds the first job that isn't, the worst one before it, or what stands before a job,
//! in O(log n). A node that has become sparse is merged with a neighbour if both together fill at
//! most half of one.
//!
//! A change is O(1) a level: it moves the two times as bounds, to the safe side. Only where a
//! bound says that somebody may be late is the truth looked for, and then the bounds on the way
//! become exact again. While there is slack, that is once in many changes.

mod node;
mod search;
#[cfg(test)]
mod tests;

pub(super) use node::Entry;
pub(super) use search::{Lookout, Spot};

use alloc::vec::Vec;

use crate::heap::Fifo;
use crate::time::Time;
use node::{Node, WIDTH};

/// Jobs by deadline; equal deadlines by the order of submission.
pub(super) type Order = Fifo<Time>;

/// The least entries a node has before it looks for a neighbour to merge with.
const SPARSE: usize = WIDTH / 4;

/// Jobs in order, with the sums that tell whether they are feasible.
#[derive(Debug)]
pub(super) struct Demand {
    nodes: Vec<Node>,
    /// Nodes that can be used again.
    vacant: Vec<u32>,
    root: u32,
    /// Levels below the root.
    height: u32,
    /// The summary of the root.
    total: Entry,
    /// The way down to a leaf: nodes, and the place of the next one in each.
    path: Vec<(u32, usize)>,
}

impl Demand {
    pub(super) fn new() -> Self {
        let (nodes, total) = (Vec::new(), Node::new().summary(0));
        Self { nodes, vacant: Vec::new(), root: 0, height: 0, total, path: Vec::new() }
    }

    /// All jobs together.
    pub(super) const fn total(&self) -> &Entry {
        &self.total
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.total.count == 0
    }

    /// Puts a job in, whose order is nobody else's. O(log n).
    pub(super) fn insert(&mut self, job: Entry) {
        if self.nodes.is_empty() {
            // A tenant's index seldom needs more.
            self.nodes.reserve_exact(1);
            self.nodes.push(Node::new());
        }
        let leaf = self.descend(job.order);
        let at = self.node(leaf).before(job.order);
        // The work before the job in the subtree that the loop has come up to.
        let mut before_ns = self.node(leaf).work_before(at);
        let mut split = self.insert_at(leaf, at, job);
        while let Some((node, at)) = self.path.pop() {
            let here = &mut self.nodes[node as usize];
            let outside_ns = here.work_before(at);
            match split {
                None => here.entry_mut(at).gain(&job, before_ns),
                Some(right) => {
                    let child = here.entries()[at].child;
                    let summary = self.node(child).summary(child);
                    *self.node_mut(node).entry_mut(at) = summary;
                    split = self.insert_at(node, at + 1, right);
                }
            }
            before_ns = before_ns.saturating_add(outside_ns);
        }
        self.total.gain(&job, before_ns);
        if let Some(right) = split {
            let left = self.node(self.root).summary(self.root);
            let mut root = Node::new();
            root.insert(0, left);
            root.insert(1, right);
            self.root = self.add(root);
            self.height += 1;
        }
        self.total.child = self.root;
    }

    /// Takes the job of this order out. O(log n).
    pub(super) fn remove(&mut self, order: Order) -> Option<Entry> {
        if self.is_empty() {
            return None;
        }
        let leaf = self.descend(order);
        let at = self.node(leaf).before(order);
        self.node(leaf).entries().get(at).filter(|entry| entry.order == order)?;
        let removed = self.node_mut(leaf).remove(at);
        // Whether the job was the first one of the subtree that the loop has come up to.
        let mut was_first = at == 0;
        while let Some((node, at)) = self.path.pop() {
            self.shrink(node, at, &removed, was_first);
            was_first = was_first && at == 0;
        }
        self.total.lose(&removed, was_first, &self.nodes[self.root as usize]);
        if self.is_empty() {
            self.total = self.node(self.root).summary(self.root);
        }
        while self.height > 0
            && let [only] = self.node(self.root).entries()
        {
            let child = only.child;
            self.vacate(self.root);
            (self.root, self.height) = (child, self.height - 1);
            self.total.child = child;
        }
        Some(removed)
    }

    /// The leaf in which a job of this order is, or would be; the way to it is in `path`.
    fn descend(&mut self, order: Order) -> u32 {
        self.path.clear();
        let mut node = self.root;
        for _ in 0..self.height {
            let at = self.node(node).covering(order);
            self.path.push((node, at));
            node = self.node(node).entries()[at].child;
        }
        node
    }

    fn insert_at(&mut self, node: u32, at: usize, entry: Entry) -> Option<Entry> {
        let right = self.node_mut(node).insert(at, entry)?;
        let right = self.add(right);
        Some(self.node(right).summary(right))
    }

    /// A job has left the subtree at `at` of a node.
    fn shrink(&mut self, node: u32, at: usize, removed: &Entry, was_first: bool) {
        let mut entry = self.node(node).entries()[at];
        let below = self.node(entry.child);
        let len = below.entries().len();
        if len == 0 {
            self.node_mut(node).remove(at);
            self.vacate(entry.child);
            return;
        }
        entry.lose(removed, was_first, below);
        *self.node_mut(node).entry_mut(at) = entry;
        if len <= SPARSE {
            self.merge_around(node, at);
        }
    }

    /// Merges a sparse child with its neighbour on the right or on the left, if both together
    /// fill at most half a node: then it takes a while until they have to be split again.
    fn merge_around(&mut self, node: u32, at: usize) {
        for left in [Some(at), at.checked_sub(1)].into_iter().flatten() {
            let &[first, second, ..] = &self.node(node).entries()[left..] else { continue };
            let lens = [first, second].map(|entry| self.node(entry.child).entries().len());
            if lens[0] + lens[1] > WIDTH / 2 {
                continue;
            }
            let mut emptied = core::mem::replace(self.node_mut(second.child), Node::new());
            self.node_mut(first.child).take_from(&mut emptied, 0);
            self.vacate(second.child);
            let summary = self.node(first.child).summary(first.child);
            let here = self.node_mut(node);
            here.remove(left + 1);
            *here.entry_mut(left) = summary;
            return;
        }
    }

    fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    fn node_mut(&mut self, node: u32) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    fn add(&mut self, node: Node) -> u32 {
        if let Some(vacant) = self.vacant.pop() {
            self.nodes[vacant as usize] = node;
            return vacant;
        }
        // There are never more nodes than jobs, which are fewer than 2^31.
        self.nodes.push(node);
        (self.nodes.len() - 1) as u32
    }

    fn vacate(&mut self, node: u32) {
        *self.node_mut(node) = Node::new();
        self.vacant.push(node);
    }

    /// Checks order, summaries and nodes, and returns all jobs. O(n).
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub(super) fn checked_jobs(&self) -> Vec<Entry> {
        let (mut jobs, mut nodes) = (Vec::new(), 0);
        if !self.nodes.is_empty() {
            self.collect(self.root, self.height, &mut jobs, &mut nodes);
            assert_bound(&self.total, &self.node(self.root).summary(self.root));
        }
        assert_eq!(nodes + self.vacant.len(), self.nodes.len(), "every node is used or vacant");
        assert!(jobs.is_sorted_by(|left, right| left.order < right.order), "jobs are in order");
        assert_eq!(jobs.len(), self.total.count as usize);
        jobs
    }

    fn collect(&self, node: u32, height: u32, jobs: &mut Vec<Entry>, nodes: &mut usize) {
        *nodes += 1;
        for entry in self.node(node).entries() {
            if height == 0 {
                jobs.push(*entry);
                continue;
            }
            let below = self.node(entry.child);
            assert!(!below.entries().is_empty(), "no node is empty");
            assert_bound(entry, &below.summary(entry.child));
            self.collect(entry.child, height - 1, jobs, nodes);
        }
    }
}

/// Checks that an entry is on the safe side of what its subtree says.
fn assert_bound(entry: &Entry, summary: &Entry) {
    assert!(entry.latest_ns <= summary.latest_ns, "{entry:?} is too late for {summary:?}");
    assert!(entry.soonest_ns <= summary.soonest_ns, "{entry:?} is too late for {summary:?}");
    let Entry { latest_ns, soonest_ns, .. } = *entry;
    assert_eq!(Entry { latest_ns, soonest_ns, ..*summary }, *entry, "a subtree's summary");
}
