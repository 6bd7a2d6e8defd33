//! The suites that compile Rust.

use super::Plan;
use super::counts::Counts;
use crate::process::Program;
use crate::tools::Tools;

/// `cargo clippy`, every warning an error.
pub(super) fn clippy(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    cargo(["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]).run()?;
    Ok(Counts::ONE)
}

/// Builds everything, then runs every test.
pub(super) fn tests(tools: &Tools, plan: &Plan) -> anyhow::Result<Counts> {
    // The end-to-end tests start the binary that lies beside them.
    cargo(["build", "--workspace", "--locked", "--quiet"]).run()?;
    let mut counts = Counts::default();
    // Some of them run the clients of other languages, and find Go and Node through these tools.
    let test = tools.run_with("cargo")?.args(["test", "--workspace", "--locked", "--quiet", "--no-fail-fast"]);
    let test = if plan.long { test.variable("ROLECALL_LONG_TESTS", "1") } else { test };
    let succeeded = test.run_reading(|line| counts.read_cargo(line))?;
    Ok(counts.settle(succeeded))
}

/// `cargo doc`, every warning an error.
pub(super) fn doc(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    let doc = cargo(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    doc.variable("RUSTDOCFLAGS", "-D warnings").run()?;
    Ok(Counts::ONE)
}

fn cargo<const N: usize>(arguments: [&str; N]) -> Program {
    Program::new("cargo").args(arguments)
}
