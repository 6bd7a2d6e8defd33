//! Servers under test: the real binary, in one process or three, on either database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rolecall_testkit::postgres::{self, Cluster, FreshDatabase};
use rolecall_testkit::{SmtpSink, free_port};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::mail::Mailbox;

/// The contexts, each of which can be a process of its own.
pub const SERVICES: [&str; 3] = ["identity", "organization", "notification"];

/// How the services are spread over processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All in one.
    One,
    /// One each.
    Three,
}

/// Where the services keep their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Files.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// How mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    /// Through a real mail server.
    Smtp,
    /// Into the mail folder.
    Folder,
}

/// What to start.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How the services are spread over processes.
    pub layout: Layout,
    /// Where they keep their state.
    pub store: Store,
    /// How mail leaves.
    pub post: Post,
    /// Whether passwords are hashed as in production, or cheaply so that stories are quick.
    pub hashing: Hashing,
}

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// With the default parameters.
    Real,
    /// Cheaply.
    Weak,
}

struct Process {
    services: Vec<&'static str>,
    port: u16,
    child: Option<Child>,
}

/// Running servers; they die with this value.
pub struct Stack {
    /// Where the mails arrive.
    pub mailbox: Mailbox,
    folder: TempDir,
    database: Option<FreshDatabase>,
    /// The server of the database, when it is this stack's own; it goes after the database.
    _cluster: Option<Cluster>,
    hashing: Hashing,
    processes: Vec<Process>,
    /// Further sections of every configuration.
    sections: Vec<String>,
    /// Whether whoever calls from this machine is a proxy whose word on its clients is believed.
    trusts_proxies: bool,
    /// Whether every connection is encrypted.
    encrypted: bool,
}

impl Stack {
    /// Starts the servers and waits until they are healthy.
    pub async fn start(plan: Plan) -> Self {
        let mut stack = Self::prepare(plan).await;
        stack.launch_all(None).await;
        stack
    }

    /// Starts the servers so that every connection, also among them, is encrypted with the certificates of `certs init`.
    pub async fn start_encrypted(plan: Plan) -> Self {
        let mut stack = Self::prepare(plan).await;
        stack.encrypt();
        stack.launch_all(None).await;
        stack
    }

    fn encrypt(&mut self) {
        let certs = self.folder.path().join("certs");
        let mut command = Command::new(binary());
        command.args(["certs", "init", "--host", "127.0.0.1", "--dir"]).arg(&certs).stdout(Stdio::null());
        assert!(command.status().expect("the command runs").success(), "no certificates");
        self.encrypted = true;
        let certs = certs.display();
        self.configure(&format!("[server.tls]\ncert_file = \"{certs}/server.pem\"\nkey_file = \"{certs}/server.key\""));
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("certs/ca.pem")
    }

    /// Starts the servers on a database whose commits are as durable as in production; that makes them slow.
    pub async fn start_durable(plan: Plan) -> Self {
        let (database, cluster) = match plan.store {
            Store::Sqlite => (None, None),
            Store::Postgres => {
                let cluster = Cluster::private().await;
                (Some(cluster.fresh().await), Some(cluster))
            }
        };
        let mut stack = Self::lay_out(plan, database, cluster).await;
        stack.launch_all(None).await;
        stack
    }

    /// Lays out folders, databases and configurations, and starts nothing.
    pub async fn prepare(plan: Plan) -> Self {
        let database = match plan.store {
            Store::Sqlite => None,
            Store::Postgres => Some(postgres::fresh_url().await),
        };
        Self::lay_out(plan, database, None).await
    }

    async fn lay_out(plan: Plan, database: Option<FreshDatabase>, cluster: Option<Cluster>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mailbox = match plan.post {
            Post::Smtp => Mailbox::Smtp(SmtpSink::start().await),
            Post::Folder => Mailbox::Folder(folder.path().join("data/mail")),
        };
        let groups: Vec<Vec<&'static str>> = match plan.layout {
            Layout::One => vec![SERVICES.to_vec()],
            Layout::Three => SERVICES.iter().map(|service| vec![*service]).collect(),
        };
        let process = |services| Process { services, port: free_port(), child: None };
        let hashing = plan.hashing;
        let processes = groups.into_iter().map(process).collect();
        let stack = Self {
            mailbox,
            folder,
            database,
            _cluster: cluster,
            hashing,
            processes,
            sections: Vec::new(),
            trusts_proxies: false,
            encrypted: false,
        };
        stack.write_key();
        stack
    }

    /// Adds a section to the configuration of every process that is started from now on.
    pub fn configure(&mut self, section: &str) {
        self.sections.push(section.to_owned());
    }

    /// Makes every process that is started from now on believe what this machine says of where calls come from.
    pub fn trust_proxies(&mut self) {
        self.trusts_proxies = true;
    }

    /// Starts one more process with all services beside the first one, and returns its index.
    pub async fn add_replica(&mut self) -> usize {
        let index = self.processes.len();
        self.processes.push(Process { services: SERVICES.to_vec(), port: free_port(), child: None });
        self.launch(index, None);
        self.wait_until_healthy().await;
        index
    }

    /// Starts every process; `abort_at` names the step at which the server of each context dies.
    pub async fn launch_all(&mut self, abort_at: Option<&str>) {
        for index in 0..self.processes.len() {
            self.launch(index, abort_at);
        }
        self.wait_until_healthy().await;
    }

    fn launch(&mut self, index: usize, abort_at: Option<&str>) {
        let config = self.write_config(index, abort_at);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file(index)).expect("a log file");
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(config).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log file")).stderr(log).current_dir(self.folder.path());
        let child = command.spawn().expect("the server starts");
        self.processes[index].child = Some(child);
    }

    fn log_file(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("server-{index}.log"))
    }

    /// Everything the servers printed.
    pub fn logs(&self) -> String {
        let logs = (0..self.processes.len()).map(|index| fs::read_to_string(self.log_file(index)).unwrap_or_default());
        logs.collect::<Vec<_>>().join("\n")
    }

    /// Reads the one-time setup secret that the first start printed.
    pub fn setup_secret(&self) -> String {
        let logs = self.logs();
        let is_secret = |word: &&str| word.starts_with("rcs_") && word.len() >= 47;
        let word = logs.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).find(is_secret);
        word.unwrap_or_else(|| panic!("no setup secret was printed:\n{logs}")).to_owned()
    }

    /// Kills every process at once, as a power cut would.
    pub fn kill(&mut self) {
        for process in &mut self.processes {
            if let Some(mut child) = process.child.take() {
                let _already_gone = child.kill();
                child.wait().expect("a killed process ends");
            }
        }
    }

    /// Sends every process the signal that cannot be caught, and does not wait for its end.
    pub fn kill_now(&self) {
        for pid in self.pids() {
            let status = Command::new("kill").arg("-9").arg(pid.to_string()).status();
            assert!(status.is_ok(), "kill cannot be run: {status:?}");
        }
    }

    /// Starts the processes that are no longer running.
    pub async fn revive(&mut self) {
        for index in 0..self.processes.len() {
            if !self.is_running(index) {
                self.launch(index, None);
            }
        }
        self.wait_until_healthy().await;
    }

    /// Whether any process has died by itself.
    pub fn has_casualty(&mut self) -> bool {
        (0..self.processes.len()).any(|index| !self.is_running(index))
    }

    fn is_running(&mut self, index: usize) -> bool {
        let child = self.processes[index].child.as_mut();
        child.is_some_and(|child| child.try_wait().expect("a process can be asked").is_none())
    }

    /// Where a service listens, such as `http://127.0.0.1:40001`.
    pub fn address(&self, service: &str) -> String {
        let process = self.processes.iter().find(|process| process.services.contains(&service));
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", process.expect("a known service").port)
    }

    /// A connection to a service, made at its first call.
    pub fn channel(&self, service: &str) -> Channel {
        let process = self.processes.iter().position(|process| process.services.contains(&service));
        self.channel_to(process.expect("a known service"))
    }

    /// A connection to a process, made at its first call.
    pub fn channel_to(&self, index: usize) -> Channel {
        let scheme = if self.encrypted { "https" } else { "http" };
        let address = format!("{scheme}://127.0.0.1:{}", self.processes[index].port);
        let mut endpoint = Endpoint::from_shared(address).expect("an address");
        if self.encrypted {
            let authority = Certificate::from_pem(fs::read(self.authority()).expect("the authority"));
            let tls = ClientTlsConfig::new().ca_certificate(authority);
            endpoint = endpoint.tls_config(tls).expect("a certificate authority");
        }
        endpoint.connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(30)).connect_lazy()
    }

    /// The folder that the servers run in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the PostgreSQL database is; empty for a stack on SQLite.
    pub fn database_url(&self) -> &str {
        self.database.as_ref().map_or("", FreshDatabase::url)
    }

    /// The ids of the server processes.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().filter_map(|process| process.child.as_ref().map(Child::id)).collect()
    }

    async fn wait_until_healthy(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        for index in 0..self.processes.len() {
            while !is_healthy(&self.channel_to(index)).await {
                assert!(self.is_running(index), "server {index} ended:\n{}", self.logs());
                assert!(tokio::time::Instant::now() < deadline, "server {index} is not healthy:\n{}", self.logs());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn write_key(&self) {
        let key = rolecall_kernel::key::MasterKey::new(&rolecall_kernel::entropy::SystemEntropy);
        let path = self.folder.path().join("master.key");
        fs::write(&path, key.encode().as_bytes()).expect("a key file");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a private key file");
    }

    fn write_config(&self, index: usize, abort_at: Option<&str>) -> PathBuf {
        let path = self.folder.path().join(format!("server-{index}.toml"));
        fs::write(&path, self.config(index, abort_at)).expect("a configuration file");
        path
    }

    /// The configuration of one process.
    fn config(&self, index: usize, abort_at: Option<&str>) -> String {
        let process = &self.processes[index];
        let folder = self.folder.path().display();
        let mut sections = vec![
            format!(
                "[server]\nlisten = \"127.0.0.1:{}\"\nservices = {:?}\ndata_dir = \"{folder}/data\"\nexternal_url = \"{}\"",
                process.port,
                process.services,
                self.address("identity"),
            ),
            format!("[keys]\nmaster_key_file = \"{folder}/master.key\""),
            format!("[testing]\nenabled = true\nlease = \"2s\"\nweak_hashing = {}", self.hashing == Hashing::Weak),
        ];
        if self.trusts_proxies {
            sections[0].push_str("\ntrusted_proxies = [\"127.0.0.0/8\"]");
        }
        sections.extend(abort_at.map(|step| format!("abort_at = \"{step}\"")));
        sections.extend(self.peers_section(process));
        sections.push("[database]\nmigrate_at_start = true".to_owned());
        sections.extend(self.database.as_ref().map(|database| format!("url = \"{}\"", database.url())));
        if let Mailbox::Smtp(sink) = &self.mailbox {
            sections
                .push("[notification]\nretry = [\"1s\", \"1s\", \"2s\", \"5s\"]\nchannel_pause = \"1s\"".to_owned());
            let port = sink.port();
            sections.push(format!("[notification.smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\""));
        }
        sections.extend(self.sections.iter().cloned());
        sections.join("\n") + "\n"
    }

    /// Where the services are that other processes host; nothing when this one hosts all.
    fn peers_section(&self, process: &Process) -> Option<String> {
        let elsewhere = SERVICES.iter().filter(|service| !process.services.contains(service));
        let mut lines: Vec<String> =
            elsewhere.map(|service| format!("{service} = \"{}\"", self.address(service))).collect();
        if lines.is_empty() {
            return None;
        }
        lines.extend(self.encrypted.then(|| format!("ca_file = \"{}\"", self.authority().display())));
        Some(format!("[peers]\n{}", lines.join("\n")))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}

async fn is_healthy(channel: &Channel) -> bool {
    let request = HealthCheckRequest { service: String::new() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.is_ok_and(|answer| answer.get_ref().status == i32::from(ServingStatus::Serving))
}

/// The server binary, built beside whoever asks by `cargo build --workspace`.
pub fn binary() -> PathBuf {
    let asker = std::env::current_exe().expect("the path of the running program");
    // Tests lie one folder deeper than the binaries.
    let built = asker.ancestors().skip(1).take(2).map(|folder| folder.join("rolecall")).find(|path| path.is_file());
    built.unwrap_or_else(|| panic!("no `rolecall` beside {}: run `cargo build --workspace` first", asker.display()))
}
