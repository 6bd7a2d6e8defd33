//! The built binary, run in a folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rolecall_testkit::free_port;
use tempfile::TempDir;

/// A folder in which the binary runs, and a port for it.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) port: u16,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        Self { folder, port: free_port() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("ROLECALL__SERVER__LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("ROLECALL__TELEMETRY__FILTER", "warn").env("ROLECALL_SERVER", self.server());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("runs"))
    }

    /// Runs a command that reads lines from standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("runs");
        child.stdin.take().expect("input").write_all(input.as_bytes()).expect("written");
        Ran::from(child.wait_with_output().expect("ends"))
    }

    /// Starts a server and waits until it has announced itself.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let mut child = self.command(&[&["serve"], arguments].concat()).spawn().expect("runs");
        let mut out = BufReader::new(child.stdout.take().expect("output"));
        let mut announced = String::new();
        out.read_line(&mut announced).expect("a line");
        let mut server = Server { child, out, announced };
        if !server.announced.contains(" serves ") {
            let mut text = String::new();
            server.child.stderr.take().expect("errors").read_to_string(&mut text).expect("text");
            panic!("the server did not start: {text}");
        }
        server
    }
}

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// Checks that the command failed with one line on standard error that holds all these parts.
    pub(crate) fn expect_one_sentence(&self, parts: &[&str]) {
        assert_ne!(self.code, Some(0), "{}", self.out);
        assert_eq!(self.err.lines().count(), 1, "one sentence: {}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part} is missing in: {}", self.err);
        }
    }

    /// Checks that the command succeeded and returns its output.
    pub(crate) fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }
}

/// A running server; it dies with this value.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    announced: String,
}

impl Server {
    /// Asks the server to end, and returns its exit code and all that it printed.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        let mut text = std::mem::take(&mut self.announced);
        self.out.read_to_string(&mut text).expect("text");
        (self.child.wait().expect("ends").code(), text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the permission bits of a file or folder.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}
