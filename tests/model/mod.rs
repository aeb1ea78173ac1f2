//! One naive oracle a structure, and the drivers that run it: words (from quickcheck or a
//! fuzzer) and exhaustive short sequences.
//!
//! A model holds the structure and its oracle, applies one operation to both, and panics where
//! they differ.

#![allow(dead_code, reason = "every driver uses some of the models")]

#[cfg(feature = "cache")]
pub(crate) mod cache;
pub(crate) mod distance;
pub(crate) mod id_heap;
pub(crate) mod id_wheel;
pub(crate) mod indexed_heap;
pub(crate) mod keyed_store;
pub(crate) mod periodic;
#[cfg(feature = "refresh")]
pub(crate) mod refresh;
pub(crate) mod scheduler;
pub(crate) mod timeouts;
pub(crate) mod timer_wheel;

/// A structure beside its oracle.
pub(crate) trait Model {
    /// One call of the structure's public interface.
    type Op: Copy + core::fmt::Debug;

    /// An operation from a word; every word gives one.
    fn decode(word: Word) -> Self::Op;

    /// Applies the operation to both sides and compares what they answer.
    fn apply(&mut self, op: Self::Op);

    /// Compares the whole state and checks the structure's own invariants.
    fn check(&self);
}

/// Thirty-two bits of somebody's choice.
#[derive(Clone, Copy)]
pub(crate) struct Word(pub(crate) u32);

impl Word {
    /// Takes a number below `bound` out of the word.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let taken = self.0 % bound;
        self.0 /= bound;
        taken
    }

    /// Another word that is made of the same bits.
    pub(crate) fn scrambled(self) -> Self {
        Self(self.0.wrapping_mul(2_654_435_761).rotate_left(16))
    }
}

/// Runs a model over words and checks it after every operation.
pub(crate) fn run<M: Model>(mut model: M, words: &[u32]) {
    for &word in words {
        model.apply(M::decode(Word(word)));
        model.check();
    }
}

/// Runs a model over the words that some bytes make.
pub(crate) fn run_bytes<M: Model>(model: M, bytes: &[u8]) {
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|chunk| u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]))
        .collect();
    run(model, &words);
}

/// Runs every sequence of `length` operations from an alphabet, each on a new model.
///
/// All shorter sequences are prefixes of these, so every one of them is checked at its end.
pub(crate) fn exhaust<M: Model>(make: impl Fn() -> M, alphabet: &[M::Op], length: u32) {
    for shorter in 1..=length {
        for number in 0..alphabet.len().pow(shorter) {
            let mut model = make();
            let mut rest = number;
            for _ in 0..shorter {
                model.apply(alphabet[rest % alphabet.len()]);
                rest /= alphabet.len();
            }
            model.check();
        }
    }
}
