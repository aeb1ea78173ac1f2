//! Doubly linked lists of ids, one for each slot and one for what is due.
//!
//! Links are `u32` indices into one table of nodes, so that an id leaves its list in O(1)
//! without a pointer.

use alloc::vec::Vec;

use super::levels::{LEVELS, SLOTS};

/// Names a list: the slots of all levels, and [`DUE`].
pub(super) type List = u16;

/// The list of timers whose tick has come.
pub(super) const DUE: List = (LEVELS * SLOTS) as List;

/// The list of nodes that are in none.
const FREE: List = DUE + 1;

/// No neighbour. Ids are below `u32::MAX`, so it is no node's index.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    tick: u64,
    previous: u32,
    next: u32,
    list: List,
}

const FREE_NODE: Node = Node { tick: 0, previous: NONE, next: NONE, list: FREE };

/// All lists with their nodes; each is kept in the order of insertion.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    nodes: Vec<Node>,
    heads: [u32; DUE as usize + 1],
    tails: [u32; DUE as usize + 1],
}

impl Lists {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), heads: [NONE; DUE as usize + 1], tails: [NONE; DUE as usize + 1] }
    }

    /// Makes room for `id`, which is in no list at first.
    pub(super) fn cover(&mut self, id: u32) {
        if id as usize >= self.nodes.len() {
            self.nodes.resize(id as usize + 1, FREE_NODE);
        }
    }

    /// The list and the tick of an id that is in one.
    pub(super) fn find(&self, id: u32) -> Option<(List, u64)> {
        let node = self.nodes.get(id as usize)?;
        (node.list != FREE).then_some((node.list, node.tick))
    }

    pub(super) fn is_empty(&self, list: List) -> bool {
        self.heads[list as usize] == NONE
    }

    pub(super) fn first(&self, list: List) -> Option<u32> {
        let head = self.heads[list as usize];
        (head != NONE).then_some(head)
    }

    /// Empties a list whose nodes go to other lists one by one, and returns its head.
    pub(super) fn detach(&mut self, list: List) -> u32 {
        self.tails[list as usize] = NONE;
        core::mem::replace(&mut self.heads[list as usize], NONE)
    }

    /// The id at the head of a detached list, its tick, and the head of the rest, which must be
    /// read before the id is pushed elsewhere.
    pub(super) fn detached(&self, head: u32) -> Option<(u32, u64, u32)> {
        let node = self.nodes.get(head as usize)?;
        Some((head, node.tick, node.next))
    }

    /// Appends an id that is covered and in no list, or the head of a detached one.
    pub(super) fn push(&mut self, list: List, id: u32, tick: u64) {
        let previous = self.tails[list as usize];
        self.nodes[id as usize] = Node { tick, previous, next: NONE, list };
        if previous == NONE {
            self.heads[list as usize] = id;
        } else {
            self.nodes[previous as usize].next = id;
        }
        self.tails[list as usize] = id;
    }

    /// Takes an id out of the list that it is in.
    pub(super) fn unlink(&mut self, id: u32) {
        let Node { previous, next, list, .. } = self.nodes[id as usize];
        debug_assert!(list != FREE);
        if previous == NONE {
            self.heads[list as usize] = next;
        } else {
            self.nodes[previous as usize].next = next;
        }
        if next == NONE {
            self.tails[list as usize] = previous;
        } else {
            self.nodes[next as usize].previous = previous;
        }
        self.nodes[id as usize] = FREE_NODE;
    }

    /// The smallest tick in a list. O(its length).
    pub(super) fn smallest_tick(&self, list: List) -> Option<u64> {
        self.iter(list).map(|(_, tick)| tick).min()
    }

    /// The ids of a list with their ticks.
    pub(super) fn iter(&self, list: List) -> impl Iterator<Item = (u32, u64)> {
        let mut at = self.heads[list as usize];
        core::iter::from_fn(move || {
            let node = self.nodes.get(at as usize)?;
            let found = (at, node.tick);
            at = node.next;
            Some(found)
        })
    }

    /// Panics if a link or a node's list is wrong. O(covered ids); returns how many are linked.
    pub(super) fn assert_invariants(&self) -> usize {
        let mut linked = 0;
        for list in 0..=DUE {
            let mut previous = NONE;
            for (id, _) in self.iter(list) {
                let node = &self.nodes[id as usize];
                assert_eq!((node.list, node.previous), (list, previous), "the links of id {id}");
                previous = id;
                linked += 1;
            }
            assert_eq!(self.tails[list as usize], previous, "the tail of list {list}");
        }
        let in_lists = self.nodes.iter().filter(|node| node.list != FREE).count();
        assert_eq!(linked, in_lists, "every node is in the list that it names");
        linked
    }
}
