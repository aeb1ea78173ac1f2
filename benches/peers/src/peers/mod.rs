//! The peers, one a file.

pub(crate) mod dary_heap;
pub(crate) mod delay_queue;
pub(crate) mod hash_wheel;
pub(crate) mod keyed_priority_queue;
pub(crate) mod nexus;
pub(crate) mod orx;
pub(crate) mod orx_map;
pub(crate) mod priority_queue;
#[cfg(any(target_feature = "avx2", target_arch = "aarch64"))]
pub(crate) mod quickheap;
pub(crate) mod rheaps;
