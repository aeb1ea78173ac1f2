//! The command line.

use std::path::PathBuf;

const USAGE: &str = "usage: heap|wheel [--quick] [--json FILE] [--markdown]";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structure {
    Heap,
    Wheel,
}

/// How much is measured, and how often.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) sizes: &'static [usize],
    pub(crate) repeats: usize,
    /// Cycles of a heap in a turn.
    pub(crate) cycles: usize,
    pub(crate) graph_nodes: usize,
}

const FULL: Scale = Scale {
    sizes: &[1_000, 100_000, 1_000_000],
    repeats: 9,
    cycles: 100_000,
    graph_nodes: 1_000_000,
};

const QUICK: Scale =
    Scale { sizes: &[1_000, 100_000], repeats: 9, cycles: 30_000, graph_nodes: 100_000 };

/// The wheels' workloads visit tens of thousands of ticks a turn.
const QUICK_WHEEL: Scale = Scale { repeats: 5, ..QUICK };

pub(crate) struct Options {
    pub(crate) structure: Structure,
    pub(crate) quick: bool,
    pub(crate) scale: Scale,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: bool,
}

impl Structure {
    /// As it is called on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Heap => "heap",
            Self::Wheel => "wheel",
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
            _ => return Err(USAGE.to_owned()),
        };
        let mut options =
            Self { structure, quick: false, scale: FULL, json: None, markdown: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--markdown" => options.markdown = true,
                "--json" => options.json = Some(arguments.next().ok_or(USAGE)?.into()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        options.scale = match (options.quick, structure) {
            (false, _) => FULL,
            (true, Structure::Heap) => QUICK,
            (true, Structure::Wheel) => QUICK_WHEEL,
        };
        Ok(options)
    }
}
