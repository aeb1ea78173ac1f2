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
        match job.place {
            Place::Forced => 0,
            _ if job.is_started => 0,
            _ => self.key_if(job, job.is_protected),
        }
    }

    fn key_if(&self, job: &Entry, is_protected: bool) -> u64 {
        let worth = u64::from(job.value) * u64::from(self.class_of(job).weight);
        let cost = job.cost.min((1 << 42) - 1) << 20;
        let badness = match cost.checked_div(worth) {
            Some(ratio) => ratio.min((1 << 62) - 2) + 1,
            None => (1 << 62) - 1,
        };
        if is_protected { badness } else { badness + UNPROTECTED }
    }

    /// The rank of the first job from a rank on that would not start in time.
    ///
    /// Two bounds on when it starts hold at once: no worker is idle before its turn, and the
    /// first ones find a worker each.
    pub(super) fn first_late(&self, index: &[usize], from: usize) -> Option<usize> {
        let (begin, before, starts) = (self.begin(index), self.before(index), self.starts());
        let is_late = |rank: usize, at: u64| {
            begin.saturating_add(before[rank]) >= at
                && starts.get(rank).is_none_or(|&start| start >= at)
        };
        (from..index.len())
            .find(|&rank| self.index_latest_start(index[rank]).is_some_and(|at| is_late(rank, at)))
    }

    fn forecast(&self, index: &[usize], rank: usize, violated: usize) -> Forecast {
        let time = |ns: Option<u64>| Time::from_nanos(ns.unwrap_or(u64::MAX));
        let in_turn = self.begin(index).saturating_add(self.before(index)[rank]);
        let start = self.starts().get(rank).map_or(in_turn, |&start| start.min(in_turn));
        Forecast {
            latest_start: time(self.index_latest_start(index[rank])),
            start: time(Some(start)),
            finish: time(Some(self.jobs[index[rank]].finish(start))),
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
                *work.entry(tenant).or_default() += u128::from(job.left());
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
        while let Some(late) = self.first_late(&index, 0) {
            let violated = index[late];
            let soonest = self.starts()[0];
            let is_in_vain = self.index_latest_start(violated).is_some_and(|at| at <= soonest);
            let chosen = if is_in_vain { Some((late, false)) } else { self.choose(&index, late) };
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
        let job = &self.jobs[id];
        if !is_asked || job.place != Place::Ready || job.is_protected || job.is_started {
            return Ok(());
        }
        let index = self.index();
        let rank = index.iter().position(|&other| other == id).expect("it is ready");
        match self.first_late(&index, rank) {
            Some(late) => Err(self.forecast(&index, rank, index[late])),
            None => Ok(()),
        }
    }

    /// Whether nothing but need evicts a job that enters the index now: it is a probe, or its
    /// class's reservation can serve it in time.
    fn deserves_protection(&mut self, job: &Entry) -> bool {
        let booked = self.those(|other| {
            other.class == job.class && other.place == Place::Ready && other.is_protected
        });
        let booked = booked.into_iter().map(|other| &self.jobs[other]);
        // Probes use no bucket, unless they ran under a reservation.
        let booked = booked.filter(|other| !other.is_probe || other.is_started);
        let work = booked.map(|other| i128::from(other.left()));
        let needed = work.sum::<i128>() + i128::from(job.cost);
        let latest_start = self.latest_start(job).unwrap_or(u64::MAX);
        let is_served = match &mut self.classes[job.class].credit {
            Some(credit) => {
                credit.refill(self.now);
                needed <= credit.until(latest_start)
            }
            None => false,
        };
        is_served || job.is_probe
    }

    /// A job enters the index. What was started goes on as it began.
    pub(super) fn enter(&mut self, id: usize) {
        self.jobs[id].is_protected = false;
        if self.jobs[id].is_started {
            self.jobs[id].is_protected = self.jobs[id].is_charged;
            return;
        }
        let job = self.jobs[id];
        self.jobs[id].is_protected = self.deserves_protection(&job);
    }

    /// With a full queue: the job that leaves for this one, which is not in the list.
    pub(super) fn gives_way(&mut self, in_hand: &Entry) -> Option<usize> {
        let of_tenant = self.tenant_gives_way(in_hand);
        of_tenant.or_else(|| {
            if self.class_room(in_hand.class) <= 0 {
                return None;
            }
            let is_protected = self.deserves_protection(in_hand);
            let index = self.index();
            let worst = index[self.worst(&index, |_| true)?];
            let is_worse = self.key(&self.jobs[worst]) > self.key_if(in_hand, is_protected);
            is_worse.then_some(worst)
        })
    }

    /// The worst job of the tenant with the most work, if that has more than its share.
    fn tenant_gives_way(&self, in_hand: &Entry) -> Option<usize> {
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
        let worst = index[self.worst(&index, of_most)?];
        if self.jobs[worst].is_protected {
            return None;
        }
        let own = work.get(&tenant).copied().unwrap_or(0) + u128::from(in_hand.cost);
        (own <= most_work - u128::from(self.jobs[worst].cost)).then_some(worst)
    }
}
