//! What loads bring home, and what is written beside them.

use punctual::cache::{Answer, Removal, Saved};

use super::ops::Brings;
use super::oracle::{
    BackOff, Expected, Fault, Landing, Leave, NEVER, Oracle, Span, Stored, Waiting, nanos,
};
use super::world::End;

impl Oracle {
    fn is_current(&self, landing: &Landing) -> bool {
        let entry = &self.entries[usize::from(landing.key)];
        entry.life == landing.life && entry.written < landing.sequence
    }

    pub(super) fn is_of_flight(&self, landing: &Landing) -> bool {
        let entry = &self.entries[usize::from(landing.key)];
        entry.life == landing.life && entry.flight == Some(landing.flight) && entry.is_loading
    }

    /// A load ends: one key after the other.
    pub(super) fn ends(&mut self, load: usize, end: End) {
        let made = self.loads[load].began.unwrap_or(self.now);
        for place in 0..self.loads[load].landings.len() {
            let landing = &mut self.loads[load].landings[place];
            landing.occupies = false;
            let landing = *landing;
            self.land(&landing, (load, end), made);
            self.pump();
        }
    }

    fn land(&mut self, landing: &Landing, (load, end): (usize, End), made: u64) {
        let brings = match end {
            End::Brings(brings) => brings,
            End::Dropped => {
                self.counts.dropped += 1;
                return self.missed(landing, Fault::Dropped);
            }
        };
        // One error stands for all keys of a load.
        let first = self.loads[load].landings[0].version;
        let fault = match brings {
            Brings::Error => Fault::Failed(first),
            Brings::Panic => Fault::Panicked,
            Brings::Value(_) | Brings::Absent(_) | Brings::Unchanged => {
                return self.loaded(landing, brings, made);
            }
        };
        self.counts.failed += 1;
        self.missed(landing, fault);
    }

    fn loaded(&mut self, landing: &Landing, brings: Brings, made: u64) {
        let key = landing.key;
        self.counts.loaded += 1;
        let mut outcome = match brings {
            Brings::Value(_) => Expected::Answer(Answer::Fresh(landing.version)),
            Brings::Absent(_) => Expected::Answer(Answer::Absent),
            _ => Expected::Failed(Fault::Nothing),
        };
        if !self.is_current(landing) {
            self.counts.superseded += 1;
        } else {
            let stored = self.entry(key).stored;
            let is_kept = matches!(stored, Stored::Value(_) | Stored::Absent);
            if brings == Brings::Unchanged && !is_kept {
                self.failed(key, Fault::Nothing);
            } else {
                self.store(key, brings, landing.version, made);
                let entry = self.entry(key);
                entry.written = landing.sequence;
                entry.is_expired = landing.sequence < entry.expired;
                self.adopt(key);
                outcome = match (brings, stored) {
                    (Brings::Unchanged, Stored::Value(value)) => Expected::Value(value),
                    (Brings::Unchanged, _) => Expected::Answer(Answer::Absent),
                    _ => outcome,
                };
            }
        }
        self.leave_flight(landing);
        self.land_flight(landing.flight, outcome);
        self.forget_if_idle(key);
    }

    /// A load whose entry was pushed out counts again for the plan.
    fn adopt(&mut self, key: u8) {
        let entry = *self.entry(key);
        for landing in self.loads.iter_mut().flat_map(|load| &mut load.landings) {
            let counts = entry.is_loading && entry.flight == Some(landing.flight);
            landing.is_let_go &= landing.key != key || !counts;
        }
    }

    fn leave_flight(&mut self, landing: &Landing) {
        if self.is_of_flight(landing) {
            let entry = self.entry(landing.key);
            (entry.flight, entry.is_loading) = (None, false);
        }
    }

    fn missed(&mut self, landing: &Landing, fault: Fault) {
        let mut outcome = Expected::Failed(fault);
        if self.is_of_flight(landing) {
            if fault == Fault::Dropped {
                match self.dropped(landing) {
                    Some(other) => outcome = other,
                    None => return,
                }
            } else {
                self.failed(landing.key, fault);
            }
            self.leave_flight(landing);
        }
        self.land_flight(landing.flight, outcome);
        self.forget_if_idle(landing.key);
    }

    /// A dispatcher dropped a load, which is nothing against its key: a refresh comes later, and
    /// those who have more time than the first one wait for another load. If nobody has, it is
    /// wanted once more, for who comes next.
    fn dropped(&mut self, landing: &Landing) -> Option<Expected> {
        let key = landing.key;
        let waiters = self.waiters_of(landing.flight);
        let deadlines = waiters.iter().map(|&it| self.waiters[it].deadline.unwrap_or(NEVER));
        let first = deadlines.min().or(landing.asked);
        let is_wanted = landing.is_demanded || !waiters.is_empty();
        if !is_wanted {
            let entry = self.entry(key);
            entry.drops = entry.drops.map(|drops| drops + 1);
            let drops = entry.drops;
            let pause = self.pause(drops);
            // Of an entry that was pushed out, no refresh is planned.
            if !landing.is_let_go {
                let Span(first, last) = self.entry(key).pause;
                self.entry(key).pause = Span(pause.0.max(first), pause.1.max(last));
            }
        }
        let mut next: Option<u64> = None;
        for number in waiters {
            let waiting = &mut self.waiters[number];
            let deadline = waiting.deadline.unwrap_or(NEVER);
            if first.is_some_and(|first| deadline > first) {
                next = Some(next.map_or(deadline, |next| next.min(deadline)));
            } else {
                waiting.end = Some(Expected::Failed(Fault::Dropped));
            }
        }
        if next.is_none() && (first.is_none() || !is_wanted) {
            return Some(Expected::Failed(Fault::Dropped));
        }
        let is_full = self.queue.len() >= self.settings.plan.demand_bound as usize;
        let until = self.entry(key).back_off.map_or(0, |back_off| back_off.until.0);
        if is_full {
            return Some(Expected::Full);
        }
        if self.now < until {
            return Some(Expected::Failed(Fault::Dropped));
        }
        self.entry(key).is_loading = false;
        self.queue_again(key, next.filter(|&next| next < NEVER));
        None
    }

    /// Who comes from now on doesn't wait for what is under way.
    fn let_go(&mut self, key: u8) -> Option<usize> {
        let entry = self.entry(key);
        if !core::mem::take(&mut entry.is_loading) {
            return None;
        }
        entry.flight.take()
    }

    /// What is under way for the key is not its any more.
    fn supersede(&mut self, key: u8) -> Option<usize> {
        let sequence = self.next_sequence();
        self.entry(key).written = sequence;
        self.let_go(key)
    }

    pub(super) fn put(&mut self, key: u8, brings: Brings, version: u32) {
        let mut flight = self.supersede(key);
        if flight.is_none() {
            // One that has not begun is not needed any more.
            flight = self.entry(key).flight.take();
            self.queue.retain(|queued| queued.key != key);
        }
        self.store(key, brings, version, self.now);
        if let Some(flight) = flight {
            let outcome = match brings {
                Brings::Value(_) => Expected::Value(version),
                _ => Expected::Answer(Answer::Absent),
            };
            self.land_flight(flight, outcome);
        }
        self.pump();
    }

    pub(super) fn invalidate(&mut self, key: u8) -> bool {
        let was_there = !self.peek(key).is_missing();
        self.supersede(key);
        let entry = self.entry(key);
        let stored = core::mem::replace(&mut entry.stored, Stored::Nothing);
        if was_there {
            if entry.is_wanted {
                entry.stored = Stored::Gone;
            }
            if let Stored::Value(value) = stored {
                self.leaves.push(Leave { key, value, why: Removal::Invalidated });
            }
        }
        self.forget_if_idle(key);
        self.pump();
        was_there
    }

    pub(super) fn expire(&mut self, key: u8) -> bool {
        let was_there = !self.peek(key).is_missing();
        let sequence = self.next_sequence();
        self.entry(key).expired = sequence;
        self.let_go(key);
        if was_there {
            self.entry(key).is_expired = true;
        }
        self.forget_if_idle(key);
        self.pump();
        was_there
    }

    pub(super) fn clear(&mut self) {
        for key in 0..super::KEYS as u8 {
            let entry = self.entry(key);
            let stored = core::mem::replace(&mut entry.stored, Stored::Nothing);
            (entry.failures, entry.fault, entry.back_off) = ([0; 2], None, None);
            if core::mem::take(&mut entry.is_loading) {
                entry.flight = None;
            }
            // Loads that are under way find nothing to write to.
            entry.life += 1;
            (entry.written, entry.expired) = (0, 0);
            (entry.drops, entry.idle) = ([0; 2], 0);
            (entry.is_wanted, entry.is_hit, entry.pause) = (false, false, Span::at(0));
            if let Stored::Value(value) = stored {
                self.leaves.push(Leave { key, value, why: Removal::Cleared });
            }
            self.forget_if_idle(key);
        }
        self.want_again(|_| true);
        self.pump();
    }

    /// Whether clearing would leave it to the cache which load goes first.
    pub(super) fn is_clear_ambiguous(&self) -> bool {
        self.queue.len() > 1
    }

    /// An entry that must be in a snapshot.
    pub(super) fn saved(&self, key: u8) -> Option<(Option<u32>, [u64; 3])> {
        let entry = &self.entries[usize::from(key)];
        let value = match self.peek(key) {
            Answer::Missing => return None,
            answer => answer.value(),
        };
        let soft = if self.is_fresh(key) { entry.soft.0.saturating_sub(self.now) } else { 0 };
        Some((value, [self.now - entry.made, soft, entry.hard.0 - self.now]))
    }

    /// Takes in what was saved; says whether it did.
    pub(super) fn restore(&mut self, saved: &Saved<u8, u32>, away: u64) -> bool {
        let hard = nanos(saved.hard).saturating_sub(away);
        let entry = self.entry(saved.key);
        if hard == 0 || entry.stored != Stored::Nothing || entry.flight.is_some() {
            return false;
        }
        let soft = nanos(saved.soft).saturating_sub(away).min(hard);
        let lifetime = [soft, hard].map(|ttl| Span::at(self.end_of(ttl)));
        let stored = saved.value.map_or(Stored::Absent, Stored::Value);
        let made = self.now.saturating_sub(nanos(saved.age).saturating_add(away));
        self.write(saved.key, stored, (lifetime[0], lifetime[1]), made);
        self.pump();
        true
    }

    /// The cache is gone: who waits is told.
    pub(super) fn close(&mut self) {
        for number in 0..self.waiters.len() {
            if self.expected(number).is_none() {
                self.waiters[number].end = Some(Expected::Closed);
            }
        }
    }

    /// What who waits for one flight must have announced to its dispatcher.
    pub(super) fn first_deadline(&self, flight: usize) -> Option<u64> {
        let waiters = self.waiters_of(flight);
        waiters.iter().filter_map(|&it| self.waiters[it].deadline).min()
    }

    /// A back-off was seen: it ends then.
    pub(super) fn learn_back_off(&mut self, key: u8, until: u64) {
        let back_off = BackOff { until: Span::at(until), is_certain: true };
        self.entry(key).back_off = Some(back_off);
    }

    /// A back-off was not seen: it is over, or forgotten.
    pub(super) fn drop_back_off(&mut self, key: u8) {
        self.entry(key).back_off = None;
    }

    pub(super) fn leave_waiter(&mut self, waiter: usize) {
        let Waiting { is_here, .. } = &mut self.waiters[waiter];
        *is_here = false;
    }
}
