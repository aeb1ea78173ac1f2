//! What the server is told before it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use core_affinity::CoreId;

/// Where the server listens.
#[derive(Clone, Debug)]
pub(crate) enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// In which order queued requests are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Order {
    /// The earliest deadline first; what can't be in time any more is answered 'no' at once.
    Deadline,
    /// In the order of arrival, to the end, however late.
    Fifo,
}

/// How a shed request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ShedForm {
    /// HTTP 204 without a body.
    #[value(name = "204")]
    NoContent,
    /// HTTP 200 with `nbr` 15, OpenRTB's code for insufficient auction time.
    #[value(name = "nbr")]
    Nbr,
}

/// Everything that a server is configured with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: Listen,
    pub(crate) workers: usize,
    /// Worker n runs on core n of these only, from the first again after the last; if there are
    /// none, where the kernel likes.
    pub(crate) cores: Vec<CoreId>,
    pub(crate) order: Order,
    pub(crate) shed_form: ShedForm,
    /// What a request's `tmax` has to leave for the way back to the exchange.
    pub(crate) margin: Duration,
    /// Kept free before a deadline for what an evaluation takes longer than the mean of its
    /// class, and for the answer to reach the socket.
    pub(crate) hand_over: Duration,
    /// The `tmax` of a request that has none.
    pub(crate) default_tmax: Duration,
    pub(crate) limits: Limits,
}

/// Bounds on what comes from the network, and on what is kept for it.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The longest `tmax` that is believed.
    pub(crate) tmax: Duration,
    /// Bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// Bytes of a request's head.
    pub(crate) head_bytes: usize,
    /// Open connections of one worker; more wait in the kernel's backlog.
    pub(crate) connections: usize,
    /// Requests queued at one worker.
    pub(crate) queue: u32,
    /// From the first byte of a request to its last.
    pub(crate) read: Duration,
    /// Without a request, and for a client to take its answer.
    pub(crate) idle: Duration,
    /// How long a draining server still takes connections, so that a load balancer sees its
    /// health before the listeners close.
    pub(crate) linger: Duration,
    /// How long a draining server waits for what is queued.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tmax: Duration::from_secs(60),
            body_bytes: 256 << 10,
            head_bytes: 16 << 10,
            connections: 8_192,
            queue: 4_096,
            read: Duration::from_secs(5),
            idle: Duration::from_secs(180),
            linger: Duration::from_millis(500),
            grace: Duration::from_secs(5),
        }
    }
}
