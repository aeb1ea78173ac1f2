//! The backend's budget: tokens that no refresh goes without, and the price that makes the
//! refreshes that are worth it as many as the tokens.

use core::time::Duration;

use crate::time::Time;

/// The price is looked at after so many loads' time.
const LOADS_A_LOOK: f64 = 16.0;

const LEAST_LOOK: f64 = 0.02;
const MOST_LOOK: f64 = 10.0;

/// How far one look moves the price, in its logarithm, if loads are off by as much as the budget.
const STEP: f64 = 0.12;

/// How far one look moves it for tokens that are all saved up, or all spent.
const LEVEL_STEP: f64 = 0.06;

/// A look never moves it by more.
const MOST_STEP: f64 = 1.0;

/// The price doesn't fall below this share of the least that a refresh was worth lately: it binds
/// nobody there, and would have to come back.
const FLOOR: f64 = 0.5;

/// What is less than that is nothing.
const LEAST_PRICE: f64 = 1e-30;

/// After so long a pause, nothing is made up for.
const MOST_LOOKS: u32 = 8;

/// What loads may cost, and the price of one.
#[derive(Clone, Debug)]
pub(super) struct Market {
    /// Loads a second; none without a limit, where the price is zero.
    rate: Option<f64>,
    burst: f64,
    tokens: f64,
    refilled_at: Time,
    price: f64,
    look_at: Time,
    /// What was spent since the last look.
    spent: f64,
    /// A refresh that was worth the price had no token.
    is_short: bool,
    /// How many looks in a row it was so, or the opposite.
    streak: i32,
    /// The least that a refresh was worth, since the last look and before it.
    least: [f64; 2],
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
            is_short: false,
            streak: 0,
            least: [f64::INFINITY; 2],
        };
        market.look_at = start + market.look_length();
        market
    }

    /// What a refresh must be worth.
    pub(super) const fn price(&self) -> f64 {
        self.price
    }

    fn look_length(&self) -> Duration {
        let seconds = self.rate.map_or(MOST_LOOK, |rate| LOADS_A_LOOK / rate);
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

    /// Whether a refresh of this cost has its tokens. If not, the price is too low.
    pub(super) fn has(&mut self, now: Time, cost: f64, worth: f64) -> bool {
        self.refill(now);
        if self.rate.is_none() || self.tokens >= self.fee(cost) {
            return true;
        }
        self.is_short = true;
        if self.price <= 0.0 {
            // The first one that is turned away is as good a guess as any.
            self.price = worth;
        }
        false
    }

    /// When a refresh of this cost will have its tokens, if nobody takes them.
    pub(super) fn ready_at(&self, cost: f64) -> Time {
        let Some(rate) = self.rate else { return self.refilled_at };
        let missing = (self.fee(cost) - self.tokens).max(0.0);
        // A little later, so that rounding doesn't leave a rest.
        let wait = Duration::from_secs_f64((missing / rate).min(1e9));
        self.refilled_at + wait + Duration::from_nanos(100)
    }

    /// A refresh has started that is worth so much.
    pub(super) fn spend(&mut self, cost: f64, worth: f64) {
        let fee = self.fee(cost);
        self.tokens -= fee;
        self.spent += fee;
        self.least[0] = self.least[0].min(worth);
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
        (self.rate.is_some() && self.price > 0.0).then_some(self.look_at)
    }

    /// Moves the price, if it is time.
    pub(super) fn look(&mut self, now: Time) {
        let Some(rate) = self.rate else { return };
        for _ in 0..MOST_LOOKS {
            if now < self.look_at {
                return;
            }
            self.refill(now);
            let length = self.look_length();
            self.move_price(rate * length.as_secs_f64());
            self.look_at += length;
        }
        if self.look_at <= now {
            self.look_at = now + self.look_length();
        }
    }

    /// The budget was so many tokens.
    ///
    /// What was spent says how far the price is off; the level of the tokens says how far it was
    /// off all in all. Together they settle without swinging.
    fn move_price(&mut self, budget: f64) {
        let off = (self.spent / budget - 1.0).clamp(-1.0, 1.0);
        let level = (0.5 - self.tokens / self.burst).clamp(-1.0, 1.0) * 2.0;
        let is_short = self.is_short || self.tokens < 0.0;
        let is_idle = !is_short && self.spent == 0.0;
        self.streak = match (is_short, is_idle) {
            (true, _) => self.streak.max(0) + 1,
            (_, true) => self.streak.min(0) - 1,
            _ => 0,
        };
        // What holds for long is far from its goal.
        let haste = f64::from(self.streak.unsigned_abs().clamp(4, 32)) / 4.0;
        let off = if is_short { off.max(0.3) } else { off };
        let step = (STEP * off * haste + LEVEL_STEP * level).clamp(-MOST_STEP, MOST_STEP);
        let floor = FLOOR * self.least[0].min(self.least[1]);
        let moved = self.price * libm::exp(step);
        let moved = if moved < floor { self.price.min(floor).max(moved) } else { moved };
        self.price = if moved < LEAST_PRICE { 0.0 } else { moved.min(1.0 / LEAST_PRICE) };
        self.least = match self.spent > 0.0 {
            true => [f64::INFINITY, self.least[0].min(self.least[1] / FLOOR)],
            // Nothing is worth as much any more.
            false => self.least.map(|least| least * FLOOR),
        };
        (self.spent, self.is_short) = (0.0, false);
    }
}
