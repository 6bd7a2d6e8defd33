//! The data folder and the key that a self-contained server makes in it.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::key::MasterKey;
use secrecy::ExposeSecret as _;

use crate::config::schema::Config;
use crate::config::{Service, read_secret};
use crate::settings;

pub(crate) const KEY_FILE: &str = "master.key";

/// Makes the data folder if need be, for its owner only, and returns its absolute path.
pub(crate) fn prepare(config: &Config) -> Result<PathBuf> {
    let folder = &config.server.data_dir;
    let what = || format!("the data folder {} cannot be used; correct server.data_dir or its mode", folder.display());
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(what)?;
    }
    folder.canonicalize().with_context(what)
}

/// Returns the master key: the one that is configured, or the one in the data folder, made at the first start.
pub(crate) fn master_key(config: &Config, data_dir: &Path) -> Result<MasterKey> {
    if let Some(text) = &config.keys.master_key.value {
        return MasterKey::parse(text.expose_secret()).context("keys.master_key");
    }
    if !settings::is_self_contained(config) {
        bail!("keys.master_key_file must be given unless one process hosts all services on SQLite");
    }
    let file = data_dir.join(KEY_FILE);
    if !file.exists() {
        create_key(config, data_dir, &file)?;
    }
    let text = read_secret(&file).map_err(anyhow::Error::msg)?;
    MasterKey::parse(text.expose_secret()).with_context(|| format!("the key file {}", file.display()))
}

fn create_key(config: &Config, data_dir: &Path, file: &Path) -> Result<()> {
    // Data that was sealed under a lost key stays sealed: a new key would only hide that.
    for service in Service::ALL {
        let settings = settings::database(config, *service, data_dir);
        if let Some(database) = settings.sqlite_file(service.name())?.filter(|database| database.exists()) {
            bail!(
                "the key file {} is missing, but {} is there: restore the key from your backup",
                file.display(),
                database.display()
            );
        }
    }
    let key = MasterKey::new(&SystemEntropy);
    let what = || format!("the key file {} cannot be written", file.display());
    // Written beside and linked: the key is there whole or not at all, and two starts at once share one.
    let draft = data_dir.join(format!(".{KEY_FILE}.{}", std::process::id()));
    // Left by a process of the same id that was killed here, as happens in containers.
    let _: std::io::Result<()> = std::fs::remove_file(&draft);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).with_context(what)?;
    open.write_all(key.encode().as_bytes()).and_then(|()| open.sync_all()).with_context(what)?;
    let linked = std::fs::hard_link(&draft, file);
    std::fs::remove_file(&draft).with_context(what)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).with_context(what),
        _ => Ok(()),
    }
}

/// Returns the mode bits by which others than the owner may use a file.
pub(crate) fn open_to_others(file: &Path) -> std::io::Result<u32> {
    Ok(std::fs::metadata(file)?.permissions().mode() & 0o077)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    /// A data folder, and a configuration that keeps the data of organization elsewhere.
    fn config(folder: &Path) -> Config {
        let url = format!("sqlite://{}/elsewhere.db", folder.display());
        let flags =
            vec![("server.data_dir", folder.join("data").display().to_string()), ("database.organization.url", url)];
        load(&Sources { flags, ..Sources::default() }).expect("good")
    }

    #[test]
    fn a_key_is_made_once_and_not_anew_beside_a_database_wherever_it_lies() {
        for database in ["data/identity.db", "elsewhere.db"] {
            let folder = tempfile::tempdir().expect("folder");
            let config = config(folder.path());
            let data_dir = prepare(&config).expect("made");
            let first = master_key(&config, &data_dir).expect("made").encode();
            assert_eq!(*master_key(&config, &data_dir).expect("read").encode(), *first);
            std::fs::write(folder.path().join(database), "").expect("written");
            std::fs::remove_file(data_dir.join(KEY_FILE)).expect("lost");
            let error = master_key(&config, &data_dir).expect_err("refused").to_string();
            assert!(error.contains(database) && error.contains("restore the key"), "{error}");
            assert!(!data_dir.join(KEY_FILE).exists());
        }
    }

    #[test]
    fn a_file_that_is_no_database_of_ours_does_not_hinder_the_first_key() {
        let folder = tempfile::tempdir().expect("folder");
        let config = config(folder.path());
        let data_dir = prepare(&config).expect("made");
        std::fs::write(data_dir.join("organization.db"), "").expect("written");
        master_key(&config, &data_dir).expect("made");
    }
}
