//! The tokens of this machine's user: one file, one entry a server, readable by nobody else.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What is kept of a login.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Sent with each call.
    pub(crate) access_token: String,
    /// When it ends, in seconds since 1970.
    pub(crate) access_expires: i64,
    /// Exchanged for the next tokens.
    pub(crate) refresh_token: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    #[serde(default)]
    servers: BTreeMap<String, Login>,
    /// By server and address; they outlive logins, so that this machine stays known.
    #[serde(default)]
    devices: BTreeMap<String, BTreeMap<String, String>>,
}

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile(PathBuf);

impl TokenFile {
    /// Names the file; it need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the login at a server.
    pub(crate) fn find(&self, server: &str) -> Result<Option<Login>, Failure> {
        Ok(self.read()?.servers.remove(server))
    }

    /// Keeps a login, in the place of the one before.
    pub(crate) fn store(&self, server: &str, login: Login) -> Result<(), Failure> {
        let mut content = self.read()?;
        content.servers.insert(server.to_owned(), login);
        self.write(&content)
    }

    /// Forgets the login at a server.
    pub(crate) fn forget(&self, server: &str) -> Result<(), Failure> {
        let mut content = self.read()?;
        if content.servers.remove(server).is_some() { self.write(&content) } else { Ok(()) }
    }

    /// Returns the device token of somebody at a server.
    pub(crate) fn find_device(&self, server: &str, email: &str) -> Result<Option<String>, Failure> {
        Ok(self.read()?.devices.remove(server).and_then(|mut of_server| of_server.remove(&email.to_lowercase())))
    }

    /// Keeps the device token of somebody at a server.
    pub(crate) fn store_device(&self, server: &str, email: &str, token: &str) -> Result<(), Failure> {
        let mut content = self.read()?;
        let of_server = content.devices.entry(server.to_owned()).or_default();
        of_server.insert(email.to_lowercase(), token.to_owned());
        self.write(&content)
    }

    fn read(&self) -> Result<Content, Failure> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Content::default()),
            Err(error) => return Err(self.failure("read", error)),
        };
        let mode = std::fs::metadata(&self.0).map_err(|error| self.failure("read", error))?.permissions().mode();
        if mode & 0o077 != 0 {
            let file = self.0.display();
            return Err(Failure::Local(format!("others may read the token file {file}; run `chmod 600 {file}`")));
        }
        toml::from_str(&text).map_err(|_| self.failure("understood", "delete it and log in again"))
    }

    /// Writes a new file beside the old one and swaps them, so that a crash leaves one of the two.
    fn write(&self, content: &Content) -> Result<(), Failure> {
        let failed = |error: std::io::Error| self.failure("written", error);
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let text = toml::to_string(content).map_err(|error| self.failure("written", error))?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.0).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn failure(&self, verb: &str, why: impl std::fmt::Display) -> Failure {
        Failure::local(format!("the token file {} cannot be {verb}", self.0.display()), why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(token: &str) -> Login {
        Login { access_token: token.to_owned(), access_expires: 1, refresh_token: "rcr_".to_owned() }
    }

    #[test]
    fn logins_are_kept_by_server_in_a_file_that_only_the_user_reads() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("deep/tokens.toml");
        let file = TokenFile::new(path.clone());
        assert!(file.find("http://a").expect("read").is_none());
        file.store("http://a", login("one")).expect("stored");
        file.store("http://b", login("two")).expect("stored");
        assert_eq!(file.find("http://a").expect("read").expect("kept").access_token, "one");
        file.forget("http://a").expect("forgotten");
        assert!(file.find("http://a").expect("read").is_none());
        assert_eq!(file.find("http://b").expect("read").expect("kept").access_token, "two");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_machine_stays_known_when_its_logins_end() {
        let folder = tempfile::tempdir().expect("folder");
        let file = TokenFile::new(folder.path().join("tokens.toml"));
        file.store("http://a", login("one")).expect("stored");
        file.store_device("http://a", "Ada@example.org", "rcd_1").expect("stored");
        file.store_device("http://a", "grace@example.org", "rcd_2").expect("stored");
        file.forget("http://a").expect("forgotten");
        let find = |server, email| file.find_device(server, email).expect("read");
        assert_eq!(find("http://a", "ada@example.org").as_deref(), Some("rcd_1"));
        assert_eq!(find("http://a", "grace@example.org").as_deref(), Some("rcd_2"));
        assert_eq!(find("http://b", "ada@example.org"), None);
    }

    #[test]
    fn asvs_v13_3_2_a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("tokens.toml");
        let file = TokenFile::new(path.clone());
        file.store("http://a", login("one")).expect("stored");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("mode");
        let failure = file.find("http://a").err().expect("refused");
        assert!(failure.to_string().contains("chmod 600"), "{failure}");
    }
}
