//! The files of the tree, and their code without comments and literals.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct File {
    /// From the root of the repository, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals blanked.
    pub(crate) code: String,
}

/// A line, counted from one, and what is wrong there.
pub(crate) type Finding = (usize, String);

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: code(text) }
    }

    /// The module of the library that the file belongs to.
    pub(crate) fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let name = inside.split('/').next()?;
        Some(name.strip_suffix(".rs").unwrap_or(name)).filter(|&name| name != "lib")
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of the tree that somebody wrote.
pub(crate) fn tree() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["src", "tests", "benches", "fuzz", "examples"].map(|folder| root().join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a folder of the tree can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_made = ["target", "corpus", "artifacts", "coverage"].contains(&name.as_ref());
            if path.is_dir() && !is_made && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let inside = path.strip_prefix(root()).expect("the folders are below the root");
                let text = fs::read_to_string(&path).expect("a Rust file is text");
                files.push(File::new(&inside.to_string_lossy().replace('\\', "/"), &text));
            }
        }
    }
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the tree was found");
    files
}

/// Lines of code in which a path or a word stands for itself, not as a part of another name.
pub(crate) fn naming(code: &str, path: &str) -> Vec<Finding> {
    let stands = |line: &str| {
        line.match_indices(path).any(|(at, _)| {
            !line[..at].ends_with(is_of_name) && !line[at + path.len()..].starts_with(is_of_name)
        })
    };
    let lines = numbered(code).filter(|(_, line)| stands(line));
    lines.map(|(at, _)| (at, path.to_owned())).collect()
}

pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

pub(crate) fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The text with comments and literals blanked and its lines kept.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = if code.ends_with(is_of_name) { word_part(rest) } else { blank_length(rest) };
        let (taken, after) = rest.split_at(blank.unwrap_or(first.len_utf8()));
        match blank {
            None => code.push_str(taken),
            Some(_) => code.extend(taken.chars().map(|it| if it == '\n' { it } else { ' ' })),
        }
        rest = after;
    }
    code
}

/// Behind a letter an `r` opens no raw string, and a quote no lifetime.
pub(crate) fn word_part(rest: &str) -> Option<usize> {
    if rest.starts_with(is_of_name) { None } else { blank_length(rest) }
}

/// The length of the comment or literal at the beginning of the text, if there is one.
pub(crate) fn blank_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |at| at + 2));
    }
    let raw = text.trim_start_matches(['b', 'c']).strip_prefix('r').unwrap_or("");
    let content = raw.trim_start_matches('#');
    if content.starts_with('"') {
        let end = format!("\"{}", "#".repeat(raw.len() - content.len()));
        let from = text.len() - content.len() + 1;
        return Some(text[from..].find(&end).map_or(text.len(), |at| from + at + end.len()));
    }
    let quote = text.chars().next().filter(|&letter| letter == '"' || letter == '\'')?;
    let mut letters = text.char_indices().skip(1).peekable();
    if quote == '\'' && !text.starts_with("'\\") {
        // Three letters make a literal; anything else is a lifetime.
        let (_, (end, letter)) = (letters.next()?, letters.next()?);
        return (letter == quote).then_some(end + 1);
    }
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    Some(text.len())
}
