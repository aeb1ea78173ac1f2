//! The backend's budget: tokens and places that no refresh goes without, and the price that makes
//! the refreshes that are worth it as many as there are of what is scarcer.
//!
//! Places are scarce where loads wait for something that no limit tells of: slack beside more
//! urgent work, say. Without a price, whatever is due first would have them.

use core::time::Duration;

use super::entry::SLACK;
use crate::time::Time;

/// The price is looked at after so many loads' time.
const LOADS_A_LOOK: f64 = 16.0;

/// And after this time, if no limit says how many loads there are.
const FREE_LOOK: f64 = 0.25;

const LEAST_LOOK: f64 = 0.02;
const MOST_LOOK: f64 = 10.0;

/// How far one look moves the price, in its logarithm, if loads are off by as much as the budget.
const STEP: f64 = 0.12;

/// How far one look moves it for tokens that are all saved up, or all spent.
const LEVEL_STEP: f64 = 0.06;

/// With more entries, as many more become due by the same step: steps are as much smaller.
const FEW_ENTRIES: f64 = 400.0;

/// ... but no smaller than this share, while tokens go to waste.
const WASTE_SHARE: f64 = 0.3;

/// A first price is this share of the most that is turned away. A price that is too low for a
/// while does no harm, since the best go first; one that is too high leaves tokens unused.
const GUESS: f64 = 0.01;

/// A look never moves it by more.
const MOST_STEP: f64 = 1.0;

/// The price doesn't fall below this share of the least that a refresh was worth lately: it binds
/// nobody there, and would have to come back.
const FLOOR: f64 = 0.5;

/// The price doesn't rise above so many times the most that a refresh was worth lately: nobody
/// pays it, and it would have to come back.
const CEILING: f64 = 2.0;

/// Places that are short for so many looks have a price; a burst of other work has none.
const SHORT_LOOKS: i32 = 2;

/// After so many looks without a shortage, nothing that is not limited has a price.
const FREE_LOOKS: i32 = 16;

/// What is less than that is nothing.
const LEAST_PRICE: f64 = 1e-30;

/// After so long a pause, nothing is made up for.
const MOST_LOOKS: u32 = 8;

/// What loads may cost, and the price of one.
#[derive(Clone, Debug)]
pub(super) struct Market {
    /// Loads a second; none without a limit, where places alone can be scarce.
    rate: Option<f64>,
    burst: f64,
    tokens: f64,
    refilled_at: Time,
    price: f64,
    look_at: Time,
    /// What was spent since the last look.
    spent: f64,
    /// By how much of a step the price moves.
    share: f64,
    token: Scarcity,
    place: Scarcity,
    /// The least that a started refresh was worth, since the last look and before it.
    least: [f64; 2],
    /// The most that a refresh was worth, started or not, in the same way.
    most: [f64; 2],
}

/// How scarce something is that refreshes need.
#[derive(Clone, Debug, Default)]
struct Scarcity {
    /// A refresh that was worth the price found none.
    is_short: bool,
    /// How many looks in a row it was so, or the opposite.
    streak: i32,
}

impl Scarcity {
    /// How far the price should move, in its logarithm, if loads were off by so much of what there
    /// was, and what is left is off by so much. With more entries it moves by a smaller share.
    fn step(&mut self, off: f64, level: f64, is_idle: bool, share: f64) -> f64 {
        let is_short = core::mem::take(&mut self.is_short);
        self.streak = match (is_short, is_idle) {
            (true, _) => self.streak.max(0).saturating_add(1),
            (_, true) => self.streak.min(0).saturating_sub(1),
            _ => 0,
        };
        // What holds for long is far from its goal.
        let haste = f64::from(self.streak.unsigned_abs().clamp(4, 32)) / 4.0;
        let off = if is_short { off.max(0.3) } else { off };
        (STEP * off * haste * share + LEVEL_STEP * level * libm::sqrt(share))
            .clamp(-MOST_STEP, MOST_STEP)
    }
}

impl Market {
    pub(super) fn new(rate: Option<f64>, burst: u32, start: Time) -> Self {
        let mut market = Self {
            rate,
            burst: f64::from(burst),
            tokens: f64::from(burst),
            refilled_at: start,
            price: 0.0,
            look_at: start,
            spent: 0.0,
            share: 1.0,
            token: Scarcity::default(),
            place: Scarcity::default(),
            least: [f64::INFINITY; 2],
            most: [0.0; 2],
        };
        market.look_at = start + market.look_length();
        market
    }

    /// What a refresh must be worth.
    pub(super) const fn price(&self) -> f64 {
        self.price
    }

    fn look_length(&self) -> Duration {
        let seconds = self.rate.map_or(FREE_LOOK, |rate| LOADS_A_LOOK / rate);
        Duration::from_secs_f64(seconds.clamp(LEAST_LOOK, MOST_LOOK))
    }

    fn refill(&mut self, now: Time) {
        let Some(rate) = self.rate else { return };
        let seconds = now.saturating_since(self.refilled_at).as_secs_f64();
        self.tokens = (self.tokens + seconds * rate).min(self.burst);
        self.refilled_at = self.refilled_at.max(now);
    }

    /// What a refresh of this cost takes from the tokens: never more than can be saved up.
    fn fee(&self, cost: f64) -> f64 {
        cost.min(self.burst)
    }

    /// Whether a refresh of this cost has its tokens. If not, and if it can't wait for them, the
    /// price is too low.
    pub(super) fn has(&mut self, now: Time, cost: f64, worth: f64, presses: bool) -> bool {
        self.refill(now);
        if self.rate.is_none() || self.tokens >= self.fee(cost) {
            return true;
        }
        self.token.is_short |= presses;
        self.guess(worth, presses);
        false
    }

    /// When a refresh that is worth a little less than the price may start all the same: tokens
    /// that would go to waste make it cheaper, down to the share for which crossing times are kept.
    pub(super) fn yields_at(&mut self, now: Time, worth: f64) -> Option<Time> {
        self.refill(now);
        self.rate?;
        let filled = (1.0 - worth / self.price) / (1.0 - SLACK);
        let wanted = filled.max(0.0) * self.burst;
        let at = if self.tokens >= wanted { now } else { self.ready_at(wanted) };
        (filled <= 1.0).then_some(at)
    }

    /// A refresh is due that is worth so much.
    pub(super) const fn bid(&mut self, worth: f64) {
        self.most[0] = self.most[0].max(worth);
    }

    /// A refresh that is worth so much has no place, and perhaps can't wait for one.
    pub(super) fn crowd(&mut self, worth: f64, presses: bool) {
        self.place.is_short |= presses;
        self.guess(worth, presses && self.place.streak >= SHORT_LOOKS);
    }

    /// The first one that is turned away tells of the price, which is well below the best.
    fn guess(&mut self, worth: f64, is_scarce: bool) {
        if is_scarce && self.price <= 0.0 {
            self.price = GUESS * worth;
        }
    }

    /// When a refresh of this cost will have its tokens, if nobody takes them.
    pub(super) fn ready_at(&self, cost: f64) -> Time {
        let Some(rate) = self.rate else { return self.refilled_at };
        let missing = (self.fee(cost) - self.tokens).max(0.0);
        // A little later, so that rounding doesn't leave a rest.
        let wait = Duration::from_secs_f64((missing / rate).min(1e9));
        self.refilled_at + wait + Duration::from_nanos(100)
    }

    /// A refresh has started. What it was worth, unless it is for what would have expired: that is
    /// worth much more than the price, and says nothing of it.
    pub(super) fn spend(&mut self, cost: f64, worth: Option<f64>) {
        let fee = self.fee(cost);
        self.tokens -= fee;
        self.spent += fee;
        self.least[0] = self.least[0].min(worth.unwrap_or(f64::INFINITY));
    }

    /// A load has started that somebody wanted: it takes tokens that others have saved, down to a
    /// debt of as many as can be saved up.
    pub(super) fn borrow(&mut self, now: Time, cost: f64) {
        self.refill(now);
        let fee = self.fee(cost);
        self.tokens = (self.tokens - fee).max(-self.burst);
        self.spent += fee;
    }

    /// When the price is to be looked at; `None` if it can't change by itself.
    pub(super) fn next_look(&self) -> Option<Time> {
        (self.price > 0.0).then_some(self.look_at)
    }

    /// Moves the price, if it is time; this share of the places is taken, and there are so many
    /// entries.
    pub(super) fn look(&mut self, now: Time, taken: f64, entries: usize) {
        self.share = (FEW_ENTRIES / entries.max(1) as f64).min(1.0);
        for _ in 0..MOST_LOOKS {
            if now < self.look_at {
                return;
            }
            self.refill(now);
            let length = self.look_length();
            self.move_price(length.as_secs_f64(), taken);
            self.look_at += length;
        }
        if self.look_at <= now {
            self.look_at = now + self.look_length();
        }
    }

    /// What was spent says how far the price is off; what is left of the tokens, or of the places,
    /// says how far it was off all in all. Together they settle without swinging.
    fn move_price(&mut self, seconds: f64, taken: f64) {
        let by_places = self.place_step(taken);
        let step = self.rate.map_or(by_places, |rate| {
            let off = (self.spent / (rate * seconds) - 1.0).clamp(-1.0, 1.0);
            let level = (0.5 - self.tokens / self.burst).clamp(-1.0, 1.0) * 2.0;
            self.token.is_short |= self.tokens < 0.0;
            // Tokens that go to waste cost more than a price that falls too far.
            let is_wasteful = self.tokens >= self.burst && !self.token.is_short;
            let share = if is_wasteful { self.share.max(WASTE_SHARE) } else { self.share };
            self.token.step(off, level, self.spent == 0.0, share).max(by_places)
        });
        let floor = FLOOR * self.least[0].min(self.least[1]);
        let ceiling = CEILING * self.most[0].max(self.most[1]);
        let moved = (self.price * libm::exp(step)).min(self.price.max(ceiling));
        let is_floor = floor.is_finite() && moved < floor;
        let moved = if is_floor { self.price.min(floor).max(moved) } else { moved };
        let is_free = self.rate.is_none() && self.place.streak <= -FREE_LOOKS;
        self.price =
            if moved < LEAST_PRICE || is_free { 0.0 } else { moved.min(1.0 / LEAST_PRICE) };
        let has_spent = self.spent > 0.0;
        self.least = match has_spent {
            true => [f64::INFINITY, self.least[0].min(self.least[1] / FLOOR)],
            // Nothing is worth as much any more.
            false => self.least.map(|least| least * FLOOR),
        };
        self.most = [0.0, self.most[0].max(self.most[1] * FLOOR)];
        self.spent = 0.0;
    }

    /// How many refreshes find places is known only from those that did: where none does, there
    /// is nothing to choose.
    fn place_step(&mut self, taken: f64) -> f64 {
        let is_short = self.place.is_short;
        let level = ((taken - 0.5) * 2.0).clamp(-1.0, if is_short { 1.0 } else { 0.0 });
        let step = self.place.step(taken - 1.0, level, !is_short, 1.0);
        if is_short { step * (self.spent / LOADS_A_LOOK).min(1.0) } else { step }
    }
}
