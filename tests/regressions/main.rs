//! Bugs that other crates had, and our own: each test's first line tells its story.

mod heap;
mod heap_memory;
mod scheduler;
mod scheduler_costs;
mod scheduler_overload;
mod timeouts;
mod wheel;
mod wheel_hints;
