//! Times that are made anew after the price fell.

/// Walks over all ids when times are stored for too high a price.
///
/// Invariant: no time is stored for a price above `highest`, but for those of ids to which the walk
/// hasn't come yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Sweep {
    /// The highest price since the last walk began.
    highest: f64,
    /// The walk is here.
    next: Option<u32>,
}

impl Sweep {
    /// The price is this: a walk begins if it has fallen below that share of the highest.
    pub(super) fn see(&mut self, price: f64, share: f64) {
        if self.next.is_none() && price < share * self.highest {
            *self = Self { highest: price, next: Some(0) };
        }
        self.note(price);
    }

    /// A time is stored for this price.
    pub(super) const fn note(&mut self, price: f64) {
        self.highest = self.highest.max(price);
    }

    pub(super) const fn is_under_way(&self) -> bool {
        self.next.is_some()
    }

    /// The next one of so many ids.
    pub(super) fn step(&mut self, ids: u32) -> Option<u32> {
        let id = self.next?;
        self.next = id.checked_add(1).filter(|&next| next < ids);
        (id < ids).then_some(id)
    }
}
