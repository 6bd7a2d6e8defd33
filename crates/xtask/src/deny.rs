//! The dependencies: licences, sources, bans, and known weaknesses.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Program, environment};
use crate::root;
use crate::tools::Tools;

/// Where cargo-deny looks for advisories unless told otherwise.
const DATABASE: &str = "https://github.com/RustSec/advisory-db";

/// Checks licences, sources and bans; advisories only where a copy of the database is given.
///
/// `ROLECALL_ADVISORY_DB` names a clone of the `RustSec` advisory database. Nothing is fetched.
pub(crate) fn run(tools: &Tools) -> anyhow::Result<()> {
    deny(tools, &root().join("deny.toml"))?.args(["licenses", "bans", "sources"]).run()?;
    let Some(database) = environment("ROLECALL_ADVISORY_DB").map(PathBuf::from) else {
        println!("warning: advisories are not checked; set ROLECALL_ADVISORY_DB to a clone of the advisory database");
        return Ok(());
    };
    // cargo-deny reads advisories from a clone of its own, which git is told to take from the given one.
    let folder = tempfile::tempdir()?;
    let mut config: toml::Table = fs::read_to_string(root().join("deny.toml"))?.parse()?;
    if let Some(advisories) = config.get_mut("advisories").and_then(toml::Value::as_table_mut) {
        advisories.insert("db-path".to_owned(), folder.path().join("db").display().to_string().into());
        advisories.insert("git-fetch-with-cli".to_owned(), true.into());
    }
    let path = folder.path().join("deny.toml");
    fs::write(&path, config.to_string())?;
    let check = deny(tools, &path)?.args(["advisories"]).variable("GIT_CONFIG_COUNT", "1");
    let check = check.variable("GIT_CONFIG_KEY_0", format!("url.file://{}.insteadOf", database.display()));
    check.variable("GIT_CONFIG_VALUE_0", DATABASE).run()
}

fn deny(tools: &Tools, config: &Path) -> anyhow::Result<Program> {
    let deny = tools.run_with("cargo-deny")?.args(["--locked", "--config"]).args([config]);
    Ok(deny.args(["check", "--hide-inclusion-graph"]))
}
