//! A pool of threads: what becomes of jobs, futures and scoped closures, and how it ends.
#![cfg(feature = "pool")]

mod futures;
mod jobs;
mod overload;
mod scopes;
mod shutdown;
mod stripes;
mod support;
