//! The workloads of the heaps.

use std::rc::Rc;

use crate::contenders;
use crate::dijkstra::{Graph, shortest, shortest_lazily};
use crate::frame::{Case, Contender, Measured, Summary, Turn, Unit, timed, weighed};
use crate::options::Scale;
use crate::workload::heap::{Addressable, Between, Hold, Queue, fill_and_drain};

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
    Dijkstra(Rc<Graph>),
    Bytes,
}

const EDGES_A_NODE: usize = 8;

pub(crate) fn measure(scale: Scale) -> Vec<Measured> {
    let mut measured = Vec::new();
    let works = [
        ("fill, drain", Work::FillDrain),
        ("hold", Work::Hold(Between::Hold)),
        ("hold, decrease 1", Work::Hold(Between::Relax(1))),
        ("hold, decrease 4", Work::Hold(Between::Relax(4))),
        ("hold, remove, push", Work::Hold(Between::Replace)),
        ("bytes an element", Work::Bytes),
    ];
    for (name, work) in works {
        for &size in scale.sizes {
            measured.push(measure_one(name, work.clone(), size, scale));
        }
    }
    let graph = Rc::new(Graph::random(scale.graph_nodes, EDGES_A_NODE));
    measured.push(measure_one("Dijkstra, a node", Work::Dijkstra(graph), scale.graph_nodes, scale));
    measured
}

fn measure_one(name: &str, work: Work, size: usize, scale: Scale) -> Measured {
    let unit = if matches!(work, Work::Bytes) { Unit::Bytes } else { Unit::Nanoseconds };
    let heaps = Heaps { work, size, cycles: scale.cycles.max(size / 2) };
    let mut case = Case {
        workload: name.to_owned(),
        size,
        unit,
        summary: Summary::Median,
        contenders: Vec::new(),
    };
    contenders::heaps(&heaps, &mut case);
    case.measure(scale.repeats)
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

    /// A queue without decrease-key can still find shortest paths, if it keeps ids.
    pub(crate) fn lazy_search<Q: Queue + 'static>(&self, case: &mut Case) {
        if let Work::Dijkstra(graph) = &self.work {
            let (graph, size) = (Rc::clone(graph), self.size);
            let turn: Run = Box::new(move || timed(size, || shortest_lazily::<Q>(&graph)));
            case.contenders.push(Contender { name: Q::NAME, ours: false, turn });
        }
    }

    fn plain<Q: Queue + 'static>(&self) -> Option<Run> {
        let (size, cycles) = (self.size, self.cycles);
        Some(match self.work {
            Work::FillDrain => Box::new(move || timed(size, || fill_and_drain::<Q>(size))),
            Work::Bytes => Box::new(move || weighed(size, || Hold::<Q>::new(size))),
            Work::Hold(Between::Hold) => {
                let mut held = Hold::<Q>::new(size);
                Box::new(move || {
                    held.run(cycles / 4);
                    timed(cycles, || held.run(cycles))
                })
            }
            Work::Hold(_) | Work::Dijkstra(_) => return None,
        })
    }

    fn addressable<Q: Addressable + 'static>(&self) -> Run {
        if let Some(plain) = self.plain::<Q>() {
            return plain;
        }
        let (size, cycles) = (self.size, self.cycles);
        match &self.work {
            Work::Dijkstra(graph) => {
                let graph = Rc::clone(graph);
                Box::new(move || timed(size, || shortest::<Q>(&graph)))
            }
            &Work::Hold(between) => {
                let mut held = Hold::<Q>::new(size);
                Box::new(move || {
                    // The others' turns have emptied the caches: that is not this one's cost.
                    held.run_with(between, cycles / 4);
                    timed(cycles, || held.run_with(between, cycles))
                })
            }
            Work::FillDrain | Work::Bytes => unreachable!("every queue does these"),
        }
    }
}
