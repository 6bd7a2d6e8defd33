//! How the server's conversations are protected.

use std::fmt;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// How the conversations of a mail server are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// Not at all, and STARTTLS is not offered.
    #[default]
    None,
    /// By TLS from the first byte.
    Implicit,
    /// By TLS once the client has said STARTTLS; without it, no mail is taken.
    StartTls,
}

/// The protection, with what it needs.
#[derive(Clone, Default)]
pub(super) enum Terms {
    #[default]
    None,
    Implicit(TlsAcceptor),
    StartTls(TlsAcceptor),
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Implicit(_) => "Implicit",
            Self::StartTls(_) => "StartTls",
        })
    }
}

/// Whatever a conversation goes through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Makes a certificate for `localhost` where one is needed, and returns it in PEM.
pub(super) fn terms(security: Security) -> (Terms, String) {
    let make = match security {
        Security::None => return (Terms::None, String::new()),
        Security::Implicit => Terms::Implicit,
        Security::StartTls => Terms::StartTls,
    };
    let generated = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate can be made");
    let CertifiedKey { cert, signing_key } = generated;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the usual versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("the key belongs to the certificate");
    (make(TlsAcceptor::from(Arc::new(config))), cert.pem())
}
