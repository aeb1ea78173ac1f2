//! Which of several queues.

use crate::time::Time;

/// choose
pub fn choose(own: usize, heads: impl IntoIterator<Item = Option<Time>>) -> Option<usize> {
    let heads = heads.into_iter().enumerate();
    let heads = heads.filter_map(|(at, head)| head.map(|head| (head, at != own, at)));
    heads.min().map(|(_, _, at)| at)
}
