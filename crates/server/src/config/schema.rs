//! Every section and setting, with its default and its comment.
//!
//! The comments are what `rolecall config example` prints. Defaults that belong to another crate are asked there.

mod contexts;
mod outbound;
mod pages;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use rolecall_rpc::server::{DrainConfig, ListenerConfig};
use rolecall_rpc::stack::StackConfig;

use super::section::section;
use super::setting::{LogFormat, Secret, Service};

pub use contexts::{Hashing, Identity, Notification, Organization, Smtp};
pub use outbound::Outbound;
pub use pages::{Links, Pages};

/// The port of a server that is told no other.
const PORT: u16 = 50_051;

section! {
    /// The whole configuration.
    Config {}
    sections {
        /// What this process serves, and where.
        server: Server,
        /// The key outside the databases, from which all others are derived.
        keys: Keys,
        /// Where data is kept.
        database: Database,
        /// The services of the suite that other processes host.
        peers: Peers,
        /// Accounts, login, sessions, tokens.
        identity: Identity,
        /// Organizations, members, roles, access, audit.
        organization: Organization,
        /// Mails.
        notification: Notification,
        /// Pages for browsers.
        pages: Pages,
        /// Pages of your own that mails link to instead. The code that they get goes to `AcceptInvitation`,
        /// `ResetPassword`, `ConfirmEmailChange` or `VerifyEmail`.
        links: Links,
        /// How identity providers are reached, and other addresses that somebody else chose. Private networks are closed
        /// unless they are opened here.
        outbound: Outbound,
        /// Logs, traces and metrics.
        telemetry: Telemetry,
        /// Bounds of the listener; a call beyond one of them is refused with a reason.
        limits: Limits,
        /// For tests only.
        testing: Testing,
    }
}

section! {
    /// What this process serves, and where.
    Server {
        /// The services that this process hosts; it reaches the others by the addresses in section peers.
        services: Vec<Service> = Service::ALL.to_vec(),
        /// Address and port.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
        /// Allows calls in plaintext beyond loopback, where something before the server encrypts.
        plaintext: bool = false,
        /// The address that mails tell people; made from `listen` when absent.
        external_url: Option<String> = None,
        /// The folder of the SQLite files, of the mails while there is no mail server, and of the generated key.
        data_dir: PathBuf = PathBuf::from("./rolecall-data"),
        /// The origins whose web pages may call, such as `https://app.example.org`.
        allowed_origins: Vec<String> = Vec::new(),
        /// The addresses and networks of proxies whose `x-forwarded-for` is believed, such as `10.0.0.0/8`. Behind a
        /// proxy that is not on loopback, name it: or all its clients count as one network where failures are limited.
        trusted_proxies: Vec<String> = Vec::new(),
        /// How long connections are still accepted when the server ends, so that a load balancer can notice.
        drain_notice: Duration = DrainConfig::default().notice,
        /// When calls that are left at the end of the server are cut off.
        drain: Duration = DrainConfig::default().grace,
    }
    sections {
        /// The certificate of the listener; `rolecall certs init` makes one to try. Absent: plaintext.
        tls: Tls,
    }
}

section! {
    /// The certificate of the listener.
    Tls {
        /// The certificate chain in PEM form.
        cert_file: Option<PathBuf> = None,
        /// The private key in PEM form.
        key_file: Option<PathBuf> = None,
    }
}

section! {
    /// The key outside the databases.
    Keys {
        /// 32 random bytes in base64, the same for all processes: `openssl rand -base64 32`. A process that hosts all
        /// services on SQLite makes its own in the data folder when none is given.
        master_key: Secret = Secret::default(),
    }
}

section! {
    /// Where data is kept.
    Database {
        /// A PostgreSQL address, `postgres://user:password@host/name`; each service keeps a schema of its own there.
        /// Absent: one SQLite file a service in the data folder.
        url: Secret = Secret::default(),
        /// Brings the schema up to date when the server starts. Always so for a process that hosts all services on
        /// SQLite; otherwise `rolecall migrate` does it, once, before the new version starts.
        migrate_at_start: bool = false,
        /// The most PostgreSQL connections of each service, beside the one that hears of changes by other processes.
        max_connections: u32 = 10,
        /// How long a call waits for a connection.
        acquire_timeout: Duration = Duration::from_secs(2),
        /// How long one statement may run (PostgreSQL).
        statement_timeout: Duration = Duration::from_secs(5),
        /// How long one statement waits for a lock.
        lock_timeout: Duration = Duration::from_secs(2),
    }
    sections {
        /// Another database for identity.
        identity: ContextDatabase,
        /// Another database for organization.
        organization: ContextDatabase,
        /// Another database for notification.
        notification: ContextDatabase,
    }
}

section! {
    /// The database of one service where it differs.
    ContextDatabase {
        /// `postgres://user:password@host/name` or `sqlite:///absolute/path/file.db`.
        url: Secret = Secret::default(),
        /// The PostgreSQL schema; the name of the service when absent.
        schema: Option<String> = None,
    }
}

section! {
    /// The services that other processes host.
    Peers {
        /// Address of identity, such as `https://identity.internal:50051`.
        identity: Option<String> = None,
        /// Address of organization.
        organization: Option<String> = None,
        /// Address of notification.
        notification: Option<String> = None,
        /// The certificate authority of the peers in PEM form; those of the system when absent.
        ca_file: Option<PathBuf> = None,
        /// Allows `http://` to peers beyond loopback, for networks that encrypt by themselves.
        plaintext: bool = false,
    }
}

section! {
    /// Logs, traces and metrics.
    Telemetry {
        /// How log lines are written to standard error: text or json.
        format: LogFormat = LogFormat::Text,
        /// Which lines are written, such as `info` or `info,rolecall_identity=debug`.
        filter: String = rolecall_telemetry::Config::default().filter,
    }
    sections {
        /// A collector that takes traces and metrics (OTLP over gRPC).
        otlp: Otlp,
    }
}

section! {
    /// A collector that speaks OTLP over gRPC.
    Otlp {
        /// The collector's address, such as `http://localhost:4317`. Absent: nothing is sent.
        endpoint: Option<String> = None,
        /// The certificate authority of the collector in PEM form; those of the system when absent.
        ca_file: Option<PathBuf> = None,
        /// The part of the traces that is kept, from 0 to 1.
        sample_ratio: f64 = 0.05,
        /// How often metrics are sent.
        metrics_interval: Duration = Duration::from_secs(30),
        /// The name under which the process reports.
        service_name: String = "rolecall".to_owned(),
    }
}

section! {
    /// Bounds of the listener.
    Limits {
        /// How many connections there may be.
        max_connections: u32 = narrow(ListenerConfig::default().max_connections),
        /// How many connections one network may have (an IPv4 address, an IPv6 /64); loopback is exempt.
        max_connections_per_network: u32 = narrow(ListenerConfig::default().max_connections_per_network),
        /// How long a TLS handshake may take.
        handshake_timeout: Duration = ListenerConfig::default().handshake_timeout,
        /// How often a connection is asked whether its client lives.
        keepalive: Duration = ListenerConfig::default().keepalive,
        /// How old a connection grows before its client is asked to open another.
        connection_age: Duration = ListenerConfig::default().connection_age,
        /// How many calls one connection may carry at once.
        max_concurrent_streams: u32 = ListenerConfig::default().max_concurrent_streams,
        /// How many unary calls may be at hand.
        max_calls: u32 = narrow(StackConfig::default().max_calls),
        /// How many streaming calls may be at hand.
        max_streams: u32 = narrow(StackConfig::default().max_streams),
        /// How long a unary call may take, whatever its client allows.
        unary_timeout: Duration = StackConfig::default().unary_timeout,
        /// How long a streaming call may take.
        stream_timeout: Duration = StackConfig::default().stream_timeout,
    }
}

section! {
    /// For tests only.
    Testing {
        /// Allows the settings below; only on loopback.
        enabled: bool = false,
        /// The point of the code at which the process ends as if it were killed.
        abort_at: Option<String> = None,
        /// How long unfinished work and undelivered events are left to the process that took them.
        lease: Option<Duration> = None,
        /// Hashes passwords cheaply.
        weak_hashing: bool = false,
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
