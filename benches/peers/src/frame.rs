//! Contenders take turns, in an order that is drawn anew each time, and must all see the same.

use std::sync::LazyLock;

use cpu_time::ThreadTime;

use crate::quantiles::quantiles;
use crate::workload::random::Random;
use crate::workload::scheduler::drawn;

/// What a turn costs, in the case's unit, and a checksum of what it saw.
pub(crate) struct Turn {
    pub(crate) cost: f64,
    pub(crate) checksum: u64,
}

/// Which of the turns' costs count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    /// The median, with quartiles.
    Median,
    /// The last: a turn's cost covers those before it already.
    Last,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Bytes,
    Jobs,
}

/// One structure that does one workload whenever it is its turn.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) ours: bool,
    pub(crate) turn: Box<dyn FnMut() -> Turn>,
}

/// One workload at one size, with all that compete in it.
pub(crate) struct Case {
    pub(crate) workload: String,
    pub(crate) size: usize,
    pub(crate) unit: Unit,
    pub(crate) summary: Summary,
    pub(crate) contenders: Vec<Contender>,
}

/// A case's costs.
pub(crate) struct Measured {
    pub(crate) workload: String,
    pub(crate) size: usize,
    pub(crate) unit: Unit,
    pub(crate) costs: Vec<Cost>,
}

pub(crate) struct Cost {
    pub(crate) name: String,
    pub(crate) ours: bool,
    pub(crate) median: f64,
    pub(crate) quartiles: [f64; 2],
}

impl Case {
    /// Lets the contenders take their turns.
    ///
    /// # Panics
    ///
    /// If two contenders see different things: then they did different work.
    pub(crate) fn measure(mut self, repeats: usize) -> Measured {
        eprintln!("{}, n = {}", self.workload, self.size);
        let count = self.contenders.len();
        let mut costs = vec![Vec::with_capacity(repeats); count];
        for repeat in 0..repeats {
            let mut expected = None;
            for index in shuffled(count, repeat) {
                let contender = &mut self.contenders[index];
                let turn = (contender.turn)();
                let agreed = *expected.get_or_insert(turn.checksum);
                assert_eq!(turn.checksum, agreed, "{} sees something else", contender.name);
                costs[index].push(turn.cost);
            }
        }
        let costs = self
            .contenders
            .iter()
            .zip(costs)
            .map(|(contender, costs)| self.summary.of(contender, costs))
            .collect();
        Measured { workload: self.workload, size: self.size, unit: self.unit, costs }
    }
}

impl Summary {
    fn of(self, contender: &Contender, mut costs: Vec<f64>) -> Cost {
        if self == Self::Last {
            costs.drain(..costs.len() - 1);
        }
        let [lower, median, upper] =
            quantiles(costs, [0.25, 0.5, 0.75]).expect("everybody takes a turn");
        let quartiles = [lower, upper];
        Cost { name: contender.name.to_owned(), ours: contender.ours, median, quartiles }
    }
}

/// The places of so many contenders in one of the repeats.
///
/// Two repeats share a random order, forwards and backwards: nobody profits from following the
/// same neighbour in every repeat.
pub(crate) fn shuffled(count: usize, repeat: usize) -> Vec<usize> {
    let mut order = drawn(count, count, &mut Random::new(repeat as u64 / 2));
    if repeat % 2 == 1 {
        order.reverse();
    }
    order.into_iter().map(|place| place as usize).collect()
}

/// Runs a piece of work; its cost is the CPU time of this thread divided by `count`.
pub(crate) fn timed(count: usize, work: impl FnOnce() -> u64) -> Turn {
    let (elapsed_ns, checksum) = cpu_ns(work);
    Turn { cost: elapsed_ns as f64 / count as f64, checksum }
}

/// The CPU time of this thread for a piece of work, and what it returns. What it costs to read
/// the clock is left out: next to a thousand cheap operations it would show.
pub(crate) fn cpu_ns<R>(work: impl FnOnce() -> R) -> (u64, R) {
    static CLOCK_NS: LazyLock<u64> = LazyLock::new(|| {
        let readings = (0..1_000).map(|_| ThreadTime::now().elapsed().as_nanos() as u64);
        readings.min().unwrap_or(0)
    });
    let clock_ns = *CLOCK_NS;
    let start = ThreadTime::now();
    let result = work();
    let elapsed_ns = start.elapsed().as_nanos() as u64;
    (elapsed_ns.saturating_sub(clock_ns), result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who comes behind whom in a repeat.
    fn neighbours(count: usize, repeat: usize) -> Vec<(usize, usize)> {
        let order = shuffled(count, repeat);
        order.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    #[test]
    fn nobody_has_the_same_neighbour_in_every_repeat() {
        for count in 2..=25 {
            let (forwards, backwards) = (neighbours(count, 0), neighbours(count, 1));
            assert_eq!(forwards.len(), count - 1);
            assert!(forwards.iter().all(|pair| !backwards.contains(pair)), "{forwards:?}");
        }
        assert_ne!(neighbours(8, 0), neighbours(8, 2), "the order is drawn anew");
    }
}
