//! The table that the run writes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// One line of the table: a figure beside its goal.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Number of the row in the plan of measurements.
    pub(crate) row: u8,
    /// What was done.
    pub(crate) work: String,
    /// What it is compared with.
    pub(crate) yardstick: String,
    /// What came out, with its spread.
    pub(crate) result: String,
    /// What was wanted.
    pub(crate) goal: String,
    /// Whether it was reached.
    pub(crate) met: bool,
}

/// Writes `docs/benchmarks.md`.
pub(crate) fn write(path: &Path, lines: &[Line], command: &str) -> anyhow::Result<()> {
    let mut text = String::from(
        "# Benchmarks\n\nEvery figure is compared with its yardstick within one run: rounds of both take turns, the table\n\
         shows the median with the smallest and the largest round. Absolute figures of a shared machine mean little; the\n\
         ratios are what to read. CPU is that of the server process, from the kernel's accounting.\n\n",
    );
    writeln!(text, "Command: `{command}`\n\nMachine: {}\n", machine())?;
    writeln!(text, "| Row | Work | Measured against | Result | Goal | Reached |\n|---|---|---|---|---|---|")?;
    for line in lines {
        let reached = if line.met { "yes" } else { "**no**" };
        let Line { row, work, yardstick, result, goal, .. } = line;
        writeln!(text, "| {row} | {work} | {yardstick} | {result} | {goal} | {reached} |")?;
    }
    std::fs::write(path, text)?;
    Ok(())
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores, {}, {}", model.unwrap_or("unknown processor"), output("rustc", &["--version"]))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
