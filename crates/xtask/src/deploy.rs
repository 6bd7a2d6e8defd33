//! Checks `deploy/` without a container engine.

use std::fs;

use anyhow::{Context as _, bail};

use crate::files;
use crate::process::Program;
use crate::root;
use crate::server::programs;
use crate::tools::Tools;

/// Lints the Containerfile, reads the compose files against their schema, and compares the example
/// configuration with the one that the program writes; returns how many files were checked.
pub(crate) fn run(tools: &Tools) -> anyhow::Result<usize> {
    tools.run_with("hadolint")?.args(["deploy/docker/Containerfile"]).run()?;
    let mut compose = files::walk(&root().join("deploy/compose"), &|_| true)?;
    compose.retain(|file| file.extension() == Some("yaml".as_ref()));
    tools.run_with("node")?.args(["tests/tools/compose-check.mjs"]).args(&compose).run()?;
    check_example()?;
    Ok(compose.len() + 2)
}

fn check_example() -> anyhow::Result<()> {
    const EXAMPLE: &str = "deploy/config/rolecall.toml";
    Program::new("cargo").args(["build", "--workspace", "--locked", "--quiet"]).run()?;
    let written = Program::new(programs()?.join("rolecall")).args(["config", "example"]).output()?;
    let kept = fs::read_to_string(root().join(EXAMPLE)).context(EXAMPLE)?;
    if written != kept {
        bail!("{EXAMPLE} is not what `rolecall config example` writes; write it anew and commit it");
    }
    Ok(())
}
