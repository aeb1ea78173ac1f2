//! Who competes. A new peer is a file in `peers/` and a line here.

use punctual::heap::IdHeap;
use punctual::wheel::IdWheel;

use crate::frame::Case;
use crate::heap::Heaps;
use crate::peers::delay_queue::TokioDelayQueue;
use crate::peers::orx::Orx;
use crate::wheel::Wheels;
use crate::workload::heap::ours::Indexed;
use crate::workload::heap::standard as std_heap;
use crate::workload::wheel::ours::Keyed;
use crate::workload::wheel::standard as std_wheel;

/// The first of ours is the one that the tables compare with everybody else.
pub(crate) fn heaps(heaps: &Heaps, case: &mut Case) {
    heaps.ours::<IdHeap<u64, 4>>(case);
    heaps.ours::<IdHeap<u64>>(case);
    heaps.ours::<Indexed<4>>(case);
    heaps.ours::<Indexed<2>>(case);
    heaps.plain_peer::<std_heap::Bare>(case);
    heaps.plain_peer::<std_heap::Pairs>(case);
    heaps.lazy_search::<std_heap::Pairs>(case);
    heaps.peer::<std_heap::Lazy>(case);
    heaps.peer::<std_heap::Ordered>(case);
    heaps.peer::<Orx<2>>(case);
    heaps.peer::<Orx<4>>(case);
}

/// The first of ours is the one that the tables compare with everybody else.
pub(crate) fn wheels(wheels: &Wheels, case: &mut Case) {
    wheels.ours::<Keyed>(case);
    wheels.ours::<IdWheel>(case);
    wheels.peer::<std_wheel::Ordered>(case);
    wheels.peer::<std_wheel::Lazy>(case);
    wheels.peer::<TokioDelayQueue>(case);
}
