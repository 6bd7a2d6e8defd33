//! The benchmarks: builds what is shipped, and measures that.

use std::ffi::OsString;

use crate::process::Program;
use crate::server::programs;

/// Builds the release programs and runs the benchmarks with these arguments, their output shown.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    // The whole workspace, so that the server has the features that it is shipped with.
    Program::new("cargo").args(["build", "--release", "--workspace", "--bins", "--locked"]).run()?;
    Program::new(programs()?.with_file_name("release").join("rolecall-bench")).args(arguments).run()
}
