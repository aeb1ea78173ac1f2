//! Panics of what others wrote.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs something of somebody else's, whose panic concerns nobody else; `None` if it panicked. What
/// was thrown is leaked, since dropping it may panic once more.
pub(crate) fn contain<R>(run: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(run)).map_err(std::mem::forget).ok()
}
