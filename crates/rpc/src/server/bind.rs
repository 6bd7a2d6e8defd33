//! Taking the port and reading the certificate; each failure is one sentence that says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderValue;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::config::{ListenerConfig, TlsConfig};
use super::proxies;

/// A port that was taken, and all that serving on it needs.
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) config: ListenerConfig,
    address: SocketAddr,
}

impl Listener {
    /// Returns the address that was taken; its port is the real one where the configuration says 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("{0} is in use by another program: stop that program, or choose another port in `server.listen`")]
    InUse(SocketAddr),
    /// The port is not for everybody.
    #[error("{0} may not be taken by this user: choose a port above 1023 in `server.listen`")]
    Forbidden(SocketAddr),
    /// The address cannot be taken.
    #[error("{address} cannot be listened on ({source}): correct `server.listen`")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Calls would travel in the clear.
    #[error(
        "{0} is not on loopback and no certificate is given: set `server.tls`, or `server.plaintext = true` where \
         something before the server encrypts"
    )]
    Plaintext(SocketAddr),
    /// An origin is none.
    #[error("`{0}` in `server.allowed_origins` is no origin: write it like `https://app.example.org`")]
    Origin(String),
    /// A proxy is neither an address nor a network.
    #[error("`{0}` in `server.trusted_proxies` is no network: write it like `10.0.0.0/8`, or a single address")]
    Proxy(String),
    /// A file of the certificate cannot be read.
    #[error("{path} cannot be read ({source}): correct `server.tls`", path = path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not fit.
    #[error("the certificate and the key of `server.tls` cannot be used together: {0}")]
    Certificate(#[from] rustls::Error),
}

/// Takes the port.
pub async fn bind(config: &ListenerConfig) -> Result<Listener, BindError> {
    let address = config.address;
    check_origins(&config.allowed_origins)?;
    if let Some(wrong) = config.trusted_proxies.iter().find(|text| proxies::parse(text).is_none()) {
        return Err(BindError::Proxy(wrong.clone()));
    }
    let tls = config.tls.as_ref().map(acceptor).transpose()?;
    if tls.is_none() && !address.ip().is_loopback() {
        if !config.plaintext {
            return Err(BindError::Plaintext(address));
        }
        tracing::warn!(%address, "calls are accepted in plaintext; passwords and tokens can be read on the way");
    }
    let socket = TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            BindError::InUse(address)
        } else if source.kind() == io::ErrorKind::PermissionDenied {
            BindError::Forbidden(address)
        } else {
            BindError::Address { address, source }
        }
    })?;
    let address = socket.local_addr().map_err(|source| BindError::Address { address, source })?;
    Ok(Listener { socket, tls, config: config.clone(), address })
}

fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, BindError> {
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        move |source| BindError::CertificateFile { path, source }
    };
    let chain = CertificateDer::pem_file_iter(&config.certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&config.certificate_file))?;
    let key = PrivateKeyDer::from_pem_file(&config.key_file).map_err(unreadable(&config.key_file))?;
    // The provider is named, so that a dependency that brings another one cannot make this fail.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// An origin is a scheme, a host and perhaps a port; `*` would let every page of the world call with a user's token.
fn check_origins(origins: &[String]) -> Result<(), BindError> {
    let is_origin = |origin: &str| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#']))
            && HeaderValue::from_str(origin).is_ok()
    };
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(origin) => Err(BindError::Origin(origin.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_proxy_that_is_none_is_named() {
        for wrong in ["proxy.example.org", "10.0.0.0/33", ""] {
            let address = ([127, 0, 0, 1], 0).into();
            let trusted_proxies = vec!["10.0.0.1".to_owned(), wrong.to_owned()];
            let refused = bind(&ListenerConfig { address, trusted_proxies, ..Default::default() }).await;
            assert!(matches!(refused, Err(BindError::Proxy(named)) if named == wrong), "{wrong}");
        }
    }

    #[test]
    fn only_whole_origins_are_allowed() {
        for good in ["https://app.example.org", "http://localhost:5173"] {
            assert!(check_origins(&[good.to_owned()]).is_ok(), "{good}");
        }
        for bad in ["*", "app.example.org", "https://", "https://*.example.org", "https://app.example.org/", "null"] {
            assert!(check_origins(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
