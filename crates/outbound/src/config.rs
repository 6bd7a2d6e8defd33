//! What the operator opens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

/// How requests leave; every field has a default, and the default opens nothing.
#[derive(Debug, Clone)]
pub struct OutboundConfig {
    /// Networks that may be spoken to although they are not public; on loopback also without TLS.
    pub allowed_networks: Vec<IpNet>,
    /// A certificate authority in PEM form beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// The name server to ask instead of those of the system.
    pub dns_server: Option<SocketAddr>,
    /// How long one request may take, from the look-up of the name to the last byte.
    pub timeout: Duration,
    /// The most bytes of an answer.
    pub max_answer: usize,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            ca_file: None,
            dns_server: None,
            timeout: Duration::from_secs(15),
            max_answer: 64 * 1024,
        }
    }
}

/// Why nothing can be sent; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of the certificate authority.
    #[error("outbound.ca_file: cannot be read as certificates in PEM form")]
    CaFile,
    /// The name servers of the system.
    #[error("outbound.dns_server: names cannot be looked up there")]
    NameServers,
    /// The TLS implementation.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}
