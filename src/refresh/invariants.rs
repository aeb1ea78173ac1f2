//! What always holds.

use super::planner::Planner;
use super::terms::Urgency;
use crate::time::Time;

impl Planner {
    /// Panics if the planner contradicts itself. O(n); for tests.
    pub fn assert_invariants(&self) {
        self.crossings.assert_invariants();
        self.due.assert_invariants();
        self.expiring.assert_invariants();
        self.demands.assert_invariants();
        self.timers.assert_invariants();
        self.leases.assert_invariants();
        let known = self.entries.iter().flatten().count();
        assert_eq!(known, self.len, "entries are counted");
        assert!(self.loads.len() <= self.config.concurrent as usize, "loads have a bound");
        let refreshes = self.loads.iter().filter(|(_, load)| load.is_refresh).count();
        assert_eq!(refreshes, self.refreshes as usize, "refreshes are counted");
        let most = self.config.places(Urgency::Expiring { hard: Time::MAX });
        assert!(self.refreshes <= most, "refreshes have a bound");
        assert_eq!(self.leases.len(), self.loads.len(), "each load has a time-out");
        for (key, load) in self.loads.iter() {
            if let Some(id) = load.id {
                let entry = self.entry(id).expect("a load counts for an entry");
                assert_eq!(entry.load, Some(key), "id {id} and its load know each other");
            }
        }
        for (id, entry) in (0..).zip(&self.entries) {
            let Some(entry) = entry else {
                let orders = [&self.crossings, &self.expiring, &self.timers];
                let stands = orders.iter().any(|order| order.at(id).is_some())
                    || self.due.at(id).is_some()
                    || self.demands.contains(id);
                assert!(!stands, "id {id} is unknown, and stands somewhere");
                continue;
            };
            if let Some(load) = entry.load {
                let load = self.loads.get(load).expect("what is in flight has a place");
                assert_eq!(load.id, Some(id), "id {id} and its load know each other");
                assert!(!self.demands.contains(id), "id {id} is loaded, and not wanted");
            }
            let is_free = entry.load.is_none() && !self.demands.contains(id);
            let may_start = entry.terms.is_some() && is_free;
            // What is nearly due is looked at again when it is due.
            let is_refreshed = self.crossings.at(id).is_some() || self.due.at(id).is_some();
            let is_urgent = self.expiring.at(id).is_some();
            assert!(may_start || !(is_refreshed || is_urgent), "id {id} is not loaded twice");
            assert!(!(is_refreshed && is_urgent), "id {id} has one place");
            let is_mortal = entry.terms.is_some_and(|terms| terms.hard < Time::MAX);
            assert_eq!(self.timers.at(id).is_some(), is_mortal, "id {id} expires when it must");
        }
        let price = self.price();
        assert!(price.is_finite() && price >= 0.0, "the price is a number: {price}");
    }
}
