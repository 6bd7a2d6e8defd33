//! The suites of the clients in other languages, and of the pages that show them.

use super::Plan;
use super::counts::Counts;
use crate::grpcurl as page;
use crate::process::Program;
use crate::tools::Tools;

const GO: &str = "clients/go";
const TYPESCRIPT: &str = "clients/typescript";

/// The Go client by itself.
pub(super) fn go(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    in_go(tools, &["vet", "./..."])?.run()?;
    // `./journey` needs a server: the end-to-end tests in `tests/` run it, in every layout.
    let mut counts = Counts::default();
    let succeeded = in_go(tools, &["test", "-count=1", "-v", "."])?.run_reading(|line| counts.read_go(line))?;
    Ok(counts.settle(succeeded))
}

/// The TypeScript client by itself.
pub(super) fn typescript(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    in_typescript(tools, "tsc", &["--build"])?.run()?;
    let node = in_typescript(tools, "node", &["--test", "--test-reporter=tap", "dist/test/"])?;
    let mut counts = Counts::default();
    let succeeded = node.run_reading(|line| counts.read_tap(line))?;
    Ok(counts.settle(succeeded))
}

/// Every block of `docs/grpcurl.md`.
pub(super) fn grpcurl(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    Program::new("cargo").args(["build", "--workspace", "--locked", "--quiet"]).run()?;
    Ok(Counts { passed: page::run(tools)?, failed: 0 })
}

fn in_go(tools: &Tools, arguments: &[&str]) -> anyhow::Result<Program> {
    Ok(tools.run_with("go")?.args(arguments).folder(crate::root().join(GO)))
}

fn in_typescript(tools: &Tools, program: &str, arguments: &[&str]) -> anyhow::Result<Program> {
    Ok(tools.run_with(program)?.args(arguments).folder(crate::root().join(TYPESCRIPT)))
}
