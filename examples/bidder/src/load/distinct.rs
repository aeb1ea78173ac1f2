//! Counts of distinct strings from outside, in bounded memory.

use std::collections::BTreeMap;

use serde::Serialize;

/// The longest string kept, in bytes; a longer one is cut at a character boundary.
const MAX_KEY_BYTES: usize = 160;

/// Occurrences of the first `limit` distinct strings; later strings share one count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DistinctCounts {
    #[serde(skip)]
    limit: usize,
    counts: BTreeMap<String, u64>,
    other: u64,
}

impl DistinctCounts {
    /// Makes an empty set of counts for at most `limit` distinct strings.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, counts: BTreeMap::new(), other: 0 }
    }

    /// Counts one occurrence of `key`.
    pub(crate) fn add(&mut self, key: &str) {
        let mut end = key.len().min(MAX_KEY_BYTES);
        while !key.is_char_boundary(end) {
            end -= 1;
        }
        let key = &key[..end];
        if let Some(count) = self.counts.get_mut(key) {
            *count += 1;
        } else if self.counts.len() < self.limit {
            self.counts.insert(key.to_owned(), 1);
        } else {
            self.other += 1;
        }
    }

    /// Returns the occurrences of `key`, zero if it is unknown or shares the common count.
    #[cfg(test)]
    pub(crate) fn get(&self, key: &str) -> u64 {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// Returns the occurrences of all strings that came after the limit was reached.
    pub(crate) fn other(&self) -> u64 {
        self.other
    }

    /// Returns the occurrences of all strings.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.other
    }

    /// Returns the counted strings in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(key, count)| (key.as_str(), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_the_limit_are_kept_together() {
        let mut counts = DistinctCounts::new(2);
        for key in ["a", "b", "c", "a", "d"] {
            counts.add(key);
        }
        assert_eq!(counts.iter().collect::<Vec<_>>(), [("a", 2), ("b", 1)]);
        assert_eq!((counts.get("c"), counts.other(), counts.total()), (0, 2, 5));
    }

    #[test]
    fn a_long_key_is_cut_between_characters() {
        let mut counts = DistinctCounts::new(1);
        counts.add(&"é€".repeat(100));
        let (key, count) = counts.iter().next().unwrap();
        assert_eq!(count, 1);
        assert!((MAX_KEY_BYTES - 3..=MAX_KEY_BYTES).contains(&key.len()));
    }
}
