//! The folder that keeps built and installed tools between runs.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::process::environment;

/// Returns the folder for a tool in the version that the inputs name, filled by `install` if it is new.
///
/// The folder appears only when it is complete, so that an interrupted run leaves nothing half done.
pub(super) fn folder(
    name: &str,
    inputs: &[&[u8]],
    install: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    let folder = root()?.join(format!("{name}-{:016x}", hasher.finish()));
    let done = folder.join(".complete");
    if done.exists() {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    eprintln!("installing {name} into {}", folder.display());
    install(&folder)?;
    fs::write(done, "")?;
    Ok(folder)
}

/// `ROLECALL_CACHE_DIR`, or `rolecall` in the user's cache folder.
fn root() -> anyhow::Result<PathBuf> {
    if let Some(folder) = environment("ROLECALL_CACHE_DIR") {
        return Ok(folder.into());
    }
    let cache = environment("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| environment("HOME").map(|home| Path::new(&home).join(".cache")));
    Ok(cache.context("neither ROLECALL_CACHE_DIR, XDG_CACHE_HOME nor HOME is set")?.join("rolecall"))
}
