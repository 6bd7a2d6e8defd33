//! Packages of Debian and its kin.

use std::fs;
use std::path::Path;

use anyhow::bail;

use crate::process::{Program, environment, find};

/// Keeps Debian's package from starting a database cluster of its own; the tests start a private one.
const NO_CLUSTER: &str = "create_main_cluster = false\n";

/// Makes sure that the programs of PostgreSQL 15 are there, unless the tests are given a server.
pub(super) fn ensure_postgres() -> anyhow::Result<()> {
    if environment("ROLECALL_TEST_POSTGRES_URL").is_some() || has_postgres() {
        return Ok(());
    }
    let settings = Path::new("/etc/postgresql-common/createcluster.conf");
    if is_root() && !settings.exists() {
        fs::create_dir_all("/etc/postgresql-common")?;
        fs::write(settings, NO_CLUSTER)?;
    }
    install("postgresql-15", "or set ROLECALL_TEST_POSTGRES_URL to a server of your own")?;
    if !has_postgres() {
        bail!("postgresql-15 is installed, but /usr/lib/postgresql/15/bin/initdb is missing");
    }
    Ok(())
}

fn has_postgres() -> bool {
    let initdb = |version: u8| Path::new(&format!("/usr/lib/postgresql/{version}/bin/initdb")).exists();
    (15..=19).any(initdb) || find("initdb").is_some()
}

/// Makes sure that Python can make environments.
pub(super) fn ensure_python() -> anyhow::Result<()> {
    let works = || {
        let probe = Program::new("python3").args(["-c", "import ensurepip, venv"]).capture();
        probe.is_ok_and(|output| output.status.success())
    };
    if works() {
        return Ok(());
    }
    install("python3-venv", "so that Python can make a virtual environment")?;
    if !works() {
        bail!("python3 cannot make virtual environments although python3-venv is installed");
    }
    Ok(())
}

/// Installs a package where that is allowed; else says what to do.
fn install(package: &str, hint: &str) -> anyhow::Result<()> {
    if !is_root() || find("apt-get").is_none() {
        bail!("`{package}` is missing: install it (Debian: `apt-get install {package}`), {hint}");
    }
    apt_get(&["update", "-qq"])?;
    apt_get(&["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", package])
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    Program::new("apt-get").args(arguments).variable("DEBIAN_FRONTEND", "noninteractive").run()
}

fn is_root() -> bool {
    Program::new("id").args(["-u"]).output().is_ok_and(|id| id.trim() == "0")
}
