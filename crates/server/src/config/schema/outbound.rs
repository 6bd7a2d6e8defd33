//! How addresses are reached that somebody else chose.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::section::section;

section! {
    /// How identity providers are reached, and other addresses that somebody else chose.
    Outbound {
        /// Networks that may be spoken to although they are not public, such as `10.1.0.0/16`; loopback also without TLS.
        allowed_networks: Vec<IpNet> = Vec::new(),
        /// A certificate authority in PEM form beside those of the system.
        ca_file: Option<PathBuf> = None,
        /// The name server to ask instead of those of the system.
        dns_server: Option<SocketAddr> = None,
    }
}
