//! The suites that compile nothing.

use super::Plan;
use super::counts::Counts;
use crate::process::Program;
use crate::tools::Tools;
use crate::{asvs, codegen, deny, deploy, layers, policy, sizes};

/// The form of the Rust and Go code.
pub(super) fn fmt(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    Program::new("cargo").args(["fmt", "--all", "--check"]).run()?;
    let unformatted = tools.run_with("gofmt")?.args(["-l", "clients/go"]).output()?;
    anyhow::ensure!(unformatted.is_empty(), "gofmt would change:\n{unformatted}");
    Ok(Counts::ONE + Counts::ONE)
}

/// Whether everything generated says what the contract says.
pub(super) fn codegen(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    codegen::run(true, false)?;
    Ok(Counts::ONE)
}

/// The contract itself: lint, form, and compatibility with the last release.
pub(super) fn contract(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    tools.run_with("buf")?.args(["lint"]).run()?;
    tools.run_with("buf")?.args(["format", "--diff", "--exit-code"]).run()?;
    let tag = Program::new("git").args(["describe", "--tags", "--abbrev=0", "--match", "v*"]).capture()?;
    let tag = String::from_utf8(tag.stdout)?;
    if tag.trim().is_empty() {
        println!("there is no release yet that the contract could break");
        return Ok(Counts { passed: 2, failed: 0 });
    }
    let against = format!(".git#tag={}", tag.trim());
    tools.run_with("buf")?.args(["breaking", "--against", &against]).run()?;
    Ok(Counts { passed: 3, failed: 0 })
}

/// Who may call what.
pub(super) fn policy(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    policy::run(true)?;
    Ok(Counts::ONE)
}

/// Whether the page about proofs names the tests that there are.
pub(super) fn asvs(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    asvs::run(true)?;
    Ok(Counts::ONE)
}

/// Who may know whom.
pub(super) fn layers(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    layers::run()?;
    Ok(Counts::ONE)
}

/// How large files and functions are.
pub(super) fn sizes(_: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    sizes::run()?;
    Ok(Counts::ONE)
}

/// The files of `deploy/`.
pub(super) fn deploy(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    Ok(Counts { passed: deploy::run(tools)?, failed: 0 })
}

/// Licences, sources, bans and advisories of the dependencies.
pub(super) fn deny(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    deny::run(tools)?;
    Ok(Counts::ONE)
}
