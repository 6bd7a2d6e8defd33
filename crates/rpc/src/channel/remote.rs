//! The way to another process: one HTTP/2 connection that heals itself.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// Where another service is, and how to reach it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// The address, such as `https://identity.internal:8443`; `http://` only on loopback.
    pub address: String,
    /// The certificate authority of the service in PEM form; absent means those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Allows `http://` beyond loopback, for networks that encrypt by themselves.
    #[serde(default)]
    pub plaintext: bool,
    /// How long a connection may take to come about.
    #[serde(default = "RemoteConfig::default_connect_timeout", with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long a call waits for its answer to begin.
    #[serde(default = "RemoteConfig::default_answer_timeout", with = "humantime_serde")]
    pub answer_timeout: Duration,
    /// How often a connection is asked whether it lives; also how long it may take to say so.
    #[serde(default = "RemoteConfig::default_keepalive", with = "humantime_serde")]
    pub keepalive: Duration,
}

impl RemoteConfig {
    /// Makes the settings of a service at this address, all else by default.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            ca_file: None,
            plaintext: false,
            connect_timeout: Self::default_connect_timeout(),
            answer_timeout: Self::default_answer_timeout(),
            keepalive: Self::default_keepalive(),
        }
    }

    fn default_connect_timeout() -> Duration {
        Duration::from_secs(5)
    }

    fn default_answer_timeout() -> Duration {
        super::ANSWER_TIMEOUT
    }

    fn default_keepalive() -> Duration {
        Duration::from_secs(10)
    }
}

/// Why a service cannot be called; the text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error("`{0}` is no address of a service; write it like `https://identity.internal:8443`")]
    Address(String),
    /// Calls would travel in the clear.
    #[error("`{0}` is not encrypted and not on loopback; use `https://`, or set `plaintext = true`")]
    Plaintext(String),
    /// The file of the certificate authority cannot be read.
    #[error("the certificate authority {path} cannot be read: {source}", path = path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The certificate authority cannot be used.
    #[error("the certificate authority for `{address}` cannot be used: {source}")]
    Tls {
        /// The address.
        address: String,
        /// Why not.
        source: tonic::transport::Error,
    },
}

/// Makes a connection that is established at the first call.
pub(super) fn connect(config: &RemoteConfig) -> Result<Channel, RemoteError> {
    let malformed = || RemoteError::Address(config.address.clone());
    let endpoint = Endpoint::from_shared(config.address.clone()).map_err(|_| malformed())?;
    let host = endpoint.uri().host().ok_or_else(malformed)?.to_owned();
    let endpoint = match endpoint.uri().scheme_str() {
        Some("https") => encrypt(endpoint, config)?,
        Some("http") if config.plaintext || is_loopback(&host) => endpoint,
        Some("http") => return Err(RemoteError::Plaintext(config.address.clone())),
        _ => return Err(malformed()),
    };
    let endpoint = endpoint
        .connect_timeout(config.connect_timeout)
        .http2_keep_alive_interval(config.keepalive)
        .keep_alive_timeout(config.keepalive)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    Ok(endpoint.connect_lazy())
}

fn encrypt(endpoint: Endpoint, config: &RemoteConfig) -> Result<Endpoint, RemoteError> {
    let tls = match &config.ca_file {
        None => ClientTlsConfig::new().with_native_roots(),
        Some(path) => {
            let pem = std::fs::read(path).map_err(|source| RemoteError::CaFile { path: path.clone(), source })?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
    };
    endpoint.tls_config(tls).map_err(|source| RemoteError::Tls { address: config.address.clone(), source })
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn asvs_v12_3_3_only_loopback_is_reached_without_encryption() {
        for address in ["http://localhost:8443", "http://127.0.0.1:8443", "http://[::1]:8443", "https://identity:8443"]
        {
            assert!(connect(&RemoteConfig::new(address)).is_ok(), "{address}");
        }
        for address in ["http://identity:8443", "http://10.0.0.1:1", "identity:8443", "ftp://identity", "", "https://"]
        {
            assert!(connect(&RemoteConfig::new(address)).is_err(), "{address}");
        }
        let allowed = RemoteConfig { plaintext: true, ..RemoteConfig::new("http://identity:8443") };
        assert!(connect(&allowed).is_ok());
    }

    #[tokio::test]
    async fn an_unreadable_certificate_authority_is_named() {
        let config = RemoteConfig { ca_file: Some("/nowhere/ca.pem".into()), ..RemoteConfig::new("https://identity") };
        let error = connect(&config).expect_err("refused");
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
