//! Benchmarks of Rolecall, each beside its yardstick in the same run.
//!
//! `cargo xtask bench` builds the release binaries and runs this program, which writes
//! `docs/benchmarks.md`. Each row of the plan of measurements is a module of [`rows`]; a new row is
//! a function there and a line in [`measure_all`].

mod echo;
mod measure;
mod process;
mod report;
mod rows;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use report::Line;

/// Measures Rolecall and writes the table.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Where the table is written.
    #[arg(long, default_value = "docs/benchmarks.md")]
    output: PathBuf,
    /// Only these rows, such as `--row 1 --row 6`; all when left out.
    #[arg(long)]
    row: Vec<u8>,
    /// Rounds of each case.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Blocks of row 11.
    #[arg(long, default_value_t = 20)]
    blocks: usize,
}

/// What a child of this program does.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Role {
    /// Serves the echo with nothing around it.
    #[command(hide = true)]
    EchoBare,
    /// Serves the echo behind the whole stack.
    #[command(hide = true)]
    EchoStack,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    rounds: usize,
    span: Duration,
    blocks: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::EchoBare) => echo::serve_bare().await,
        Some(Role::EchoStack) => echo::serve_stack().await,
        None => measure_and_write(&arguments).await,
    }
}

async fn measure_and_write(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = Settings {
        rounds: arguments.rounds,
        span: Duration::from_secs_f64(arguments.seconds),
        blocks: arguments.blocks,
    };
    let lines = measure_all(&settings, &arguments.row).await?;
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    report::write(&arguments.output, &lines, &format!("cargo xtask bench {command}"))
}

async fn measure_all(settings: &Settings, wanted: &[u8]) -> anyhow::Result<Vec<Line>> {
    let is_wanted = |row: u8| wanted.is_empty() || wanted.contains(&row);
    let mut lines = Vec::new();
    if is_wanted(1) || is_wanted(2) {
        lines.extend(progress("rows 1 and 2: the stack", rows::stack::run(settings).await?));
    }
    if is_wanted(6) {
        lines.extend(progress("row 6: login", rows::login::run(settings).await?));
    }
    if is_wanted(7) {
        lines.extend(progress("row 7: overload", rows::overload::run(settings).await?));
    }
    if is_wanted(8) {
        lines.extend(progress("row 8: tokens", rows::tokens::run(settings).await?));
    }
    if is_wanted(9) {
        lines.extend(progress("row 9: creating users", rows::create::run(settings).await?));
    }
    if is_wanted(10) {
        lines.extend(progress("row 10: a page of a million", rows::list::run(settings).await?));
    }
    if is_wanted(11) {
        lines.extend(progress("row 11: blocking", rows::block::run(settings).await?));
    }
    if is_wanted(13) {
        lines.extend(progress("row 13: starting", rows::start::run(settings).await?));
    }
    Ok(lines)
}

/// Shows what a row came to, for whoever watches the run.
#[expect(clippy::print_stderr, reason = "a long run shows its progress")]
fn progress(title: &str, lines: Vec<Line>) -> Vec<Line> {
    eprintln!("{title}");
    for line in &lines {
        eprintln!("  {}: {} (goal: {})", line.work, line.result, line.goal);
    }
    lines
}

/// How many cores the machine has.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
