//! Which cached functions depend on which, and what that does to their latency.

use core::time::Duration;
use std::collections::HashMap;

use super::error::CycleError;
use super::loader::BoxFuture;
use crate::scheduler::Budget;
use crate::sync::{Arc, Mutex, OnceLock, Ordering, SharedU64};
use crate::time::saturating_nanos;

/// Brings what a key depends on, if that is not fresh.
pub(super) type Upstream<K> = Arc<dyn Fn(&K, Budget) -> Option<BoxFuture<()>> + Send + Sync>;

/// A cached function among those that it depends on.
pub(super) struct Node {
    own_ns: SharedU64,
    /// The most that one of those takes on which this one depends, as it was known last.
    upstream_ns: SharedU64,
    upstream: Mutex<Vec<Arc<Self>>>,
}

/// Two declarations that would close a cycle together must not overlook each other.
static DECLARATIONS: OnceLock<Mutex<()>> = OnceLock::new();

impl Node {
    pub(super) fn new(own: Duration) -> Self {
        Self {
            own_ns: SharedU64::new(saturating_nanos(own)),
            upstream_ns: SharedU64::new(0),
            upstream: Mutex::new(Vec::new()),
        }
    }

    /// How long a load of this one takes by itself.
    pub(super) fn set_latency(&self, own: Duration) {
        self.own_ns.store(saturating_nanos(own), Ordering::Relaxed);
        let upstream = self.upstream_total(&mut HashMap::new());
        self.upstream_ns.store(upstream, Ordering::Relaxed);
    }

    /// The most that one of those takes on which this one depends, as it was when this one's last
    /// load came home.
    pub(super) fn upstream_latency(&self) -> Duration {
        Duration::from_nanos(self.upstream_ns.load(Ordering::Relaxed))
    }

    /// Its own latency and the maximum of its dependencies', recursively. O(dependencies).
    pub(super) fn total_latency(&self) -> Duration {
        let own_ns = self.own_ns.load(Ordering::Relaxed);
        Duration::from_nanos(own_ns.saturating_add(self.upstream_total(&mut HashMap::new())))
    }

    fn upstream_total(&self, known: &mut HashMap<*const Self, u64>) -> u64 {
        let upstream = self.upstream.lock().clone();
        let totals = upstream.iter().map(|node| {
            let at = Arc::as_ptr(node);
            if let Some(&total) = known.get(&at) {
                return total;
            }
            let own_ns = node.own_ns.load(Ordering::Relaxed);
            let total = own_ns.saturating_add(node.upstream_total(known));
            known.insert(at, total);
            total
        });
        totals.max().unwrap_or(0)
    }

    /// Declares that `self` depends on the other.
    pub(super) fn depend_on(self: &Arc<Self>, other: &Arc<Self>) -> Result<(), CycleError> {
        let _alone = DECLARATIONS.get_or_init(|| Mutex::new(())).lock();
        if other.reaches(self) {
            return Err(CycleError);
        }
        let mut upstream = self.upstream.lock();
        if !upstream.iter().any(|node| Arc::ptr_eq(node, other)) {
            upstream.push(other.clone());
        }
        drop(upstream);
        let total = self.upstream_total(&mut HashMap::new());
        self.upstream_ns.store(total, Ordering::Relaxed);
        Ok(())
    }

    /// Whether it is the target, or depends on it. Each node is looked at once.
    fn reaches(self: &Arc<Self>, target: &Arc<Self>) -> bool {
        let mut seen = vec![self.clone()];
        let mut next = 0;
        while let Some(node) = seen.get(next).cloned() {
            if Arc::ptr_eq(&node, target) {
                return true;
            }
            next += 1;
            for upstream in node.upstream.lock().iter() {
                if !seen.iter().any(|it| Arc::ptr_eq(it, upstream)) {
                    seen.push(upstream.clone());
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(ms: u64) -> Arc<Node> {
        Arc::new(Node::new(Duration::from_millis(ms)))
    }

    #[test]
    fn latencies_add_up_along_the_longest_way() {
        let [page, prices, rates, stock] = [5, 20, 100, 90].map(node);
        page.depend_on(&prices).expect("no cycle");
        page.depend_on(&stock).expect("no cycle");
        prices.depend_on(&rates).expect("no cycle");
        assert_eq!(page.total_latency(), Duration::from_millis(125));
        page.set_latency(Duration::from_millis(5));
        assert_eq!(page.upstream_latency(), Duration::from_millis(120));
        stock.set_latency(Duration::from_millis(300));
        assert_eq!(page.total_latency(), Duration::from_millis(305));
    }

    #[test]
    fn cycles_are_refused_when_they_are_declared() {
        let [a, b, c] = [1, 1, 1].map(node);
        a.depend_on(&b).expect("no cycle");
        b.depend_on(&c).expect("no cycle");
        assert_eq!(c.depend_on(&a), Err(CycleError));
        assert_eq!(a.depend_on(&a), Err(CycleError));
        a.depend_on(&c).expect("no cycle");
        a.depend_on(&c).expect("twice is as good as once");
        assert_eq!(a.upstream.lock().len(), 2);
    }

    #[test]
    fn many_ways_to_the_same_node_are_gone_once() {
        let nodes: Vec<_> = (0..60).map(|_| node(1)).collect();
        for pair in nodes.windows(3) {
            pair[0].depend_on(&pair[1]).expect("no cycle");
            pair[0].depend_on(&pair[2]).expect("no cycle");
        }
        assert_eq!(nodes[0].total_latency(), Duration::from_millis(59));
    }
}
