//! What the `server` section of the configuration says of listening and ending.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Where the server listens and what it lets in.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenerConfig {
    /// The address and port.
    pub address: SocketAddr,
    /// The certificate; absent means plaintext.
    pub tls: Option<TlsConfig>,
    /// Allows plaintext beyond loopback, where something before the server encrypts.
    pub plaintext: bool,
    /// The origins whose web pages may call, such as `https://app.example.org`.
    pub allowed_origins: Vec<String>,
    /// The addresses and networks of proxies that are believed whom they pass on (`x-forwarded-for`), such as
    /// `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    /// How many connections there may be.
    pub max_connections: usize,
    /// How many connections one network may have (an IPv4 address, an IPv6 /64); loopback is exempt.
    pub max_connections_per_network: usize,
    /// How long the TLS handshake, and after it the first bytes of HTTP, may take.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// How often a connection is asked whether its peer lives, and how long the peer may take to say so.
    #[serde(with = "humantime_serde")]
    pub keepalive: Duration,
    /// How many calls one connection may carry at once.
    pub max_concurrent_streams: u32,
    /// The largest list of headers in bytes.
    pub max_header_list: u32,
    /// How old a connection grows, give or take a tenth, before its client is asked to open another.
    #[serde(with = "humantime_serde")]
    pub connection_age: Duration,
    /// How long the calls on an old connection may still take.
    #[serde(with = "humantime_serde")]
    pub connection_grace: Duration,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            tls: None,
            plaintext: false,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_connections: 2_000,
            max_connections_per_network: 100,
            handshake_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(20),
            max_concurrent_streams: 100,
            max_header_list: 16 * 1024,
            connection_age: Duration::from_mins(10),
            connection_grace: Duration::from_secs(30),
        }
    }
}

/// The certificate of the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate chain in PEM form.
    pub certificate_file: PathBuf,
    /// The private key in PEM form.
    pub key_file: PathBuf,
}

/// How the server ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainConfig {
    /// How long connections are still accepted, so that whoever routes them has time to notice the end.
    #[serde(with = "humantime_serde")]
    pub notice: Duration,
    /// When streamed answers are ended, counted from the end of the notice.
    #[serde(with = "humantime_serde")]
    pub streams: Duration,
    /// When what is left is cut off, counted from the end of the notice.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self { notice: Duration::ZERO, streams: Duration::from_secs(2), grace: Duration::from_secs(20) }
    }
}
