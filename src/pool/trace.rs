//! What the feature `tracing` shows of jobs: a span for each run, an event for each 'no'.

#[cfg(feature = "tracing")]
pub(super) use shown::{not_run, run};

#[cfg(not(feature = "tracing"))]
pub(super) use hidden::{not_run, run};

#[cfg(feature = "tracing")]
mod shown {
    use tracing::Level;
    use tracing::span::EnteredSpan;

    use crate::scheduler::{Running, Verdict};

    /// The span of a run, or of one part of it.
    pub(crate) fn run<T>(running: &Running<T>) -> EnteredSpan {
        let Running { class, waited, cost, .. } = running;
        let class = class.number();
        tracing::span!(Level::DEBUG, "job", class, ?waited, expected_cost = ?cost).entered()
    }

    /// A job is refused or shed.
    pub(crate) fn not_run(verdict: &Verdict) {
        tracing::debug!(%verdict, "a job is not run");
    }
}

#[cfg(not(feature = "tracing"))]
mod hidden {
    use crate::scheduler::{Running, Verdict};

    pub(crate) struct NoSpan;

    pub(crate) const fn run<T>(_: &Running<T>) -> NoSpan {
        NoSpan
    }

    pub(crate) const fn not_run(_: &Verdict) {}
}
