//! Every check is seen to find what it looks for, and to let the rest pass.

use super::checks::{
    is_called, listed_files, long_file, long_functions, missing_header, passed_doors,
    public_functions, std_in_core, unfinished_work, unlisted_unsafe, wide_lines, wrong_arrows,
};
use super::source::{File, Finding, code};

/// The lines in which a check finds something.
fn lines(check: impl Fn(&File) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    check(&File::new(path, text)).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn comments_and_literals_are_no_code() {
    let text =
        "a // b\n\"c \\\" d\" e 'f' '\\'' 'g r#\"h \" i\"# j\n/* k\n l */ m br\"n\\\" o_r\"p\" q";
    let words: Vec<String> =
        code(text).lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, ["a", "e'gj", "", "mo_rq"]);
}

#[test]
fn wide_lines_and_long_files_are_found() {
    let text = format!("{}\n{}\n{}", "é".repeat(100), "x".repeat(101), "x");
    assert_eq!(lines(wide_lines, "src/heap.rs", &text), [2]);
    let (most, more) = ("\n".repeat(450), "\n".repeat(451));
    assert!(lines(long_file, "examples/bidder/src/main.rs", &most).is_empty());
    assert_eq!(lines(long_file, "examples/bidder/src/main.rs", &more), [451]);
    assert!(lines(long_file, "examples/timers.rs", &"\n".repeat(95)).is_empty());
    assert_eq!(lines(long_file, "examples/timers.rs", &"\n".repeat(96)), [96]);
}

#[test]
fn long_functions_are_found() {
    let function = |indentation: &str, body: usize| {
        let body = format!("{indentation}    if true {{\n{indentation}    }}\n").repeat(body / 2);
        format!("{indentation}pub const fn f(\n{indentation}) {{\n{body}{indentation}}}\n")
    };
    let declarations = "trait T {\n    fn g();\n    fn h(\n        x: u8,\n    );\n}\nfn i() {}\n";
    for indentation in ["", "    "] {
        let short = function(indentation, 66);
        let long = function(indentation, 68);
        assert!(lines(long_functions, "src/heap.rs", &short.repeat(3)).is_empty());
        let text = format!("{declarations}{short}{long}");
        assert_eq!(lines(long_functions, "src/heap.rs", &text), [7 + 69 + 1]);
    }
}

#[test]
fn missing_headers_and_unfinished_work_are_found() {
    assert_eq!(lines(missing_header, "src/heap.rs", "// A comment.\n"), [1]);
    assert!(lines(missing_header, "src/heap.rs", "//! A heap.\n").is_empty());
    for word in super::checks::UNFINISHED {
        let text = format!("fine\n    {word} later\n");
        assert_eq!(lines(unfinished_work, "benches/heap.rs", &text), [2]);
    }
}

#[test]
fn wrong_arrows_are_found() {
    let found = |path, text| lines(wrong_arrows, path, text);
    assert_eq!(found("src/heap/arrays.rs", "use crate::wheel::IdWheel;"), [1]);
    assert_eq!(
        found("src/heap/arrays.rs", "\nuse crate::{\n    key::{Key, x},\n    pool,\n};"),
        [2]
    );
    assert_eq!(found("src/wheel/mod.rs", "\n\nuse super::heap::IdHeap;"), [3]);
    assert_eq!(found("src/wheel/lists.rs", "use super::super::lists;"), [1]);
    assert_eq!(found("src/time.rs", "use crate::key::Key;"), [1]);
    assert_eq!(found("src/sync.rs", "use crate::time::Time;"), [1]);
    assert_eq!(found("src/newcomer.rs", ""), [1]);
    let fine = "//! [`crate::scheduler`]\nuse crate::{key::Key, time};\nuse crate::heap::IdHeap;";
    assert!(found("src/heap/arrays.rs", fine).is_empty());
    assert!(found("src/time.rs", "use crate::sync::AtomicU64;").is_empty());
    assert!(found("src/lib.rs", "pub mod pool; use crate::pool::Pool;").is_empty());
    assert!(found("examples/timers.rs", "use crate::pool::Pool;").is_empty());
}

#[test]
fn passed_doors_and_std_are_found() {
    let clock = "let now = std::time::Instant::now();";
    assert_eq!(lines(passed_doors, "src/scheduler/mod.rs", clock), [1]);
    assert!(lines(passed_doors, "src/time.rs", clock).is_empty());
    assert!(lines(passed_doors, "benches/heap.rs", clock).is_empty());
    for door in ["core::sync::atomic", "std::sync", "parking_lot", "crossbeam", "thread::spawn"] {
        let text = format!("// {door}\nuse {door}::thing;\n");
        assert_eq!(lines(passed_doors, "src/pool/worker.rs", &text), [2]);
        assert!(lines(passed_doors, "src/sync.rs", &text).is_empty());
    }
    assert!(lines(passed_doors, "src/pool/mod.rs", "use alloc::sync::Arc;").is_empty());

    assert_eq!(lines(std_in_core, "src/scheduler/mod.rs", "\nuse std::vec::Vec;"), [2]);
    assert!(lines(std_in_core, "src/scheduler/mod.rs", "//! std\nlet a_std = no_std;").is_empty());
    assert!(lines(std_in_core, "src/time.rs", clock).is_empty());
}

#[test]
fn unlisted_unsafe_is_found() {
    let listed = ["src/heap/arrays.rs".to_owned()];
    let check = |path, text| lines(|file| unlisted_unsafe(file, &listed), path, text);
    let text = "#![allow(unsafe_code)]\n// unsafe\nlet it = unsafe { 1 };";
    assert_eq!(check("src/heap/positions.rs", text), [3]);
    assert!(check("src/heap/arrays.rs", text).is_empty());

    let section = "# Why\n\n## Which files may hold `unsafe`?\n\n";
    assert_eq!(listed_files("# Why\n"), None);
    assert_eq!(listed_files(section), None);
    assert_eq!(listed_files(&format!("{section}None so far.\n")), Some(Vec::new()));
    let items = format!("{section}- `a.rs`: for speed.\n- `b.rs`\n\n## Next\n\n- `c.rs`\n");
    assert_eq!(listed_files(&items), Some(vec!["a.rs".into(), "b.rs".into()]));
}

#[test]
fn methods_without_a_model_are_found() {
    let text = "impl Other {\n    pub fn no() {}\n}\n\nimpl<P: Ord> Heap<P> {\n    \
        pub const fn new() -> Self {\n    }\n    pub(super) fn no() {}\n    fn no() {}\n    \
        pub fn get<Q>(&self) {}\n}\n\nimpl From<Heap> for Other {\n    pub fn no() {}\n}\n";
    let expected = [(6, "new".to_owned()), (10, "get".to_owned())];
    assert_eq!(public_functions(&code(text), "Heap"), expected);

    let called = |model: &str, name| is_called(model, "Heap", "heap", name);
    assert!(called("self.heap.pop()", "pop"));
    assert!(called("self\n    .heap\n    .clone()\n    .pop()", "pop"));
    assert!(called("Heap::new()", "new"));
    assert!(!called("self.oracle.pop(); Oracle::pop(); self.heap.pop_all()", "pop"));
}
