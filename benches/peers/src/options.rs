//! The command line.

use std::path::PathBuf;

const USAGE: &str = "usage: heap|wheel [--quick] [--json FILE] [--markdown]";

#[derive(Clone, Copy)]
pub(crate) enum Structure {
    Heap,
    Wheel,
}

/// How much is measured, and how often.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) sizes: &'static [usize],
    pub(crate) repeats: usize,
    /// Cycles of a heap in a turn; as many as it has elements if that is more.
    pub(crate) cycles: usize,
    pub(crate) graph_nodes: usize,
}

const FULL: Scale = Scale {
    sizes: &[1_000, 100_000, 1_000_000],
    repeats: 9,
    cycles: 200_000,
    graph_nodes: 1_000_000,
};

const QUICK: Scale =
    Scale { sizes: &[1_000, 100_000], repeats: 5, cycles: 50_000, graph_nodes: 100_000 };

pub(crate) struct Options {
    pub(crate) structure: Structure,
    pub(crate) scale: Scale,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: bool,
}

impl Options {
    pub(crate) fn from_arguments(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, &'static str> {
        let structure = match arguments.next().as_deref() {
            Some("heap") => Structure::Heap,
            Some("wheel") => Structure::Wheel,
            _ => return Err(USAGE),
        };
        let mut options = Self { structure, scale: FULL, json: None, markdown: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.scale = QUICK,
                "--markdown" => options.markdown = true,
                "--json" => options.json = Some(arguments.next().ok_or(USAGE)?.into()),
                _ => return Err(USAGE),
            }
        }
        Ok(options)
    }
}
