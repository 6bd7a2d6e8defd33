//! One request.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use crate::config::{ConfigError, OutboundConfig};
use crate::guard::{self, Refusal, Target};
use crate::names::{LookupError, Names};
use crate::tls;

/// The most bytes of the line and headers of an answer.
const MAX_HEAD: usize = 16 * 1024;

/// Why there is no answer. Whatever the other side said stays out of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not spoken to.
    #[error("the address {0}")]
    Refused(#[from] Refusal),
    /// The name has no address.
    #[error("the name of the server was not found")]
    Unresolved(#[from] LookupError),
    /// Nobody listens, or it is not who it says.
    #[error("the server cannot be reached, or its certificate is not trusted")]
    Unreachable(#[source] std::io::Error),
    /// What came is not HTTP.
    #[error("the server broke off, or does not speak HTTP")]
    Broken(#[source] hyper::Error),
    /// The answer is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer did not come in time.
    #[error("the answer did not come in time")]
    TimedOut,
    /// The request has no absolute address.
    #[error("the request has no usable address")]
    Unusable,
}

/// The way out.
#[derive(Debug, Clone)]
pub struct Outbound {
    allowed: Arc<[IpNet]>,
    names: Names,
    tls: Arc<ClientConfig>,
    timeout: std::time::Duration,
    max_answer: usize,
}

impl Outbound {
    /// Opens the way out.
    pub fn new(config: &OutboundConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            allowed: config.allowed_networks.clone().into(),
            names: Names::new(config.dns_server)?,
            tls: tls::client(config.ca_file.as_deref())?,
            timeout: config.timeout,
            max_answer: config.max_answer,
        })
    }

    /// Returns what asks name servers.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Tells what can be seen of an address before a request: is it one that may be spoken to?
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        guard::check(url, &self.allowed)
    }

    /// Sends one request and reads the whole answer, whatever its status; redirects are not followed.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::TimedOut),
        }
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| Error::Unusable)?;
        let target = guard::target(&url, &self.allowed)?;
        let request = prepare(request, &url)?;
        let stream = self.connect(&target).await?;
        if target.is_tls {
            let name = server_name(&target.host)?;
            let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
            return self.ask(stream.map_err(Error::Unreachable)?, request).await;
        }
        self.ask(stream, request).await
    }

    /// Resolves once, and connects to one of those very addresses: a name that changes its mind gains nothing.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Error> {
        let addresses = match (guard::literal(&target.host), &target.host) {
            (Some(address), _) => vec![address],
            (None, Host::Domain(name)) => self.names.addresses(name).await?,
            (None, Host::Ipv4(_) | Host::Ipv6(_)) => Vec::new(),
        };
        let mut failure = Error::Unresolved(LookupError::NotFound);
        for address in addresses {
            let address = SocketAddr::new(address, target.port);
            // One closed address among open ones is an attempt, not a mistake.
            guard::permit(address, &self.allowed)?;
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Error::Unreachable(error),
            }
        }
        Err(failure)
    }

    async fn ask<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<Response<Vec<u8>>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_buf_size(MAX_HEAD);
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(Error::Broken)?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(Error::Broken)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, self.max_answer).collect().await.map_err(cut)?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        };
        // The connection ends with this future, so that nothing outlives the time that the request may take.
        tokio::pin!(answer, connection);
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            ended = &mut connection => match ended {
                Ok(()) => answer.await,
                Err(error) => Err(Error::Broken(error)),
            },
        }
    }
}

fn cut(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    if error.is::<LengthLimitError>() {
        return Error::TooLarge;
    }
    match error.downcast::<hyper::Error>() {
        Ok(error) => Error::Broken(*error),
        Err(error) => Error::Unreachable(std::io::Error::other(error)),
    }
}

fn server_name(host: &Host<String>) -> Result<ServerName<'static>, Error> {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_owned();
            ServerName::try_from(name).map_err(|_| Error::Unusable)
        }
        Host::Ipv4(address) => Ok(ServerName::from(std::net::IpAddr::from(*address))),
        Host::Ipv6(address) => Ok(ServerName::from(std::net::IpAddr::from(*address))),
    }
}

/// Writes the request as HTTP/1.1 wants it: the path alone, and the host in a header.
fn prepare(request: Request<Vec<u8>>, url: &Url) -> Result<Request<Full<Bytes>>, Error> {
    let (mut head, body) = request.into_parts();
    head.uri = url[Position::BeforePath..Position::AfterQuery].parse::<Uri>().map_err(|_| Error::Unusable)?;
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(|_| Error::Unusable)?;
    head.headers.insert(header::HOST, host);
    head.headers.insert(header::USER_AGENT, HeaderValue::from_static("rolecall"));
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(Request::from_parts(head, Full::new(Bytes::from(body))))
}
