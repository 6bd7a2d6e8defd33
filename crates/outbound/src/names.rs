//! Addresses and texts of the Domain Name System.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};

use crate::config::ConfigError;

/// The most texts of one name that are looked at.
const MAX_TEXTS: usize = 64;

/// The name server of this machine.
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// The name was not found, or no name server answered.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is no such record.
    #[error("there is no such record")]
    NotFound,
    /// No name server answered.
    #[error("no name server answered")]
    Unanswered,
}

/// Asks name servers.
#[derive(Clone)]
pub struct Names(TokioResolver);

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    /// Asks this name server, or those of the system.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, ConfigError> {
        let mut builder = match server {
            Some(server) => Resolver::builder_with_config(only(server), TokioRuntimeProvider::default()),
            // Where the system names none, one on this machine is asked, as the C library does.
            None => TokioResolver::builder_tokio()
                .unwrap_or_else(|_| Resolver::builder_with_config(only(LOCAL), TokioRuntimeProvider::default())),
        };
        let options = builder.options_mut();
        options.timeout = Duration::from_secs(3);
        options.attempts = 2;
        // A record that was just made must be seen: nothing is remembered here, the name servers do that.
        options.cache_size = 0;
        builder.build().map(Self).map_err(|_| ConfigError::NameServers)
    }

    /// Returns the addresses of a host.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let found = self.0.lookup_ip(absolute(host)).await.map_err(|error| failed(&error))?;
        Ok(found.iter().collect())
    }

    /// Returns the texts of a name (TXT records); the parts of one text are joined.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, LookupError> {
        let found = self.0.txt_lookup(absolute(name)).await.map_err(|error| failed(&error))?;
        let texts = found.answers().iter().filter_map(|record| {
            let RData::TXT(text) = &record.data else { return None };
            Some(text.txt_data.concat())
        });
        Ok(texts.take(MAX_TEXTS).map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
    }
}

/// A name with its final dot: search lists of the system do not apply.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn failed(error: &hickory_resolver::net::NetError) -> LookupError {
    if error.is_no_records_found() || error.is_nx_domain() { LookupError::NotFound } else { LookupError::Unanswered }
}

fn only(server: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    ResolverConfig::from_parts(None, Vec::new(), vec![server])
}
