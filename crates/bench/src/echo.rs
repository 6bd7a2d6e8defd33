//! Two servers of one echo service: bare tonic, and behind our whole stack.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use rolecall_authz::{
    AccessCache, AccessCacheConfig, AccessClaims, AccessError, AccessSource, AuthLayer, Authorizer, Freshness, KeySet,
    Policy, Revocations, ScopeKind, ServiceTokens, SessionLimits, SubjectAccess, SubjectKind, TokenSigner, Verifier,
    VerifierConfig,
};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{OrganizationId, SessionId, SubjectId};
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::{Clock as _, SystemClock};
use rolecall_rpc::server::{self, DrainConfig, ListenerConfig, Shutdown};
use rolecall_rpc::stack::{self, StackConfig, Tools};
use rolecall_tests::raw::{self, RawCodec};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

/// The path of the one method.
pub(crate) const PATH: &str = "/rolecall.bench.v1.EchoService/Echo";

/// Answers each request with its own bytes.
#[derive(Debug, Clone, Copy, Default)]
struct EchoService;

impl NamedService for EchoService {
    const NAME: &'static str = "rolecall.bench.v1.EchoService";
}

impl UnaryService<Bytes> for EchoService {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        std::future::ready(Ok(tonic::Response::new(request.into_inner())))
    }
}

impl tower::Service<http::Request<Body>> for EchoService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = *self;
        Box::pin(async move { Ok(tonic::server::Grpc::new(RawCodec).unary(service, request).await) })
    }
}

/// Serves the echo with nothing around it, and says where.
pub(crate) async fn serve_bare() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    let incoming = TcpListenerStream::new(listener);
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .add_service(EchoService)
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

/// Tells the parent process where this one listens.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
fn announce(address: SocketAddr) {
    println!("{address}");
}

/// Serves the echo behind the whole stack, and says where.
pub(crate) async fn serve_stack() -> anyhow::Result<()> {
    let descriptor = descriptor()?;
    let policy = Arc::new(Policy::from_descriptor(&descriptor)?);
    let tools = Tools::new(&[&descriptor], &policy, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
    let config = AccessCacheConfig::new(Freshness::InProcess);
    let access = AccessCache::new(Arc::new(Everybody), config);
    let revocations = Revocations::new(Arc::new(SystemClock), Freshness::InProcess, None);
    let authorizer = Authorizer::new(policy, Arc::new(verifier()), revocations, access, ["bench"]);
    let routes = tonic::service::Routes::new(EchoService);
    let stack = stack::build(routes, &AuthLayer::new(authorizer), &StackConfig::default(), tools);
    let config = ListenerConfig { address: ([127, 0, 0, 1], 0).into(), ..ListenerConfig::default() };
    let listener = server::bind(&config).await?;
    announce(listener.address());
    let drained =
        server::serve(listener, stack, axum::Router::new(), Shutdown::default(), DrainConfig::default()).await;
    anyhow::ensure!(drained.is_complete(), "the echo was cut off");
    Ok(())
}

/// The descriptor of the echo, rule included.
fn descriptor() -> anyhow::Result<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([root.join("proto"), root.join("../../proto")])?;
    compiler.include_imports(true).open_file(root.join("proto/bench/v1/echo.proto"))?;
    Ok(compiler.encode_file_descriptor_set())
}

/// Gives everybody the permission to echo, so that only the way to the answer is measured.
struct Everybody;

#[async_trait]
impl AccessSource for Everybody {
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        Ok(Some(SubjectAccess {
            subject,
            kind: SubjectKind::User,
            organization_id: Some(OrganizationId::from_uuid(subject.as_uuid())),
            organization_active: true,
            roles: vec!["OWNER".to_owned()],
            admin: false,
            blocked: false,
            grants: vec![("bench.echoes.get".to_owned(), ScopeKind::Own)],
            session_limits: SessionLimits::default(),
            revision: 1,
        }))
    }
}

const ISSUER: &str = "https://bench.example";
const SEED: [u8; 32] = [7; 32];

/// A good token; each index makes another one, of one of a hundred subjects.
pub(crate) fn token(index: usize) -> String {
    let signer = TokenSigner::from_seed("bench", &SEED);
    let now = SystemClock.now();
    let id = |salt: u128| Uuid::from_u128(salt << 64 | (index as u128 % 100 + 1));
    signer.sign_access(&AccessClaims {
        iss: ISSUER.to_owned(),
        sub: SubjectId::from_uuid(id(1)),
        aud: "rolecall".to_owned(),
        exp: now.plus(Duration::from_secs(290)),
        iat: now,
        sid: Some(SessionId::from_uuid(id(2))),
        jti: index.to_string(),
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        kind: SubjectKind::User,
        scope: None,
        act: None,
        read_only: false,
    })
}

/// What verifies the tokens.
pub(crate) fn verifier() -> Verifier {
    let key = TokenSigner::from_seed("bench", &SEED).public_key().clone();
    let services = ServiceTokens::new(&MasterKey::new(&SystemEntropy));
    Verifier::new(Arc::new(KeySet::new([key])), &services, Arc::new(SystemClock), VerifierConfig::new(ISSUER))
}

/// Whether a token is good.
pub(crate) fn verify(verifier: &Verifier, token: &str) -> bool {
    verifier.verify(token).is_ok()
}

/// A server in a process of its own, so that its CPU can be told from ours.
pub(crate) struct Child {
    process: tokio::process::Child,
    address: String,
}

impl Child {
    /// Starts this program in one of its roles and waits until it listens.
    pub(crate) async fn start(role: &str) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        let mut process = command.arg(role).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = process.stdout.take().context("the child has an output")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("the child says where it listens")?;
        Ok(Self { process, address: format!("http://{line}") })
    }

    /// The id of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }

    /// Connections of their own, opened at their first calls.
    pub(crate) fn channels(&self, count: usize) -> Vec<Channel> {
        let endpoint = || Endpoint::from_shared(self.address.clone());
        (0..count).filter_map(|_| endpoint().ok().map(|endpoint| endpoint.connect_lazy())).collect()
    }

    /// Makes one call.
    pub(crate) async fn call_once(&self) -> anyhow::Result<()> {
        let channel = self.channels(1).pop().context("an address")?;
        raw::call_unary(&channel, PATH, Bytes::from_static(b"ready?"), None).await?;
        Ok(())
    }
}
