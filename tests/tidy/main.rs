//! Style is a test: width, length, the arrows between modules, and where dangerous things live.

mod broken;
mod checks;
mod source;

use std::fmt::Write;
use std::fs;

use checks::{
    is_called, line_of, listed_files, long_file, long_functions, missing_header, passed_doors,
    public_functions, std_in_core, unfinished_work, unlisted_unsafe, wide_lines, wrong_arrows,
};
use source::{File, Finding, code, naming, root, tree};

/// Types whose every public method is called by a model: the model's file, and the field that
/// holds the structure there.
const MODELS: [(&str, &str, &str); 10] = [
    ("IdHeap", "id_heap.rs", "heap"),
    ("IndexedHeap", "indexed_heap.rs", "heap"),
    ("IdWheel", "id_wheel.rs", "wheel"),
    ("TimerWheel", "timer_wheel.rs", "wheel"),
    ("Timeouts", "timeouts.rs", "timeouts"),
    ("Periodic", "periodic.rs", "periodic"),
    ("KeyedStore", "keyed_store.rs", "store"),
    ("Scheduler", "scheduler/mod.rs", "scheduler"),
    ("Planner", "refresh/mod.rs", "planner"),
    ("RefreshCache", "cache/mod.rs", "cache"),
];

/// Public methods that no model calls, with the reason.
const UNMODELLED: [(&str, &str, &str); 13] = [
    ("IdHeap", "new", "the model bounds its ids"),
    ("IdHeap", "with_bound", "the model chooses the arity too"),
    ("IdHeap", "with_arity", "the model bounds its ids"),
    ("IndexedHeap", "new", "the model chooses the arity"),
    ("IndexedHeap", "with_capacity", "the model chooses the arity"),
    ("IdWheel", "new", "the model bounds its ids"),
    ("IdWheel", "snapshot", "the models do without serde: see tests/wheel_serde.rs"),
    ("TimerWheel", "snapshot", "the models do without serde: see tests/wheel_serde.rs"),
    ("Timeouts", "snapshot", "the models do without serde: see tests/wheel_serde.rs"),
    ("Scheduler", "new", "the model has identities"),
    ("Scheduler", "snapshot", "the models do without serde"),
    ("KeyedStore", "new", "the model starts with some capacity, to see it used up"),
    ("RefreshCache", "depends_on", "the model has one cache: see tests/cache/dependencies.rs"),
];

/// Reports everything that a check finds in the tree at once.
fn expect_none(check: impl Fn(&File) -> Vec<Finding>) {
    let mut report = String::new();
    for file in tree() {
        for (line, finding) in check(&file) {
            writeln!(report, "{}:{line}: {finding}", file.path).expect("a string takes all");
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn lines_are_not_wide() {
    expect_none(wide_lines);
}

#[test]
fn files_are_not_long() {
    expect_none(long_file);
}

#[test]
fn functions_are_not_long() {
    expect_none(long_functions);
}

#[test]
fn every_file_says_what_it_is_about() {
    expect_none(missing_header);
}

#[test]
fn nothing_is_left_unfinished() {
    expect_none(unfinished_work);
}

#[test]
fn arrows_go_from_later_lines_to_earlier_ones() {
    expect_none(wrong_arrows);
    let lib = code(&fs::read_to_string(root().join("src/lib.rs")).expect("the library is there"));
    let modules = lib.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
    let homeless: Vec<_> = modules.filter(|module| line_of(module).is_none()).collect();
    assert!(homeless.is_empty(), "modules without a place among the lines: {homeless:?}");
}

#[test]
fn structures_and_policy_do_without_std() {
    expect_none(std_in_core);
}

#[test]
fn clocks_threads_and_locks_have_one_door_each() {
    expect_none(passed_doors);
}

#[test]
fn unsafe_code_is_only_where_the_design_allows_it() {
    let design = fs::read_to_string(root().join("DESIGN.md")).expect("DESIGN.md is there");
    let listed = listed_files(&design).expect("DESIGN.md says which files may hold unsafe code");
    expect_none(|file| unlisted_unsafe(file, &listed));
    for path in &listed {
        let text = fs::read_to_string(root().join(path)).expect("a listed file exists");
        assert!(!naming(&code(&text), "unsafe").is_empty(), "{path} is listed without need");
    }
}

#[test]
fn every_public_method_is_in_its_model() {
    let (files, mut report) = (tree(), String::new());
    for (of, model, field) in MODELS {
        let path = format!("tests/model/{model}");
        let model = &files.iter().find(|file| file.path == path).expect("the model exists").code;
        let mut functions = 0;
        for file in files.iter().filter(|file| file.module().is_some()) {
            for (line, name) in public_functions(&file.code, of) {
                let allowed = UNMODELLED.iter().any(|entry| (entry.0, entry.1) == (of, &name));
                if is_called(model, of, field, &name) == allowed {
                    let wrong = if allowed { "needs no exception" } else { "is not called" };
                    writeln!(report, "{}:{line}: {of}::{name} {wrong} in {path}", file.path)
                        .expect("a string takes all");
                }
                functions += 1;
            }
        }
        assert!(functions > 0, "{of} was found");
    }
    assert!(report.is_empty(), "\n{report}");
}
