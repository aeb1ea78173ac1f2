//! The workloads of the heaps.

use std::rc::Rc;

use crate::contenders;
use crate::dijkstra::{Graph, shortest, shortest_lazily};
use crate::frame::{Case, Contender, Measured, Summary, Turn, Unit, timed};
use crate::memory::{TURNS, held, peak};
use crate::options::Scale;
use crate::shrink::Shrink;
use crate::steps::Steps;
use crate::workload::heap::lazy::{LazilyDeleting, Lazy};
use crate::workload::heap::{Addressable, Between, Hold, Queue, fill_and_drain, filled};
use crate::workload::random::{Random, mix};

/// A workload at a size, for any queue to do.
pub(crate) struct Heaps {
    work: Work,
    size: usize,
    cycles: usize,
}

#[derive(Clone)]
enum Work {
    FillDrain,
    Hold(Between),
    /// The longest pop of a hold, in wall time: what a thread is held up by.
    WorstPop,
    Dijkstra(Rc<Graph>),
    Bytes(Bytes),
}

/// Memory while a queue is filled, by pushes and without a reservation.
#[derive(Clone, Copy)]
enum Bytes {
    /// At its highest.
    Peak,
    /// Once all elements are in.
    Held,
    /// ... and once the spare room is given back, by those who can.
    Shrunk,
}

const EDGES_A_NODE: usize = 8;

const MOST_WARM_UP: usize = 50_000;

/// Elements of a queue that is drained to have a pop's code in the caches.
const WARM_UP: usize = 1_000;

pub(crate) fn measure(scale: Scale) -> Vec<Measured> {
    let works = [
        ("fill, drain", Work::FillDrain),
        ("hold", Work::Hold(Between::Hold)),
        ("hold, decrease 1", Work::Hold(Between::Relax(1))),
        ("hold, decrease 4", Work::Hold(Between::Relax(4))),
        ("hold, remove, push", Work::Hold(Between::Replace)),
        ("worst pop", Work::WorstPop),
    ];
    let mut measured = measure_all(&works, scale);
    let graph = Rc::new(Graph::random(scale.graph_nodes, EDGES_A_NODE));
    measured.push(measure_one("Dijkstra, a node", Work::Dijkstra(graph), scale.graph_nodes, scale));
    measured
}

pub(crate) fn weigh(scale: Scale) -> Vec<Measured> {
    let works = [
        ("bytes, peak", Work::Bytes(Bytes::Peak)),
        ("bytes, held", Work::Bytes(Bytes::Held)),
        ("bytes, shrunk", Work::Bytes(Bytes::Shrunk)),
    ];
    measure_all(&works, scale)
}

fn measure_all(works: &[(&str, Work)], scale: Scale) -> Vec<Measured> {
    let mut measured = Vec::new();
    for (name, work) in works {
        for &size in scale.sizes {
            measured.push(measure_one(name, work.clone(), size, scale));
        }
    }
    measured
}

fn measure_one(name: &str, work: Work, size: usize, scale: Scale) -> Measured {
    let (unit, summary, repeats) = match work {
        Work::Bytes(_) => (Unit::Bytes, Summary::Median, TURNS),
        Work::WorstPop => (Unit::Nanoseconds, Summary::Last, scale.repeats(size)),
        _ => (Unit::Nanoseconds, Summary::Median, scale.repeats(size)),
    };
    let heaps = Heaps { work, size, cycles: scale.cycles };
    let workload = name.to_owned();
    let mut case = Case { workload, size, unit, summary, contenders: Vec::new() };
    match heaps.work {
        Work::Bytes(Bytes::Shrunk) => contenders::shrinking_heaps(&heaps, &mut case),
        _ => contenders::heaps(&heaps, &mut case),
    }
    case.measure(repeats)
}

type Run = Box<dyn FnMut() -> Turn>;

impl Heaps {
    pub(crate) fn ours<Q: Addressable + 'static>(&self, case: &mut Case) {
        let turn = self.addressable::<Q>();
        case.contenders.push(Contender { name: Q::NAME, ours: true, turn });
    }

    pub(crate) fn peer<Q: Addressable + 'static>(&self, case: &mut Case) {
        let turn = self.addressable::<Q>();
        case.contenders.push(Contender { name: Q::NAME, ours: false, turn });
    }

    /// A queue without decrease-key does what it can.
    pub(crate) fn plain_peer<Q: Queue + 'static>(&self, case: &mut Case) {
        if let Some(turn) = self.plain::<Q>() {
            case.contenders.push(Contender { name: Q::NAME, ours: false, turn });
        }
    }

    /// A queue with lazy deletion. Dijkstra's algorithm has the distances to tell a stale pair.
    pub(crate) fn lazy_peer<Q: LazilyDeleting + 'static>(&self, case: &mut Case) {
        let turn: Run = match &self.work {
            Work::Dijkstra(graph) => {
                let (graph, size) = (Rc::clone(graph), self.size);
                Box::new(move || timed(size, || shortest_lazily::<Q>(&graph)))
            }
            _ => self.addressable::<Lazy<Q>>(),
        };
        case.contenders.push(Contender { name: Q::LAZY, ours: false, turn });
    }

    pub(crate) fn ours_shrunk<Q: Shrink + 'static>(&self, case: &mut Case) {
        case.contenders.push(Contender { name: Q::NAME, ours: true, turn: self.shrunk::<Q>() });
    }

    pub(crate) fn peer_shrunk<Q: Shrink + 'static>(&self, case: &mut Case) {
        case.contenders.push(Contender { name: Q::NAME, ours: false, turn: self.shrunk::<Q>() });
    }

    fn shrunk<Q: Shrink + 'static>(&self) -> Run {
        let size = self.size;
        Box::new(move || {
            held(size, || {
                let mut queue = refilled::<Q>(size);
                queue.shrink_to_fit();
                queue
            })
        })
    }

    /// Cycles that aren't timed. The others' turns have emptied the caches: that is not this one's
    /// cost, as far as its memory fits into them.
    fn warm_up(&self) -> usize {
        (self.cycles / 4).max(self.size.min(MOST_WARM_UP))
    }

    fn plain<Q: Queue + 'static>(&self) -> Option<Run> {
        let (size, cycles, warm_up) = (self.size, self.cycles, self.warm_up());
        Some(match self.work {
            Work::FillDrain => {
                // A turn of a small queue would be over before the clock ticks.
                let rounds = (cycles / size).max(1);
                Box::new(move || timed(size * rounds, || fill_and_drain_often::<Q>(size, rounds)))
            }
            Work::Hold(Between::Hold) => {
                let mut held = Hold::<Q>::new(size);
                Box::new(move || {
                    held.run(warm_up);
                    timed(cycles, || held.run(cycles))
                })
            }
            Work::WorstPop => {
                let mut pops = Steps::default();
                Box::new(move || worst_pop::<Q>(size, cycles, &mut pops))
            }
            Work::Bytes(Bytes::Peak) => Box::new(move || peak(size, || refilled::<Q>(size))),
            Work::Bytes(_) => Box::new(move || held(size, || refilled::<Q>(size))),
            Work::Hold(_) | Work::Dijkstra(_) => return None,
        })
    }

    fn addressable<Q: Addressable + 'static>(&self) -> Run {
        if let Some(plain) = self.plain::<Q>() {
            return plain;
        }
        let (size, cycles, warm_up) = (self.size, self.cycles, self.warm_up());
        match &self.work {
            Work::Dijkstra(graph) => {
                let graph = Rc::clone(graph);
                Box::new(move || timed(size, || shortest::<Q>(&graph)))
            }
            &Work::Hold(between) => {
                let mut held = Hold::<Q>::new(size);
                Box::new(move || {
                    held.run_with(between, warm_up);
                    timed(cycles, || held.run_with(between, cycles))
                })
            }
            _ => unreachable!("every queue does the rest"),
        }
    }
}

fn refilled<Q: Queue>(size: usize) -> Q {
    filled(size, &mut Random::new(size as u64))
}

fn fill_and_drain_often<Q: Queue>(size: usize, rounds: usize) -> u64 {
    (0..rounds).fold(0, |checksum, _| mix(checksum ^ fill_and_drain::<Q>(size)))
}

/// Replays a hold from the same start; the cost is that of the slowest pop.
fn worst_pop<Q: Queue>(size: usize, cycles: usize, pops: &mut Steps) -> Turn {
    // A first pop would wait for its code, and that is not the structure's doing.
    let mut checksum = fill_and_drain::<Q>(WARM_UP);
    let mut held = Hold::<Q>::new(size);
    for cycle in 0..cycles {
        let now = held.cycle_by(|queue| pops.time(cycle, || queue.pop()));
        checksum = mix(checksum ^ now);
    }
    Turn { cost: pops.worst_ns(), checksum }
}
