//! Who is turned away when not all can be done in time.

use std::collections::BTreeMap;

use punctual::scheduler::{Admission, Forecast, ShedReason};
use punctual::time::Time;

use super::oracle::{Entry, Oracle, Place};

/// Keys of jobs that no reservation protects begin here.
const UNPROTECTED: u64 = 1 << 62;

/// How many of the tenants that have queued more than their share are looked at.
const MOST_TENANTS: usize = 8;

/// Jobs with the reasons why they leave the index, in the order of leaving.
pub(super) type Victims = Vec<(usize, ShedReason)>;

impl Oracle {
    /// Cost per worth: who has most goes first.
    fn key(&self, job: &Entry) -> u64 {
        if matches!(job.place, Place::Forced) {
            return 0;
        }
        let worth = u64::from(job.value) * u64::from(self.class_of(job).weight);
        let cost = job.cost.min((1 << 42) - 1) << 20;
        let badness = match cost.checked_div(worth) {
            Some(ratio) => ratio.min((1 << 62) - 2) + 1,
            None => (1 << 62) - 1,
        };
        if job.is_protected { badness } else { badness + UNPROTECTED }
    }

    /// The rank of the first job from a rank on that would not start in time.
    fn first_infeasible(&self, index: &[usize], from: usize) -> Option<usize> {
        let (begin, before) = (self.begin(), self.before(index));
        let is_feasible = |rank: usize| {
            let finds_a_worker = self.config.workers > 1 && rank < self.free();
            let start = begin.saturating_add(before[rank]);
            finds_a_worker || self.index_latest_start(index[rank]).is_none_or(|at| start < at)
        };
        (from..index.len()).find(|&rank| !is_feasible(rank))
    }

    fn forecast(&self, index: &[usize], rank: usize, violated: usize) -> Forecast {
        let time = |ns: Option<u64>| Time::from_nanos(ns.unwrap_or(u64::MAX));
        Forecast {
            latest_start: time(self.index_latest_start(index[rank])),
            start: time(Some(self.begin().saturating_add(self.before(index)[rank]))),
            ahead: rank as u32,
            violated: time(self.jobs[violated].deadline),
        }
    }

    /// The rank with the largest key among those that match; the last among equals.
    fn worst(&self, index: &[usize], matches: impl Fn(&Entry) -> bool) -> Option<usize> {
        let jobs = index.iter().enumerate().map(|(rank, &id)| (rank, &self.jobs[id]));
        let candidates = jobs.filter(|(_, job)| self.key(job) > 0 && matches(job));
        candidates.max_by_key(|&(rank, job)| (self.key(job), rank)).map(|(rank, _)| rank)
    }

    /// The work of each of a class's tenants.
    fn tenants(&self, index: &[usize], class: usize) -> BTreeMap<u64, u128> {
        let mut work = BTreeMap::new();
        for job in index.iter().map(|&id| &self.jobs[id]).filter(|job| job.class == class) {
            if let Some(tenant) = job.tenant {
                *work.entry(tenant).or_default() += u128::from(job.cost);
            }
        }
        work
    }

    /// Who goes so that the job of this rank starts in time: a rank, and whether it is for its
    /// tenant's sake.
    fn choose(&self, index: &[usize], late: usize) -> Option<(usize, bool)> {
        let index_to = &index[..=late];
        let worst = self.worst(index_to, |_| true)?;
        let job = &self.jobs[index[worst]];
        let is_unprotected = self.key(job) >= UNPROTECTED;
        let work = self.tenants(index, job.class);
        let total: u128 = work.values().sum();
        let mut over: Vec<(u64, u128)> = work.iter().map(|(&id, &work)| (id, work)).collect();
        over.retain(|&(_, work_of_one)| work_of_one * work.len() as u128 > total);
        over.sort_by_key(|&(id, work)| (core::cmp::Reverse(work), id));
        let of_tenant = over.iter().take(MOST_TENANTS).find_map(|&(tenant, _)| {
            self.worst(index_to, |other| {
                let is_same_tier = (self.key(other) >= UNPROTECTED) == is_unprotected;
                other.class == job.class && other.tenant == Some(tenant) && is_same_tier
            })
        });
        Some(of_tenant.map_or((worst, false), |rank| (rank, true)))
    }

    /// The victims without whom all that remain start in time.
    pub(super) fn victims(&self) -> Victims {
        let (mut index, mut victims) = (self.index(), Vec::new());
        while let Some(late) = self.first_infeasible(&index, 0) {
            let violated = index[late];
            let is_hopeless =
                self.index_latest_start(violated).is_some_and(|at| at <= self.begin());
            let chosen = if is_hopeless { Some((late, false)) } else { self.choose(&index, late) };
            let Some((rank, is_over_share)) = chosen else { break };
            let forecast = self.forecast(&index, rank, violated);
            let reason = match is_over_share {
                true => ShedReason::OverShare(forecast),
                false => ShedReason::Evicted(forecast),
            };
            victims.push((index.remove(rank), reason));
        }
        victims
    }

    /// Whether a job that is ready may stay there; only `Feasible` asks.
    pub(super) fn admit(&self, id: usize) -> Result<(), Forecast> {
        let is_asked = self.config.admission == Admission::Feasible;
        if !is_asked || self.jobs[id].place != Place::Ready || self.jobs[id].is_protected {
            return Ok(());
        }
        let index = self.index();
        let rank = index.iter().position(|&other| other == id).expect("it is ready");
        match self.first_infeasible(&index, rank) {
            Some(late) => Err(self.forecast(&index, rank, index[late])),
            None => Ok(()),
        }
    }

    /// A job enters the index: whether its class's reservation can serve it in time.
    pub(super) fn enter(&mut self, id: usize) {
        self.jobs[id].is_protected = false;
        let job = self.jobs[id];
        let of_class = self.those(|other| other.class == job.class && other.place == Place::Ready);
        let protected = of_class.into_iter().filter(|&other| self.jobs[other].is_protected);
        let work: i128 = protected.map(|other| i128::from(self.jobs[other].cost)).sum();
        let latest_start = self.latest_start(&job).unwrap_or(u64::MAX);
        if let Some(credit) = &mut self.classes[job.class].credit {
            credit.refill(self.now);
            let needed = work + i128::from(job.cost);
            self.jobs[id].is_protected = needed <= credit.until(latest_start);
        }
    }

    /// With a full queue: the job that leaves for one of another tenant.
    ///
    /// The job in hand is not in the list.
    pub(super) fn gives_way(&self, in_hand: &Entry) -> Option<(usize, ShedReason)> {
        let index = self.index();
        let work = self.tenants(&index, in_hand.class);
        let tenant = in_hand.tenant?;
        let (&most, &most_work) =
            work.iter().max_by_key(|&(&id, &work)| (work, core::cmp::Reverse(id)))?;
        let total: u128 = work.values().sum();
        let sharing = work.len() + usize::from(!work.contains_key(&tenant));
        if most == tenant || most_work * sharing as u128 <= total {
            return None;
        }
        let of_most = |job: &Entry| job.class == in_hand.class && job.tenant == Some(most);
        let worst = self.worst(&index, of_most)?;
        let own = work.get(&tenant).copied().unwrap_or(0) + u128::from(in_hand.cost);
        if own > most_work - u128::from(self.jobs[index[worst]].cost) {
            return None;
        }
        let forecast = self.forecast(&index, worst, index[worst]);
        Some((index[worst], ShedReason::OverShare(forecast)))
    }
}
