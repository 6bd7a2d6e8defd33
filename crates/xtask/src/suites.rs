//! `cargo xtask test`: everything that must hold before a change is merged.

mod checks;
mod clients;
mod counts;
mod rust;

use std::time::Duration;

use anyhow::bail;

use crate::tools::Tools;
use counts::Counts;

/// How the run is made.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The full numbers of the random tests, instead of the seeded subsets.
    pub(crate) long: bool,
    /// Only the suites of these names; all when empty.
    pub(crate) only: Vec<String>,
}

/// A suite: its name, and what it does.
type Suite = (&'static str, fn(&Tools, &Plan) -> anyhow::Result<Counts>);

/// The cheap ones come first, so that most mistakes are told early.
const SUITES: &[Suite] = &[
    ("fmt", checks::fmt),
    ("codegen", checks::codegen),
    ("contract", checks::contract),
    ("policy", checks::policy),
    ("asvs", checks::asvs),
    ("layers", checks::layers),
    ("sizes", checks::sizes),
    ("deploy", checks::deploy),
    ("deny", checks::deny),
    ("clippy", rust::clippy),
    ("rust", rust::tests),
    ("doc", rust::doc),
    ("go", clients::go),
    ("typescript", clients::typescript),
    ("grpcurl", clients::grpcurl),
];

struct Line {
    name: &'static str,
    counts: Counts,
    time: Duration,
}

/// Runs the suites, goes on after a failure, and ends with one line a suite and the total.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<()> {
    let known = |name: &String| SUITES.iter().any(|(suite, _)| suite == name);
    if let Some(unknown) = plan.only.iter().find(|name| !known(name)) {
        let names: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
        bail!("there is no suite {unknown:?}; there are {}", names.join(", "));
    }
    let tools = Tools::for_tests()?;
    let wanted = |name: &str| plan.only.is_empty() || plan.only.iter().any(|only| only == name);
    let lines: Vec<Line> =
        SUITES.iter().filter(|(name, _)| wanted(name)).map(|suite| run_suite(suite, &tools, plan)).collect();
    summarize(&lines)
}

fn run_suite((name, suite): &Suite, tools: &Tools, plan: &Plan) -> Line {
    println!("\n==> {name}");
    let begin = now();
    let counts = suite(tools, plan).unwrap_or_else(|error| {
        println!("{name}: {error:#}");
        Counts { passed: 0, failed: 1 }
    });
    Line { name, counts, time: begin.elapsed() }
}

fn summarize(lines: &[Line]) -> anyhow::Result<()> {
    println!();
    for Line { name, counts, time } in lines {
        let verdict = if counts.failed == 0 { "ok" } else { "FAILED" };
        println!("{name:<11} {verdict:<6} {:>7.1} s  {counts}", time.as_secs_f64());
    }
    let total = lines.iter().fold(Counts::default(), |total, line| total + line.counts);
    println!("total: {total}");
    if total.failed > 0 {
        let failed: Vec<&str> = lines.iter().filter(|line| line.counts.failed > 0).map(|line| line.name).collect();
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a suite takes is shown to people, and nothing depends on it")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
