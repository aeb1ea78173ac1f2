//! A pool of threads: what becomes of jobs, futures and scoped closures, and how it ends.
#![cfg(feature = "pool")]
#![expect(clippy::disallowed_methods, reason = "whoever uses a pool has threads of its own")]

mod futures;
mod jobs;
mod overload;
mod regressions;
mod scopes;
mod shutdown;
mod stripes;
mod support;
