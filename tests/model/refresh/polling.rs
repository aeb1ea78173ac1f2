//! What a poll says, searched for in plain lists.

use punctual::key::Key;
use punctual::refresh::{Next, Urgency};
use punctual::time::Time;

use super::oracle::{Load, Oracle, SHARE, until};

/// Why nothing starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    Nothing,
    Place,
    Token,
}

/// The tokens; none if there is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse {
    pub(crate) tokens: Option<f64>,
    pub(crate) burst: f64,
    /// What the planner has decided: where rounding decides, that is as good as anything.
    pub(crate) has_started: bool,
}

impl Purse {
    fn has(&self, wanted: f64) -> bool {
        let Some(tokens) = self.tokens else { return true };
        let is_close = (tokens - wanted).abs() <= 1e-6 * self.burst;
        if is_close { self.has_started } else { tokens > wanted }
    }

    fn affords(&self, cost: f64) -> bool {
        self.has(cost.min(self.burst))
    }

    /// Whether tokens that would go to waste are enough for what is nearly worth the price.
    fn spares(&self, worth: f64, price: f64) -> bool {
        let filled = (1.0 - worth / price) / (1.0 - SHARE);
        self.tokens.is_some() && filled <= 1.0 && self.has(filled.max(0.0) * self.burst)
    }
}

/// What a poll is expected to say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    Next(Next),
    /// A load, under whatever key.
    Load {
        id: u32,
        urgency: Urgency,
        until: Time,
    },
    /// The time after which something is due, if any; and why nothing is now.
    Wait(Option<Time>, Idle),
}

impl Oracle {
    /// What the next poll says, with these tokens.
    pub(crate) fn poll(&mut self, purse: &Purse) -> Expected {
        if let Some(next) = self.lapsed().or_else(|| self.expired()).or_else(|| self.raised()) {
            return Expected::Next(next);
        }
        if let Some(expected) = self.demanded() {
            return expected;
        }
        while let Some((_, id)) = self.first(|plan| plan.refresh).filter(|it| it.0 <= self.now) {
            self.plan(id);
        }
        loop {
            let rescue = self.first(|plan| plan.rescue);
            let Some(id) = rescue.map(|(_, id)| id).or_else(|| self.best()) else {
                return self.wait(Idle::Nothing);
            };
            self.plan(id);
            let entry = self.get(id).expect("it is there");
            let (plan, cost) = (entry.plan, entry.cost());
            let urgency = match (rescue, plan.worth) {
                (Some((hard, _)), _) if plan.rescue.is_some() => Urgency::Expiring { hard },
                (None, Some(_)) => Urgency::Refresh,
                _ => continue,
            };
            let terms = entry.terms.expect("it has a value");
            let is_near = urgency == Urgency::Refresh && plan.refresh.is_some();
            if is_near && !purse.spares(entry.worth(self.now, &terms), self.price) {
                return self.wait(Idle::Token);
            }
            let refreshes = self.loads.iter().filter(|load| load.is_refresh).count();
            if self.is_full() || refreshes >= self.places(urgency) {
                return self.wait(Idle::Place);
            }
            if !purse.affords(cost) {
                return self.wait(Idle::Token);
            }
            return self.start(id, urgency);
        }
    }

    /// How many refreshes there may be with one more of this urgency.
    pub(super) fn places(&self, urgency: Urgency) -> usize {
        let all = f64::from(self.config.concurrent);
        let (demands, rescues) = ((all / 4.0).ceil(), (all / 8.0).ceil());
        let places = match urgency {
            Urgency::Demanded { .. } => all,
            Urgency::Expiring { .. } => all - demands,
            Urgency::Refresh => {
                (all - demands - rescues).min(f64::from(self.config.concurrent_refreshes))
            }
        };
        places.max(1.0) as usize
    }

    /// The entry whose refresh is worth most; the first one among equals.
    fn best(&self) -> Option<u32> {
        let all = self.ids().filter_map(|(id, entry)| Some((entry.plan.worth?, id)));
        let best = all.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
        best.map(|(_, id)| id)
    }

    fn is_full(&self) -> bool {
        self.loads.len() >= self.config.concurrent as usize
    }

    /// The first entry by something of its plan.
    fn first(&self, of: impl Fn(&super::oracle::Plan) -> Option<Time>) -> Option<(Time, u32)> {
        self.ids().filter_map(|(id, entry)| Some((of(&entry.plan)?, id))).min()
    }

    fn lapsed(&mut self) -> Option<Next> {
        let lapsed = self.loads.iter().filter(|load| load.until <= self.now);
        let first = lapsed.min_by_key(|load| (load.until, load.key.slot()))?.key;
        let Load { id, key: load, .. } = self.release(first)?;
        if let Some(entry) = id.and_then(|id| self.get_mut(id)) {
            entry.load = None;
        }
        id.into_iter().for_each(|id| self.plan(id));
        Some(Next::Overdue { id, load })
    }

    fn expired(&mut self) -> Option<Next> {
        loop {
            let (_, id) = self.first(|plan| plan.look).filter(|&(at, _)| at <= self.now)?;
            let now = self.now;
            let entry = self.get_mut(id)?;
            let is_over = entry.terms.is_some_and(|terms| terms.hard <= now);
            if is_over {
                (entry.terms, entry.stale_since) = (None, None);
            }
            self.plan(id);
            if is_over {
                return Some(Next::Expired { id });
            }
        }
    }

    fn raised(&mut self) -> Option<Next> {
        let load = *(!self.raises.is_empty()).then(|| self.raises.remove(0)).as_ref()?;
        let raised = *self.load(load).expect("those that are gone aren't raised");
        let id = raised.id.expect("those that are abandoned aren't raised");
        Some(Next::Raise { id, load, deadline: until(raised.urgency)? })
    }

    fn demanded(&mut self) -> Option<Expected> {
        let first = self.demands.iter().min_by_key(|wanted| wanted.rank).copied();
        let first = first.filter(|_| !self.is_full())?;
        self.demands.retain(|wanted| wanted.id != first.id);
        Some(self.start(first.id, Urgency::Demanded { deadline: first.deadline }))
    }

    /// A load starts; the model says under which key.
    fn start(&mut self, id: u32, urgency: Urgency) -> Expected {
        Expected::Load { id, urgency, until: self.now + self.config.load_timeout }
    }

    pub(crate) fn started(&mut self, id: u32, key: Key, urgency: Urgency, until: Time) {
        let now = self.now;
        let is_refresh = !matches!(urgency, Urgency::Demanded { .. });
        let entry = self.get_mut(id).expect("it is there");
        let age = entry.terms.map(|terms| now.saturating_since(terms.stored).as_secs_f64());
        if is_refresh {
            entry.idle = if entry.is_touched { 0 } else { entry.idle + 1 };
            entry.is_touched = false;
        }
        entry.load = Some(key);
        self.loads.push(Load { key, id: Some(id), urgency, is_refresh, until, age });
        self.plan(id);
    }

    fn wait(&self, idle: Idle) -> Expected {
        let ends = self.loads.iter().map(|load| load.until);
        let looks = self.ids().filter_map(|(_, entry)| entry.plan.look);
        let refreshes = self.ids().filter_map(|(_, entry)| entry.plan.refresh);
        Expected::Wait(ends.chain(looks).chain(refreshes).min(), idle)
    }
}
