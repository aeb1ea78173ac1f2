//! What is looked for: each check is a function of one file.

use super::source::{File, Finding, is_of_name, naming, numbered};

pub(crate) const MOST_COLUMNS: usize = 100;
pub(crate) const MOST_FILE_LINES: usize = 450;
pub(crate) const MOST_FUNCTION_LINES: usize = 70;
pub(crate) const MOST_EXAMPLE_LINES: usize = 95;

/// The library's modules; an arrow goes only from a later line to an earlier one. The first line
/// is open to everyone: the only doors to atomics, locks and threads, and to the cache's hint.
pub(crate) const LINES: [&[&str]; 8] = [
    &["sync", "prefetch"],
    &["time", "key", "block", "contain"],
    &["heap", "wheel"],
    &["scheduler", "refresh"],
    &["timer", "simulation"],
    &["pool"],
    &["cache"],
    &["adapters"],
];

/// The lines whose modules compile without std.
pub(crate) const CORE_LINES: std::ops::RangeInclusive<usize> = 2..=3;

/// What may be named only in one file of the library.
pub(crate) const DOORS: [(&str, &[&str]); 2] = [
    ("src/time.rs", &["Instant::now", "SystemTime::now"]),
    (
        "src/sync.rs",
        &[
            "core::sync",
            "std::sync",
            "parking_lot",
            "crossbeam",
            "thread::spawn",
            "thread::scope",
            "thread::Builder",
        ],
    ),
];

/// Not in the tree, not even in a comment. Put together here, so that this file passes.
pub(crate) const UNFINISHED: [&str; 5] = [
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
    concat!("db", "g!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

pub(crate) fn wide_lines(file: &File) -> Vec<Finding> {
    let widths = file.text.lines().map(|line| line.chars().count());
    widths
        .enumerate()
        .filter(|&(_, width)| width > MOST_COLUMNS)
        .map(|(at, width)| (at + 1, format!("{width} columns")))
        .collect()
}

pub(crate) fn long_file(file: &File) -> Vec<Finding> {
    let is_example =
        file.path.strip_prefix("examples/").is_some_and(|inside| !inside.contains('/'));
    let most = if is_example { MOST_EXAMPLE_LINES } else { MOST_FILE_LINES };
    let lines = file.text.lines().count();
    (lines > most).then(|| (lines, format!("a file of {lines} lines"))).into_iter().collect()
}

pub(crate) fn long_functions(file: &File) -> Vec<Finding> {
    let lines: Vec<&str> = file.code.lines().collect();
    let starts = (0..lines.len()).filter(|&at| lines[at].split_whitespace().any(|it| it == "fn"));
    starts
        .map(|at| (at + 1, function_length(&lines[at..])))
        .filter(|&(_, length)| length > MOST_FUNCTION_LINES)
        .map(|(line, length)| (line, format!("a function of {length} lines")))
        .collect()
}

/// The length of the formatted function that starts in the first line.
pub(crate) fn function_length(lines: &[&str]) -> usize {
    if lines[0].trim_end().ends_with(['}', ';']) {
        return 1;
    }
    let indentation = lines[0].len() - lines[0].trim_start().len();
    let ends = |line: &str| {
        let (before, inside) = line.split_at_checked(indentation).unwrap_or((line, ""));
        let inside = inside.trim_end();
        let is_declaration = inside.starts_with(')') && inside.ends_with(';');
        before.trim().is_empty() && (inside == "}" || is_declaration)
    };
    1 + lines[1..].iter().position(|line| ends(line)).map_or(lines.len(), |at| at + 1)
}

pub(crate) fn missing_header(file: &File) -> Vec<Finding> {
    let is_missing = !file.text.starts_with("//! ");
    is_missing.then(|| (1, "the file doesn't say what it is about".into())).into_iter().collect()
}

pub(crate) fn unfinished_work(file: &File) -> Vec<Finding> {
    let named = |line: &str| UNFINISHED.into_iter().find(|word| line.contains(word));
    numbered(&file.text).filter_map(|(at, line)| Some((at, named(line)?.to_owned()))).collect()
}

/// Uses of the library's modules that are not on an earlier line of [`LINES`].
pub(crate) fn wrong_arrows(file: &File) -> Vec<Finding> {
    let Some(module) = file.module() else { return Vec::new() };
    let Some(own) = line_of(module) else {
        return vec![(1, format!("module {module} has no place among the lines"))];
    };
    let allowed = |used: &str| used == module || line_of(used).is_some_and(|line| line < own);
    let mut findings: Vec<Finding> = used_modules(&file.code)
        .into_iter()
        .filter(|(_, used)| !allowed(used))
        .map(|(line, used)| (line, format!("{module} uses {used}")))
        .collect();
    // Another way to a neighbour, on which nobody would look for an arrow.
    let roundabout = LINES.concat().into_iter().map(|name| format!("super::{name}"));
    for way in roundabout.chain(["super::super".to_owned()]) {
        findings.extend(naming(&file.code, &way));
    }
    findings
}

pub(crate) fn line_of(module: &str) -> Option<usize> {
    LINES.iter().position(|line| line.contains(&module))
}

/// The names that follow `crate::`, those in braces included, with their lines.
pub(crate) fn used_modules(code: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].lines().count().max(1);
        let path = &code[at + "crate::".len()..];
        match path.strip_prefix('{') {
            None => used.push((line, leading_name(path))),
            Some(group) => used.extend(group_names(group).map(|name| (line, name))),
        }
    }
    used
}

/// The first name of every path in a group of imports, whose opening brace is left out.
pub(crate) fn group_names(group: &str) -> impl Iterator<Item = String> {
    let (mut depth, mut outer) = (1, String::new());
    for letter in group.chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        match depth {
            0 => break,
            1 => outer.push(letter),
            _ => {}
        }
    }
    let names: Vec<_> = outer.split(',').map(|path| leading_name(path.trim())).collect();
    names.into_iter().filter(|name| !name.is_empty())
}

pub(crate) fn leading_name(path: &str) -> String {
    path.chars().take_while(|&letter| is_of_name(letter)).collect()
}

pub(crate) fn std_in_core(file: &File) -> Vec<Finding> {
    let line = file.module().and_then(line_of);
    if line.is_some_and(|line| CORE_LINES.contains(&line)) {
        naming(&file.code, "std")
    } else {
        Vec::new()
    }
}

pub(crate) fn passed_doors(file: &File) -> Vec<Finding> {
    let closed = DOORS.into_iter().filter(|(door, _)| *door != file.path);
    let names = closed.flat_map(|(_, names)| names);
    match file.module() {
        Some(_) => names.flat_map(|name| naming(&file.code, name)).collect(),
        None => Vec::new(),
    }
}

pub(crate) fn unlisted_unsafe(file: &File, listed: &[String]) -> Vec<Finding> {
    if listed.contains(&file.path) { Vec::new() } else { naming(&file.code, "unsafe") }
}

/// The files that the design document allows to hold unsafe code; `None` if it doesn't say.
pub(crate) fn listed_files(design: &str) -> Option<Vec<String>> {
    let mut sections = design.split("\n## ").map(|section| section.split_once('\n'));
    let (_, section) = sections.find_map(|section| {
        section.filter(|(title, _)| title.replace('`', "") == "Which files may hold unsafe?")
    })?;
    let items = section.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next());
    let files: Vec<String> = items.map(str::to_owned).collect();
    let is_said = !files.is_empty() || section.contains("None so far.");
    is_said.then_some(files)
}

/// The public functions of a type's inherent implementations, with their lines.
pub(crate) fn public_functions(code: &str, of: &str) -> Vec<(usize, String)> {
    let (mut functions, mut is_inside) = (Vec::new(), false);
    for (at, line) in numbered(code) {
        if line.starts_with("impl") {
            let (header, _) = line.split_once('{').unwrap_or((line, ""));
            is_inside = !naming(header, of).is_empty() && !header.contains(" for ");
        }
        let public = line.trim_start().strip_prefix("pub ").filter(|_| is_inside);
        if let Some((_, signature)) = public.and_then(|item| item.split_once("fn ")) {
            functions.push((at, leading_name(signature)));
        }
    }
    functions
}

/// Whether a model's code calls a method on the field that holds the structure, or a function of
/// its type.
pub(crate) fn is_called(model: &str, of: &str, field: &str, name: &str) -> bool {
    let dense: String = model.split_whitespace().collect();
    let dense = dense.replace(".clone()", "");
    let method = format!(".{field}.{name}(");
    dense.contains(&method) || dense.contains(&format!("{of}::{name}("))
}
