//! Why a heap refuses.

use core::error::Error;
use core::fmt;

/// Why an id was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// The id is in the heap already; its priority is unchanged.
    Present,
    /// The id is not below the heap's bound.
    OutOfBound,
}

impl fmt::Display for PushError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Present => "the id is in the heap already",
            Self::OutOfBound => "the id is not below the heap's bound",
        })
    }
}

impl Error for PushError {}

/// Why a priority was not decreased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key's (or the id's) element is not in the heap.
    Stale,
    /// The new priority is not smaller than the present one, which stays.
    NotSmaller,
}

impl fmt::Display for KeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stale => "the element is not in the heap",
            Self::NotSmaller => "the new priority is not smaller than the present one",
        })
    }
}

impl Error for KeyError {}
