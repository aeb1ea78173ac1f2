//! The only door to atomics, so that a model checker can stand behind it.

#[cfg(target_has_atomic = "64")]
pub(crate) use core::sync::atomic::{AtomicU64, Ordering};
