//! The server's files and processes.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use url::Url;

use crate::port::free_port;

const ADMIN: &str = "rolecall_admin";

/// The role of the tests' own databases; it owns them and nothing else.
pub(super) const ROLE: &str = "rolecall_test";

/// A password that tests may look for where none should be.
const PASSWORD: &str = "not-to-be-seen";

/// Data directory, programs and port of one server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    directory: PathBuf,
    programs: PathBuf,
    port: u16,
}

impl Server {
    /// Finds the server that the test programs of this user share, or starts it.
    pub(super) fn shared(durable: bool) -> Self {
        let suffix = if durable { "-durable" } else { "" };
        let directory = std::env::temp_dir().join(format!("rolecall-test-postgres-{}{suffix}", user_id()));
        fs::create_dir_all(&directory).expect("the temporary directory is writable");
        let lock = File::create(directory.join("lock")).expect("the temporary directory is writable");
        lock.lock().expect("the lock of the shared server can be waited for");
        if let Some(server) = Self::running(&directory) {
            server.note_use();
            return server;
        }
        let server = Self::make(&directory, durable);
        server.note_use();
        server.stop_when_unused();
        server
    }

    /// The server of an earlier test program, when it still answers.
    fn running(directory: &Path) -> Option<Self> {
        let port = fs::read_to_string(directory.join("port")).ok()?.trim().parse().ok()?;
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        let server = Self { directory: directory.to_owned(), programs: programs(), port };
        server.run("pg_ctl", &["status"]).status.success().then_some(server)
    }

    /// Makes an empty cluster in the directory and starts it.
    pub(super) fn make(directory: &Path, durable: bool) -> Self {
        let server = Self { directory: directory.to_owned(), programs: programs(), port: free_port() };
        server.prepare();
        // A collation that is not the order of bytes shows queries that silently rely on one.
        let locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"];
        let arguments = [&["--auth=trust", "--no-sync", "--username", ADMIN][..], &locale].concat();
        let made = server.run("initdb", &arguments);
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        server.configure(durable);
        server.start();
        server.make_role();
        fs::write(directory.join("port"), server.port.to_string()).expect("the port can be noted");
        server
    }

    fn prepare(&self) {
        match fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("old files cannot be removed: {error}"),
            Ok(()) | Err(_) => {}
        }
        fs::create_dir(self.data()).expect("the data directory can be made");
        if let Some(user) = unprivileged() {
            // The private server's directory was made for this user alone.
            for path in [self.directory.clone(), self.data()] {
                std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).expect("root may give files away");
            }
        }
    }

    fn configure(&self, durable: bool) {
        let sync = if durable { "on" } else { "off" };
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = 500\n\
             shared_buffers = '64MB'\nfsync = {sync}\nfull_page_writes = {sync}\nlog_min_messages = 'warning'\n\
             timezone = 'Asia/Kathmandu'\n",
            self.port
        );
        let path = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&path).expect("initdb wrote its configuration");
        fs::write(path, defaults + &settings).expect("the configuration can be written");
    }

    /// Starts the server and waits until it answers.
    pub(super) fn start(&self) {
        let log = self.data().join("server.log");
        let started = self.run("pg_ctl", &["start", "--wait", "--silent", "--log", &log.display().to_string()]);
        let said = fs::read_to_string(log).unwrap_or_default();
        assert!(started.status.success(), "PostgreSQL did not start:\n{said}");
    }

    /// Stops the server in the given mode of `pg_ctl`.
    pub(super) fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["stop", "--wait", "--silent", "--mode", mode]);
    }

    fn make_role(&self) {
        let sql = format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'");
        let port = self.port.to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", ADMIN, "-d", "postgres", "-q", "-c", &sql];
        let made = self.command("psql").args(arguments).output().expect("psql runs");
        assert!(made.status.success(), "the role cannot be made: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Runs a program of PostgreSQL on the data directory.
    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = self.command(program);
        command.arg("--pgdata").arg(self.data()).args(arguments);
        // The server inherits these; an open pipe would keep whoever reads the tests' output waiting.
        let errors = tempfile::tempfile().expect("a temporary file can be made");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.try_clone().expect("a file can be shared"));
        let status = command.status().unwrap_or_else(|error| panic!("{program} does not run: {error}"));
        Output { status, stdout: Vec::new(), stderr: read_back(errors) }
    }

    /// PostgreSQL refuses to run as root, so root runs it as somebody else.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match unprivileged() {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
                command.arg("--clear-groups").arg("--").arg(program);
                command
            }
        };
        command.current_dir(&self.directory).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Leaves a small process behind that ends the server after an hour without tests.
    fn stop_when_unused(&self) {
        let script = "while sleep 60; do find used -mmin -60 2>/dev/null | grep -q . && continue; \
                      \"$1\" stop --pgdata data --silent --mode fast; exit; done";
        let mut command = match unprivileged() {
            None => Command::new("sh"),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
                command.args(["--clear-groups", "--", "sh"]);
                command
            }
        };
        command.args(["-c", script, "sh"]).arg(self.programs.join("pg_ctl")).current_dir(&self.directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        #[expect(clippy::zombie_processes, reason = "it outlives this program, and init takes it over")]
        let _watcher = command.spawn().expect("sh runs");
    }

    /// Puts off the end of the shared server.
    pub(super) fn note_use(&self) {
        let _ = File::create(self.directory.join("used"));
    }

    /// Returns the administrator's address.
    pub(super) fn admin_url(&self) -> Url {
        Url::parse(&format!("postgres://{ADMIN}@127.0.0.1:{}/postgres", self.port)).expect("it is an address")
    }

    /// Puts the tests' own user and password into an address.
    pub(super) fn sign(url: &mut Url) {
        let signed = url.set_username(ROLE).and_then(|()| url.set_password(Some(PASSWORD)));
        signed.expect("the address has a host");
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }
}

fn read_back(mut file: File) -> Vec<u8> {
    use std::io::{Read as _, Seek as _};
    let mut bytes = Vec::new();
    if file.rewind().is_ok() {
        let _ = file.read_to_end(&mut bytes);
    }
    bytes
}

/// The directory of the newest PostgreSQL of at least version 15.
fn programs() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
    let newest = debian.map(|entry| entry.path()).filter(|path| version(path) >= Some(15)).max_by_key(version);
    let candidates = newest
        .map(|path| path.join("bin"))
        .into_iter()
        .chain([PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")]);
    candidates.into_iter().find(|path| path.join("initdb").exists()).unwrap_or_else(|| {
        panic!("no PostgreSQL server was found: install the package postgresql-15, or set ROLECALL_TEST_POSTGRES_URL")
    })
}

struct User {
    uid: u32,
    gid: u32,
}

fn user_id() -> u32 {
    fs::metadata("/proc/self").map(|metadata| metadata.uid()).unwrap_or_default()
}

/// Whom root runs PostgreSQL as; `None` for everybody but root.
fn unprivileged() -> Option<User> {
    if user_id() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("there are users");
    let find = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').collect();
        Some(User { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
    };
    find("postgres").or_else(|| find("nobody"))
}
