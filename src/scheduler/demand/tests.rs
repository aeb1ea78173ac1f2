//! The demand index against a sorted list.

use alloc::vec::Vec;

use super::{Demand, Entry, Lookout, Order, Spot};
use crate::time::Time;

/// A generator of the 64-bit multiplicative congruential kind, good enough to choose operations.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

fn job(random: &mut Random, number: u64) -> Entry {
    let latest_ns = if random.below(20) == 0 { u64::MAX } else { random.below(3_000) };
    Entry {
        order: Order::new(Time::from_nanos(random.below(300)), number),
        work_ns: random.below(5),
        latest_ns,
        soonest_ns: latest_ns,
        worst: random.below(9),
        count: 1,
        child: number as u32,
    }
}

/// The list's answers, from end to end.
struct List(Vec<Entry>);

impl List {
    fn spots(&self) -> impl Iterator<Item = Spot> {
        let mut work_ns = 0;
        (0..).zip(&self.0).map(move |(ahead, &job)| {
            let spot = Spot { job, work_ns, ahead };
            work_ns += job.work_ns;
            spot
        })
    }

    fn first_late(&self, lookout: &Lookout, from: Option<Order>) -> Option<Spot> {
        let free = (0..lookout.idle).map(|_| lookout.now_ns).chain(lookout.ends_ns.clone());
        let free: Vec<u64> = free.collect();
        self.spots().find(|spot| {
            free.get(spot.ahead as usize).is_none_or(|&free_ns| free_ns >= spot.job.latest_ns)
                && from.is_none_or(|from| spot.job.order >= from)
                && spot.job.latest_ns < u64::MAX
                && spot.job.latest_ns.saturating_sub(spot.work_ns) <= lookout.begin_ns
        })
    }
}

fn compare(demand: &mut Demand, list: &List, random: &mut Random) {
    assert_eq!(demand.checked_jobs(), list.0);
    assert_eq!((demand.first(), demand.last()), (list.0.first(), list.0.last()));
    let dated = || list.spots().filter(|spot| spot.job.latest_ns < u64::MAX);
    if random.below(2) == 0 {
        let latest = |spot: Spot| spot.job.latest_ns.saturating_sub(spot.work_ns);
        assert_eq!(demand.latest_ns(), dated().map(latest).min().unwrap_or(u64::MAX));
        let soonest = dated().map(|spot| spot.job.latest_ns).min();
        assert_eq!(demand.soonest_ns(), soonest.unwrap_or(u64::MAX));
    }
    let now_ns = random.below(200);
    let past = list.0.iter().find(|job| job.latest_ns <= now_ns);
    assert_eq!(demand.first_past(now_ns), past.copied());
    let order = Order::new(Time::from_nanos(random.below(310)), random.below(2_000));
    let expected = list.0.iter().filter(|job| job.order <= order).max_by_key(|job| job.worst);
    assert_eq!(demand.worst_until(order), expected.copied());
    if let Some(spot) = list.spots().nth(random.below(1 + list.0.len() as u64) as usize) {
        assert_eq!(demand.find(spot.job.order), Some(spot));
    }
    assert_eq!(demand.find(Order::new(Time::from_nanos(5), u64::MAX)), None);
    let mut ends_ns: Vec<u64> = (0..random.below(4)).map(|_| random.below(900)).collect();
    ends_ns.sort_unstable();
    let (begin_ns, now_ns) = (random.below(800), random.below(100));
    let lookout = Lookout { begin_ns, now_ns, idle: random.below(4) as u32, ends_ns };
    assert_eq!(demand.first_late(&lookout, None), list.first_late(&lookout, None));
    assert_eq!(demand.first_late(&lookout, Some(order)), list.first_late(&lookout, Some(order)));
}

#[test]
fn an_index_is_a_sorted_list() {
    for seed in 0..40 {
        let (mut random, mut demand, mut list) = (Random(seed), Demand::new(), List(Vec::new()));
        // Some seeds keep few jobs, others thousands; some take the first one out most often.
        let most = [10, 40, 300, 1_500][seed as usize % 4];
        for number in 0..1_500 {
            if list.0.len() < most && random.below(5) > 1 {
                let job = job(&mut random, number);
                let at = list.0.partition_point(|it| it.order < job.order);
                list.0.insert(at, job);
                demand.insert(job);
            } else if !list.0.is_empty() {
                let len = list.0.len() as u64;
                let at = if seed % 3 == 0 { 0 } else { random.below(len) } as usize;
                let removed = list.0.remove(at);
                assert_eq!(demand.remove(removed.order), Some(removed));
                assert_eq!(demand.remove(removed.order), None);
            }
            if number % 7 == 0 {
                compare(&mut demand, &list, &mut random);
            }
        }
        while let Some(job) = list.0.pop() {
            demand.remove(job.order);
        }
        compare(&mut demand, &list, &mut random);
    }
}

#[test]
fn sums_that_are_too_large_are_not_feasible() {
    let mut demand = Demand::new();
    for number in 0..40 {
        let order = Order::new(Time::MAX, number);
        let (work_ns, latest_ns) = (u64::MAX / 3, u64::MAX - 1);
        demand.insert(Entry {
            order,
            work_ns,
            latest_ns,
            soonest_ns: latest_ns,
            worst: 1,
            ..job(&mut Random(1), 0)
        });
    }
    let late = demand.first_late(&Lookout::default(), None);
    assert_eq!(late.map(|spot| spot.ahead), Some(3));
}
