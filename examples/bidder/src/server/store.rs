//! The campaigns in force: read from a file, replaced as a whole, kept when the file is broken.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::campaign::{CampaignError, Campaigns, parse_campaigns};

/// A larger campaign file is not read.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Why a campaign file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: std::io::Error },
    #[error("{path}: not a regular file")]
    NotAFile { path: PathBuf },
    #[error("{path}: larger than {MAX_FILE_BYTES} bytes")]
    TooLarge { path: PathBuf },
    #[error("{path}: {error}")]
    Campaign { path: PathBuf, error: Box<CampaignError> },
}

/// What tells one version of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
        }
    }
}

/// The campaigns that evaluations use, and what is known of their file.
pub(crate) struct Store {
    path: PathBuf,
    current: ArcSwap<Campaigns>,
}

/// What a reload did.
#[derive(Debug)]
pub(crate) enum Reloaded {
    Unchanged,
    Swapped { campaigns: usize, version: Version },
}

impl Store {
    /// Reads the file for the first time.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Version), LoadError> {
        let (campaigns, version) = load(&path)?;
        Ok((Self { path, current: ArcSwap::from_pointee(campaigns) }, version))
    }

    /// The campaigns in force now.
    pub(crate) fn current(&self) -> Guard<Arc<Campaigns>> {
        self.current.load()
    }

    /// Reads the file if it is another version than the last one that was taken, and puts its
    /// campaigns in force. Waits for the disk: not for an evaluating thread.
    pub(crate) fn reload(&self, last: Version) -> Result<Reloaded, LoadError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| self.io_error(error))?;
        if Version::of(&metadata) == last {
            return Ok(Reloaded::Unchanged);
        }
        let (campaigns, version) = load(&self.path)?;
        let count = campaigns.len();
        self.current.store(Arc::new(campaigns));
        Ok(Reloaded::Swapped { campaigns: count, version })
    }

    fn io_error(&self, error: std::io::Error) -> LoadError {
        LoadError::Io { path: self.path.clone(), error }
    }
}

fn load(path: &Path) -> Result<(Campaigns, Version), LoadError> {
    let io_error = |error| LoadError::Io { path: path.to_owned(), error };
    // To open a pipe waits for its writer, which may never come.
    if !std::fs::metadata(path).map_err(io_error)?.is_file() {
        return Err(LoadError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(io_error)?;
    let version = Version::of(&file.metadata().map_err(io_error)?);
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text).map_err(io_error)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    match parse_campaigns(&text) {
        Ok(campaigns) => Ok((campaigns, version)),
        Err(error) => Err(LoadError::Campaign { path: path.to_owned(), error: Box::new(error) }),
    }
}
