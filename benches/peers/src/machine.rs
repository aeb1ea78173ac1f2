//! Where and when a table was measured.

use std::process::Command;

/// One line: CPU, compiler, commit, date.
pub(crate) fn header(cores: &str) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown CPU", |(_, model)| model.trim());
    let rustc = answer("rustc", &["--version"]);
    let date = answer("date", &["-u", "+%F"]);
    let repository = env!("CARGO_MANIFEST_DIR");
    let commit = answer("git", &["-C", repository, "describe", "--always", "--dirty"]);
    format!("{model}, {cores}; {rustc}; commit {commit}; {date}")
}

/// What a command prints, or a word that says that nobody knows.
fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok();
    output
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
