//! Everybody is late at once: a machine that stood still, or a shell that didn't poll.

use punctual::scheduler::{Next, ShedReason};
use punctual::time::Time;

use crate::frame::cpu_ns;
use crate::workload::random::{Random, mix};
use crate::workload::scheduler::ours::{Heap, Machine, Policy};
use crate::workload::scheduler::standard::{Ordered, Plain};
use crate::workload::scheduler::{COST_NS, Jobs, budget};

/// Takes every job out, because it is late.
pub(crate) trait Storm: Jobs {
    /// Returns the next late job at a time after all deadlines.
    fn shed_one(&mut self, now_ns: u64) -> Option<u32> {
        self.run_first(now_ns)
    }
}

impl Storm for Heap {}
impl Storm for Plain {}
impl Storm for Ordered {}

impl<P: Policy> Storm for Machine<P> {
    fn shed_one(&mut self, now_ns: u64) -> Option<u32> {
        match self.scheduler.poll(Time::from_nanos(now_ns)) {
            Next::Shed(shed) => {
                assert!(matches!(shed.reason, ShedReason::LatestStart { .. }), "{shed:?}");
                Some(shed.payload as u32)
            }
            Next::Run(running) => panic!("nothing starts after its latest start: {running:?}"),
            Next::Wait(_) => None,
        }
    }
}

/// Sheds a whole queue: the CPU time of that, and a checksum that tells in which order.
pub(crate) fn sheds<J: Storm>(size: usize, random: &mut Random) -> (u64, u64) {
    let mut jobs = J::new(size);
    for id in 0..size as u32 {
        jobs.submit(0, id, budget(random, size));
    }
    // Longer than any budget.
    let now_ns = 8 * size as u64 * COST_NS;
    cpu_ns(|| {
        let (mut checksum, mut count) = (0, 0);
        while let Some(id) = jobs.shed_one(now_ns) {
            checksum = mix(checksum ^ u64::from(id));
            count += 1;
        }
        assert_eq!(count, size, "every job is told of once");
        checksum
    })
}
