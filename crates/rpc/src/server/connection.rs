//! The life of one connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;

use super::config::ListenerConfig;
use super::front::Front;
use super::proxies::Proxies;

/// The client's part of the HTTP/2 preface (RFC 9113, section 3.4), and less than any HTTP/1 request.
const PREFACE: usize = 24;

/// Streams that a client opened and reset before they were served (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;

/// Streams that the server had to reset because of a client's errors (CVE-2025-8671).
const MAX_ERROR_RESETS: usize = 256;

/// What is read ahead of an HTTP/1 request, its head included, in bytes.
const MAX_HTTP1_BUFFER: usize = 64 * 1024;

/// What all connections of a listener share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) front: Front,
    pub(super) proxies: Proxies,
    pub(super) config: Arc<ListenerConfig>,
    pub(super) tls: Option<TlsAcceptor>,
    /// Cancelled when every connection has lived long enough.
    pub(super) age: CancellationToken,
    /// Cancelled when no connection may go on.
    pub(super) kill: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Connections {
    /// Serves a connection to its end.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        let kill = self.kill.clone();
        let served = Box::pin(self.handshake(stream, peer));
        if let Some(Err(error)) = kill.run_until_cancelled(served).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    async fn handshake(self, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let info = TcpConnectInfo { local_addr: stream.local_addr().ok(), remote_addr: Some(peer) };
        match self.tls.clone() {
            None => self.speak(stream, info).await,
            Some(tls) => {
                let accepted = tokio::time::timeout(self.config.handshake_timeout, tls.accept(stream)).await;
                self.speak(accepted.map_err(|_| io::ErrorKind::TimedOut)??, info).await
            }
        }
    }

    async fn speak<S>(self, stream: S, info: TcpConnectInfo) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let age = age(&self.config, &info);
        let read = Arc::new(AtomicUsize::new(0));
        let stream = TokioIo::new(Counted { stream, read: Arc::clone(&read) });
        let builder = builder(&self.config);
        let connection = builder.serve_connection(stream, Served { front: self.front, proxies: self.proxies, info });
        tokio::pin!(connection);
        let silence = silent(self.config.handshake_timeout, read);
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(io::Error::other),
            () = silence => return Err(io::ErrorKind::TimedOut.into()),
            () = tokio::time::sleep(age) => (),
            () = self.age.cancelled() => (),
        }
        connection.as_mut().graceful_shutdown();
        if self.age.is_cancelled() {
            // The drain has a limit of its own, which kills.
            return connection.await.map_err(io::Error::other);
        }
        match tokio::time::timeout(self.config.connection_grace, connection).await {
            Ok(ended) => ended.map_err(io::Error::other),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Resolves when the peer has not begun to speak in time.
async fn silent(timeout: Duration, read: Arc<AtomicUsize>) {
    tokio::time::sleep(timeout).await;
    if read.load(Ordering::Relaxed) >= PREFACE {
        std::future::pending::<()>().await;
    }
}

/// The age that this connection may reach: its peer's port spreads the ends, so that they do not come all at once.
fn age(config: &ListenerConfig, info: &TcpConnectInfo) -> Duration {
    let port = info.remote_addr.map_or(0, |peer| peer.port());
    config.connection_age.saturating_mul(900 + u32::from(port % 201)) / 1_000
}

fn builder(config: &ListenerConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.handshake_timeout)
        .max_buf_size(MAX_HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(config.keepalive)
        .keep_alive_timeout(config.keepalive)
        .max_concurrent_streams(config.max_concurrent_streams)
        .max_header_list_size(config.max_header_list)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS);
    builder
}

/// The service of one connection: it adds who is calling.
#[derive(Clone)]
struct Served {
    front: Front,
    proxies: Proxies,
    info: TcpConnectInfo,
}

impl hyper::service::Service<Request<Incoming>> for Served {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.info.clone());
        let peer = self.info.remote_addr.map(|address| address.ip());
        if let Some(network) = peer.and_then(|peer| self.proxies.network(peer, request.headers())) {
            request.extensions_mut().insert(network);
        }
        self.front.serve(request)
    }
}

/// Counts what was read, to tell a peer that speaks from one that only holds a socket.
struct Counted<S> {
    stream: S,
    read: Arc<AtomicUsize>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.read.fetch_add(buffer.filled().len() - before, Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
