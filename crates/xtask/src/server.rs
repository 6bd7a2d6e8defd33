//! A real server, started for the checks that need one.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cargo_metadata::MetadataCommand;

use crate::process::Program;
use crate::root;

/// How long a start may take, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(1);

/// One process with all services, on an empty folder; it ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Server {
    /// Starts the binary that `cargo build` made and waits until it has printed its setup secret.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let program = Program::new(programs()?.join("rolecall")).folder(folder.path());
        let child = program.args(["serve", "--listen", &address.to_string()]).start(&log(folder.path()))?;
        let mut server = Self { child, folder, address };
        server.wait()?;
        Ok(server)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder that it runs in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The one-time secret that the first start prints.
    pub(crate) fn setup_secret(&self) -> anyhow::Result<String> {
        let log = self.log();
        let words = log.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'));
        let secret = words.into_iter().find(|word| word.starts_with("rcs_") && word.len() == 47);
        secret.map(str::to_owned).with_context(|| format!("no setup secret was printed:\n{log}"))
    }

    /// Everything that it printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log(self.folder.path())).unwrap_or_default()
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let step = Duration::from_millis(50);
        for _ in 0..PATIENCE.as_millis() / step.as_millis() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}):\n{}", self.log());
            }
            if TcpStream::connect(self.address).is_ok() && self.setup_secret().is_ok() {
                return Ok(());
            }
            std::thread::sleep(step);
        }
        bail!("the server did not answer within {PATIENCE:?}:\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The folder of the built programs.
pub(crate) fn programs() -> anyhow::Result<PathBuf> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    Ok(metadata.target_directory.join("debug").into())
}

fn log(folder: &Path) -> PathBuf {
    folder.join("server.log")
}
