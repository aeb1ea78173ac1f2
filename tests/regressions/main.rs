//! Bugs that other crates had, and our own: each test's first line tells its story.

mod heap;
mod scheduler;
mod wheel;
