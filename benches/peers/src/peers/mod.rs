//! The peers, one a file.

pub(crate) mod delay_queue;
pub(crate) mod orx;
