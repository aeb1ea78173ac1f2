//! The command line.

use std::path::PathBuf;

const USAGE: &str =
    "usage: heap|wheel|scheduler|overload|pool|tower|cache [--quick] [--json FILE] [--markdown]
       scheduler|pool|cache --check fails if a target is missed
       cache --part hits|ratio|stalls|idle|heart";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structure {
    Heap,
    Wheel,
    Scheduler,
    /// The scheduler in real time, under more than it can do.
    Overload,
    /// The pool, in real time.
    Pool,
    /// The layer for tower, in front of a server in real time.
    Tower,
    /// The cache that refreshes its entries.
    Cache,
}

/// How much is measured, and how often.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) sizes: &'static [usize],
    /// Sizes at which some workloads of the wheels are done by ours alone.
    pub(crate) lone_sizes: &'static [usize],
    repeats: usize,
    /// Repeats at a million and more, and at sizes at which ours are alone.
    large_repeats: usize,
    lone_repeats: usize,
    /// Cycles of a heap in a turn.
    pub(crate) cycles: usize,
    pub(crate) graph_nodes: usize,
    /// Time-outs that are armed in a second of a wheel's steady state.
    pub(crate) armed_a_second: usize,
}

const FULL: Scale = Scale {
    sizes: &[1_000, 100_000, 1_000_000],
    lone_sizes: &[],
    repeats: 9,
    large_repeats: 9,
    lone_repeats: 0,
    cycles: 100_000,
    graph_nodes: 1_000_000,
    armed_a_second: 100_000,
};

const QUICK: Scale = Scale {
    sizes: &[1_000, 100_000],
    cycles: 30_000,
    graph_nodes: 100_000,
    armed_a_second: 10_000,
    ..FULL
};

/// The wheels' workloads begin every turn with an empty structure.
const FULL_WHEEL: Scale =
    Scale { lone_sizes: &[10_000_000], large_repeats: 5, lone_repeats: 3, ..FULL };

/// What services have queued, and what they have after a long pause.
const FULL_SCHEDULER: Scale = Scale { sizes: &[100, 1_000, 100_000], ..FULL };

const QUICK_SCHEDULER: Scale =
    Scale { sizes: FULL_SCHEDULER.sizes, repeats: 5, cycles: 30_000, ..FULL };

impl Scale {
    /// How many turns everybody takes.
    pub(crate) fn repeats(&self, size: usize) -> usize {
        match size {
            _ if self.lone_sizes.contains(&size) => self.lone_repeats,
            1_000_000.. => self.large_repeats,
            _ => self.repeats,
        }
    }
}

pub(crate) struct Options {
    pub(crate) structure: Structure,
    pub(crate) quick: bool,
    pub(crate) scale: Scale,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: bool,
    /// Whether a missed target is an error.
    pub(crate) check: bool,
    /// The only part of the cache that is measured.
    pub(crate) part: Option<String>,
}

impl Structure {
    const fn has_targets(self) -> bool {
        matches!(self, Self::Scheduler | Self::Pool | Self::Cache)
    }

    /// As it is called on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Heap => "heap",
            Self::Wheel => "wheel",
            Self::Scheduler => "scheduler",
            Self::Overload => "overload",
            Self::Pool => "pool",
            Self::Tower => "tower",
            Self::Cache => "cache",
        }
    }
}

impl Options {
    pub(crate) fn from_arguments(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        let structure = match arguments.next().as_deref() {
            Some("heap") => Structure::Heap,
            Some("wheel") => Structure::Wheel,
            Some("scheduler") => Structure::Scheduler,
            Some("overload") => Structure::Overload,
            Some("pool") => Structure::Pool,
            Some("tower") => Structure::Tower,
            Some("cache") => Structure::Cache,
            _ => return Err(USAGE.to_owned()),
        };
        let (scale, json, part) = (FULL, None, None);
        let mut options =
            Self { structure, quick: false, scale, json, markdown: false, check: false, part };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--markdown" => options.markdown = true,
                "--check" if structure.has_targets() => options.check = true,
                "--part" if structure == Structure::Cache => {
                    options.part = Some(arguments.next().ok_or(USAGE)?);
                }
                "--json" => options.json = Some(arguments.next().ok_or(USAGE)?.into()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        options.scale = match (options.quick, structure) {
            (false, Structure::Wheel) => FULL_WHEEL,
            (false, Structure::Scheduler) => FULL_SCHEDULER,
            (false, _) => FULL,
            (true, Structure::Scheduler) => QUICK_SCHEDULER,
            (true, _) => QUICK,
        };
        Ok(options)
    }
}
