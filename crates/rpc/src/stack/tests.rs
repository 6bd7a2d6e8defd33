//! The order of the layers, and what they do without a network.

use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::time::SystemClock;
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;
use tower::layer::util::Identity;

use super::step::Trail;
use super::*;
use crate::REQUEST_ID;
use crate::health::{Health, LIVENESS, Probe};

const CHECK: &str = "/grpc.health.v1.Health/Check";

async fn stack(authentication: &(impl Layer<Limited<Routes>, Service = Limited<Routes>> + Sync)) -> Stack {
    let health = Health::new(vec![Probe::new(["a.B"], || async { true })]).await;
    let methods = Arc::new(Methods::from_descriptors(&[], |_| None).expect("decodes"));
    let metrics = RpcMetrics::new(methods.paths().map(str::to_owned));
    let tools = Tools { methods, metrics, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    build(Routes::new(health.service()), authentication, &StackConfig::default(), tools)
}

fn check(service: &str) -> Request<Body> {
    use prost::Message as _;
    let message = tonic_health::pb::HealthCheckRequest { service: service.to_owned() }.encode_to_vec();
    let mut bytes = vec![0, 0, 0, 0, u8::try_from(message.len()).expect("short")];
    bytes.extend(message);
    let body = Body::new(http_body_util::Full::from(bytes));
    Request::post(CHECK).header("content-type", "application/grpc").body(body).expect("a request")
}

#[tokio::test]
async fn a_call_passes_the_layers_in_the_documented_order() {
    let trail = Trail::default();
    let mut request = check(LIVENESS);
    request.extensions_mut().insert(trail.clone());
    let response = stack(&Identity::new()).await.oneshot(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(answer::code(response.headers()), tonic::Code::Ok);
    assert_eq!(trail.passed(), LAYERS.map(|(name, _)| name));
    assert!(LAYERS.iter().all(|(_, why)| !why.is_empty()));
}

#[tokio::test]
async fn an_error_of_tonic_itself_leaves_with_a_reason_and_the_request_id() {
    let mut request = check("nobody");
    request.headers_mut().insert(REQUEST_ID, http::HeaderValue::from_static("my-call"));
    let response = stack(&Identity::new()).await.oneshot(request).await.unwrap_or_else(|never| match never {});
    let status = tonic::Status::from_header_map(response.headers()).expect("an error");
    let details = status.get_error_details();
    assert_eq!(status.code(), tonic::Code::NotFound);
    assert_eq!(details.error_info().map(|info| info.domain.as_str()), Some("authz.rolecall"));
    assert_eq!(details.request_info().map(|info| info.request_id.as_str()), Some("my-call"));
    assert_eq!(response.headers().get(REQUEST_ID).map(http::HeaderValue::as_bytes), Some(&b"my-call"[..]));
}
