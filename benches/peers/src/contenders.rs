//! Who competes. A new peer is a file in `peers/` and a line here.

use punctual::heap::IdHeap;
use punctual::wheel::IdWheel;

use crate::frame::Case;
use crate::heap::Heaps;
use crate::peers::dary_heap;
use crate::peers::delay_queue::TokioDelayQueue;
use crate::peers::hash_wheel::HashWheel;
use crate::peers::keyed_priority_queue::KeyedQueue;
use crate::peers::nexus::NexusWheel;
use crate::peers::orx::Orx;
use crate::peers::orx_map::OrxMap;
use crate::peers::priority_queue::HashedQueue;
#[cfg(any(target_feature = "avx2", target_arch = "aarch64"))]
use crate::peers::quickheap;
use crate::peers::rheaps::Rheaps;
use crate::scheduler::Queues;
use crate::wheel::Wheels;
use crate::workload::heap::lazy::Lazy;
use crate::workload::heap::ours::{Indexed, Stamped};
use crate::workload::heap::standard as std_heap;
use crate::workload::scheduler::ours::{All, AllLearned, Evict, EvictLearned, Feasible, Heap};
use crate::workload::scheduler::standard as std_jobs;
use crate::workload::wheel::ours::Keyed;
use crate::workload::wheel::standard as std_wheel;

/// The first of ours is the one that the tables compare with everybody else.
pub(crate) fn heaps(heaps: &Heaps, case: &mut Case) {
    heaps.ours::<IdHeap<u64, 4>>(case);
    heaps.ours::<IdHeap<u64>>(case);
    heaps.ours::<IdHeap<u64, 8>>(case);
    heaps.ours::<Stamped>(case);
    heaps.ours::<Indexed<4>>(case);
    heaps.ours::<Indexed<2>>(case);
    heaps.plain_peer::<std_heap::Bare>(case);
    heaps.plain_peer::<std_heap::Pairs>(case);
    heaps.lazy_peer::<std_heap::Pairs>(case);
    heaps.peer::<std_heap::Ordered>(case);
    heaps.plain_peer::<dary_heap::Bare>(case);
    heaps.plain_peer::<dary_heap::Pairs>(case);
    heaps.lazy_peer::<dary_heap::Pairs>(case);
    heaps.peer::<Orx<2>>(case);
    heaps.peer::<Orx<4>>(case);
    heaps.peer::<OrxMap>(case);
    heaps.peer::<HashedQueue>(case);
    heaps.peer::<KeyedQueue>(case);
    heaps.peer::<Rheaps>(case);
    #[cfg(any(target_feature = "avx2", target_arch = "aarch64"))]
    {
        heaps.plain_peer::<quickheap::Bare>(case);
        heaps.plain_peer::<quickheap::Pairs>(case);
        heaps.lazy_peer::<quickheap::Pairs>(case);
    }
}

/// Those of the heaps that can give their spare room back.
pub(crate) fn shrinking_heaps(heaps: &Heaps, case: &mut Case) {
    heaps.ours_shrunk::<IdHeap<u64, 4>>(case);
    heaps.ours_shrunk::<IdHeap<u64>>(case);
    heaps.ours_shrunk::<IdHeap<u64, 8>>(case);
    heaps.ours_shrunk::<Stamped>(case);
    heaps.ours_shrunk::<Indexed<4>>(case);
    heaps.ours_shrunk::<Indexed<2>>(case);
    heaps.peer_shrunk::<std_heap::Bare>(case);
    heaps.peer_shrunk::<std_heap::Pairs>(case);
    heaps.peer_shrunk::<Lazy<std_heap::Pairs>>(case);
    heaps.peer_shrunk::<dary_heap::Bare>(case);
    heaps.peer_shrunk::<dary_heap::Pairs>(case);
    heaps.peer_shrunk::<Lazy<dary_heap::Pairs>>(case);
    heaps.peer_shrunk::<HashedQueue>(case);
}

/// The first of ours is the one that the tables compare with everybody else.
pub(crate) fn our_wheels(wheels: &Wheels, case: &mut Case) {
    wheels.ours::<Keyed>(case);
    wheels.ours::<IdWheel>(case);
}

pub(crate) fn wheels(wheels: &Wheels, case: &mut Case) {
    our_wheels(wheels, case);
    wheels.peer::<std_wheel::Ordered>(case);
    wheels.peer::<std_wheel::Lazy>(case);
    wheels.peer::<TokioDelayQueue>(case);
    wheels.peer::<HashWheel>(case);
    wheels.peer::<NexusWheel>(case);
}

/// The first of ours is the one that the tables compare with everybody else.
pub(crate) fn schedulers(queues: &Queues, case: &mut Case) {
    queues.ours::<Evict>(case);
    queues.ours::<EvictLearned>(case);
    queues.ours::<Feasible>(case);
    queues.ours::<All>(case);
    queues.ours::<AllLearned>(case);
    queues.keyed_peer::<Heap>(true, case);
    queues.plain_peer::<std_jobs::Plain>(case);
    queues.keyed_peer::<std_jobs::Ordered>(false, case);
}
