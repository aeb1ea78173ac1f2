//! punctual inside of other libraries, each behind a feature of its own name.

#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "tower")]
pub mod tower;
