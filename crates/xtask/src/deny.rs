//! The dependencies: licences, sources, bans, and known weaknesses.

use std::fs;
use std::path::PathBuf;

use crate::process::environment;
use crate::root;
use crate::tools::Tools;

/// Checks licences, sources and bans; advisories only where a copy of the database is given.
///
/// `ROLECALL_ADVISORY_DB` names a clone of the `RustSec` advisory database. Nothing is fetched.
pub(crate) fn run(tools: &Tools) -> anyhow::Result<()> {
    let check = |config: PathBuf, what: &[&str]| {
        let deny = tools.run_with("cargo-deny")?.args(["--locked", "--config"]).args([config]);
        deny.args(["check", "--hide-inclusion-graph"]).args(what).run()
    };
    check(root().join("deny.toml"), &["licenses", "bans", "sources"])?;
    let Some(database) = environment("ROLECALL_ADVISORY_DB").map(PathBuf::from) else {
        println!("warning: advisories are not checked; set ROLECALL_ADVISORY_DB to a clone of the advisory database");
        return Ok(());
    };
    // cargo-deny reads advisories from a clone of its own, made here of the given one.
    let folder = tempfile::tempdir()?;
    let mut config: toml::Table = fs::read_to_string(root().join("deny.toml"))?.parse()?;
    let advisories = config.entry("advisories").or_insert_with(|| toml::Table::new().into());
    if let Some(advisories) = advisories.as_table_mut() {
        advisories.insert("db-path".to_owned(), folder.path().join("db").display().to_string().into());
        advisories.insert("db-urls".to_owned(), vec![format!("file://{}", database.display())].into());
    }
    let path = folder.path().join("deny.toml");
    fs::write(&path, config.to_string())?;
    check(path, &["advisories"])
}
