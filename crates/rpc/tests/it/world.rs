//! A small service that does as it is told, served on a port of its own.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::time::SystemClock;
use rolecall_rpc::channel::Channel;
use rolecall_rpc::health::{Health, Probe};
use rolecall_rpc::methods::Methods;
use rolecall_rpc::server::{DrainConfig, Drained, Listener, ListenerConfig, Shutdown, bind, serve};
use rolecall_rpc::stack::{Stack, StackConfig, Tools, build};
use rolecall_rpc::status::{StatusBuilder, domain, internal};
use rolecall_rpc::{call, detached};
use rolecall_telemetry::red::RpcMetrics;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::service::RoutesBuilder;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::layer::util::Identity;
use tower::{Service, service_fn};

/// The largest request of the service.
pub(crate) const MAX: usize = 1_000;

/// The one message of the service.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Text {
    /// What to do, or what was done.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// What the handlers leave behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    /// How many handlers have begun.
    pub(crate) begun: Arc<AtomicUsize>,
    /// How many handlers have come to their end.
    pub(crate) done: Arc<AtomicUsize>,
    /// Lets go of handlers that wait.
    pub(crate) go: Arc<Notify>,
    /// Where `forward:` goes.
    pub(crate) peer: Arc<OnceLock<Channel>>,
}

impl World {
    /// Waits until this many handlers have begun.
    pub(crate) async fn wait_for_begun(&self, count: usize) {
        while self.begun.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn wait(self) -> Result<(), Status> {
        self.go.notified().await;
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn act(self, request: tonic::Request<Text>) -> Result<tonic::Response<Text>, Status> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let text = request.into_inner().text;
        let said = match text.split_once(':').unwrap_or((&text, "")) {
            ("wait", _) => self.wait().await.map(|()| String::new())?,
            ("detached", _) => detached::run(self.wait()).await.map(|()| String::new())?,
            ("panic", secret) => panic!("{secret}"),
            ("internal", secret) => return Err(internal(domain::IDENTITY, std::io::Error::other(secret.to_owned()))),
            ("bare", secret) => return Err(Status::unknown(secret)),
            ("far", secret) => return Err(Status::unavailable(secret)),
            ("rich", _) => return Err(rich()),
            ("id", _) => call::request_id().map(|id| id.to_string()).unwrap_or_default(),
            ("left", _) => left(),
            ("trace", _) => rolecall_telemetry::context::current().unwrap_or_default(),
            ("forward", what) => echo(self.peer.get().expect("set").clone(), what).await?,
            _ => text,
        };
        Ok(tonic::Response::new(Text { text: said }))
    }

    fn watch(&self, text: &str) -> BoxStream<'static, Result<Text, Status>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let first = stream::iter(["1", "2"].map(|text| Ok(Text { text: text.to_owned() })));
        match text {
            "forever" => first.chain(stream::pending()).boxed(),
            "error" => first.chain(stream::iter([Err(rich())])).boxed(),
            "secret" => first.chain(stream::iter([Err(Status::internal("hunter2"))])).boxed(),
            "panic" => first.chain(stream::poll_fn(|_| panic!("hunter2"))).boxed(),
            _ => first.boxed(),
        }
    }
}

fn rich() -> Status {
    StatusBuilder::new(Code::FailedPrecondition, domain::IDENTITY, "WRONG_STATE", "Unblock the user first.")
        .metadata("state", "blocked")
        .violation("text", "WRONG", "is wrong")
        .build()
}

/// Tells how many milliseconds are left, as the handler knows it.
fn left() -> String {
    call::deadline().map_or_else(String::new, |at| (at - tokio::time::Instant::now()).as_millis().to_string())
}

/// The service as generated code would spell it.
#[derive(Clone)]
pub(crate) struct Probed(pub(crate) World);

impl tonic::server::NamedService for Probed {
    const NAME: &'static str = "test.v1.Probe";
}

impl Service<Request<Body>> for Probed {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let world = self.0.clone();
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<Text, Text>::default());
        Box::pin(async move {
            Ok(match request.uri().path() {
                ECHO => grpc.unary(service_fn(move |request| world.clone().act(request)), request).await,
                WATCH => {
                    let watch = move |request: tonic::Request<Text>| {
                        let answers = world.watch(&request.get_ref().text);
                        async move { Ok::<_, Status>(tonic::Response::new(answers)) }
                    };
                    grpc.server_streaming(service_fn(watch), request).await
                }
                UPLOAD => grpc.client_streaming(service_fn(upload), request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

async fn upload(request: tonic::Request<Streaming<Text>>) -> Result<tonic::Response<Text>, Status> {
    let (mut messages, mut count) = (request.into_inner(), 0);
    while let Some(message) = messages.message().await? {
        count += message.text.len();
    }
    Ok(tonic::Response::new(Text { text: count.to_string() }))
}

pub(crate) const ECHO: &str = "/test.v1.Probe/Echo";
pub(crate) const WATCH: &str = "/test.v1.Probe/Watch";
pub(crate) const UPLOAD: &str = "/test.v1.Probe/Upload";
/// In the descriptor, but served by nobody here.
pub(crate) const ELSEWHERE: &str = "/test.v1.Elsewhere/Echo";

/// The descriptor set of the service.
pub(crate) fn descriptor() -> Vec<u8> {
    let method = |name: &str, client: bool, server: bool| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".test.v1.Text".to_owned()),
        output_type: Some(".test.v1.Text".to_owned()),
        client_streaming: Some(client),
        server_streaming: Some(server),
        ..Default::default()
    };
    let service = |name: &str, method| ServiceDescriptorProto { name: Some(name.to_owned()), method, options: None };
    let field = FieldDescriptorProto {
        name: Some("text".to_owned()),
        number: Some(1),
        label: Some(Label::Optional.into()),
        r#type: Some(Type::String.into()),
        ..Default::default()
    };
    let probe = vec![method("Echo", false, false), method("Watch", false, true), method("Upload", true, false)];
    let file = FileDescriptorProto {
        name: Some("test/v1/probe.proto".to_owned()),
        package: Some("test.v1".to_owned()),
        message_type: vec![DescriptorProto { name: Some("Text".to_owned()), field: vec![field], ..Default::default() }],
        service: vec![service("Probe", probe), service("Elsewhere", vec![method("Echo", false, false)])],
        syntax: Some("proto3".to_owned()),
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

/// Routes for whoever makes no calls.
fn http_routes(world: &World) -> axum::Router {
    use axum::routing::get;
    let (waiting, mutating) = (world.clone(), world.clone());
    let wait = async move |world: World| {
        world.begun.fetch_add(1, Ordering::SeqCst);
        world.wait().await.map_or("failed", |()| "waited")
    };
    let mutate = async move |world: World| {
        world.begun.fetch_add(1, Ordering::SeqCst);
        detached::run(world.wait()).await.map_or("failed", |()| "mutated")
    };
    axum::Router::new()
        .route("/keys", get(async || "the keys"))
        .route("/call", get(async || format!("{} {}", call::request_id().unwrap_or_default(), left())))
        .route("/panic", get(async || -> &str { panic!("hunter2") }))
        .route("/wait", get(move || wait(waiting.clone())))
        .route("/mutate", get(move || mutate(mutating.clone())))
}

/// Makes the stack around the service, health and reflection.
pub(crate) async fn stack(world: &World, config: &StackConfig) -> Stack {
    let descriptor: &'static [u8] = descriptor().leak();
    let methods = Methods::from_descriptors(&[descriptor], |path| path.starts_with("/test").then_some(MAX));
    let methods = Arc::new(methods.expect("decodes"));
    let health = Health::new(vec![Probe::new(methods.services(), || async { true })]).await;
    let mut routes = RoutesBuilder::default();
    routes.add_service(Probed(world.clone())).add_service(health.service());
    rolecall_rpc::reflection::add(&mut routes, descriptor).expect("valid descriptors");
    let metrics = RpcMetrics::new(methods.paths().map(str::to_owned));
    let tools = Tools { methods, metrics, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let stack = build(routes.routes(), &Identity::new(), config, tools);
    TaskTracker::new().spawn(health.run(CancellationToken::new()));
    stack
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) stack: Stack,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) ended: JoinHandle<Drained>,
}

/// Settings for a port of its own on loopback.
pub(crate) fn loopback() -> ListenerConfig {
    ListenerConfig { address: ([127, 0, 0, 1], 0).into(), ..Default::default() }
}

impl Server {
    /// Starts with all settings by default.
    pub(crate) async fn start() -> Self {
        Self::with(StackConfig::default(), loopback(), DrainConfig::default()).await
    }

    /// Starts with these settings.
    pub(crate) async fn with(stack: StackConfig, listener: ListenerConfig, drain: DrainConfig) -> Self {
        let listener = bind(&listener).await.expect("a free port");
        Self::on(listener, stack, drain).await
    }

    async fn on(listener: Listener, config: StackConfig, drain: DrainConfig) -> Self {
        let (world, address, shutdown) = (World::default(), listener.address(), Shutdown::default());
        let stack = stack(&world, &config).await;
        let http = http_routes(&world);
        let ended = TaskTracker::new().spawn(serve(listener, stack.clone(), http, shutdown.clone(), drain));
        Self { world, stack, address, shutdown, ended }
    }

    /// Connects a bare client, which takes any request as it is.
    pub(crate) fn connect(&self) -> tonic::transport::Channel {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", self.address));
        endpoint.expect("an address").connect_lazy()
    }

    /// Calls the unary method.
    pub(crate) async fn echo(&self, text: &str) -> Result<String, Status> {
        echo(self.connect(), text).await
    }
}

/// Calls the unary method over any channel.
pub(crate) async fn echo<C>(channel: C, text: &str) -> Result<String, Status>
where
    C: tonic::client::GrpcService<Body>,
    C::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError>,
{
    unary(channel, ECHO, tonic::Request::new(Text { text: text.to_owned() }))
        .await
        .map(|answer| answer.into_inner().text)
}

/// Calls a unary method over any channel.
pub(crate) async fn unary<C>(
    channel: C,
    path: &'static str,
    request: tonic::Request<Text>,
) -> Result<tonic::Response<Text>, Status>
where
    C: tonic::client::GrpcService<Body>,
    C::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError>,
{
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    grpc.unary(request, http::uri::PathAndQuery::from_static(path), ProstCodec::<Text, Text>::default()).await
}

/// Frames a message as gRPC does.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short").to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// Sends bytes to a method just as they are, and reads the status of the answer.
pub(crate) async fn send(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
    body: impl http_body::Body<Data = bytes::Bytes, Error = Infallible> + Send + 'static,
) -> Status {
    let socket = TokioIo::new(tokio::net::TcpStream::connect(server.address).await.expect("connects"));
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), socket).await;
    let (mut sender, connection) = shaken.expect("speaks HTTP/2");
    TaskTracker::new().spawn(connection);
    let request = Request::post(format!("http://localhost{path}")).header("content-type", "application/grpc");
    let request =
        headers.iter().fold(request.header("te", "trailers"), |request, (name, value)| request.header(*name, *value));
    let request = request.body(Body::new(body)).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    if let Some(status) = Status::from_header_map(response.headers()) {
        return status;
    }
    let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body");
    Status::from_header_map(body.trailers().expect("trailers")).expect("a status")
}

/// Returns the reason and the domain of an error, after checking what every error carries.
pub(crate) fn reason(status: &Status) -> (String, String) {
    use tonic_types::StatusExt as _;
    let details = status.get_error_details_vec();
    let infos: Vec<_> = details.iter().filter(|one| matches!(one, tonic_types::ErrorDetail::ErrorInfo(_))).collect();
    assert_eq!(infos.len(), 1, "exactly one ErrorInfo: {details:?}");
    let request = status.get_details_request_info().expect("RequestInfo").request_id;
    assert!(!request.is_empty());
    let info = status.get_details_error_info().expect("ErrorInfo");
    (info.reason, info.domain)
}
