//! The stack with the layer that authenticates: who passes, and that nobody's body is read before.

use std::sync::Arc;
use std::time::Duration;

use rolecall_authz::{
    AccessCache, AccessCacheConfig, AccessError, AccessSource, AuthLayer, Authorizer, Freshness, KeySet, Policy,
    Revocations, ServiceTokens, SubjectAccess, Verifier, VerifierConfig,
};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::{Clock, SystemClock};
use rolecall_rpc::channel::Channel;
use rolecall_rpc::stack::{StackConfig, Tools, build};
use tonic::service::Routes;
use tonic::{Code, Request};

use crate::world::{Text, reason, unary};

/// A method for the services of the suite, and one for people.
const INTERNAL: &str = "/rolecall.identity.v1.DirectoryService/BatchGetContacts";
const PERSONAL: &str = "/rolecall.identity.v1.AccountService/GetAccount";

/// Knows nobody.
struct Nobody;

#[tonic::async_trait]
impl AccessSource for Nobody {
    async fn subject_access(&self, _: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        Ok(None)
    }
}

/// A stack that serves no method, behind the real layer; and the tokens that open it.
fn server() -> (Channel, ServiceTokens) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tokens = ServiceTokens::new(&MasterKey::new(&SystemEntropy));
    let policy = Arc::new(Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("every method has a rule"));
    let keys = Arc::new(KeySet::new([]));
    let verifier = Verifier::new(keys, &tokens, Arc::clone(&clock), VerifierConfig::new("https://rolecall.test"));
    let revocations = Revocations::new(Arc::clone(&clock), Freshness::InProcess, None);
    let access = AccessCache::new(Arc::new(Nobody), AccessCacheConfig::new(Freshness::InProcess));
    let authorizer = Authorizer::new(Arc::clone(&policy), Arc::new(verifier), revocations, access, ["identity"]);
    let tools = Tools::new(&[rolecall_api::DESCRIPTOR_SET], &policy, clock, Arc::new(SystemEntropy)).expect("decodes");
    let stack = build(Routes::default(), &AuthLayer::new(authorizer), &StackConfig::default(), tools);
    let (channel, slot) = Channel::local();
    slot.bind(stack);
    (channel, tokens)
}

async fn ask(channel: Channel, path: &'static str) -> (Code, String) {
    let status = unary(channel, path, Request::new(Text::default())).await.expect_err("nothing is served");
    let (reason, domain) = reason(&status);
    assert_eq!(domain, "authz.rolecall");
    (status.code(), reason)
}

#[tokio::test]
async fn only_an_authenticated_channel_reaches_an_internal_method() {
    let (channel, tokens) = server();
    let refused = (Code::Unauthenticated, "CREDENTIALS_MISSING".to_owned());
    assert_eq!(ask(channel.clone(), INTERNAL).await, refused);
    let as_service =
        |to: &str| channel.clone().authenticated(tokens.clone(), "organization", to, Arc::new(SystemClock));
    let passed = (Code::Unimplemented, "METHOD_NOT_SERVED".to_owned());
    assert_eq!(ask(as_service("identity"), INTERNAL).await, passed);
    assert_eq!(ask(as_service("notification"), INTERNAL).await.0, Code::Unauthenticated, "meant for another service");
    assert_ne!(ask(as_service("identity"), PERSONAL).await.0, Code::Unimplemented, "a service is nobody's account");
}

/// ASVS: T39
#[tokio::test]
async fn asvs_v4_1_4_an_unknown_path_is_denied() {
    let (channel, _) = server();
    let denied = (Code::PermissionDenied, "METHOD_UNKNOWN".to_owned());
    assert_eq!(ask(channel, "/no.Such/Method").await, denied);
}

#[tokio::test]
async fn whoever_may_not_call_is_refused_without_a_byte_of_the_body_read() {
    use tower::ServiceExt as _;
    let (channel, _) = server();
    let untouched = http_body_util::StreamBody::new(futures::stream::poll_fn(
        |_| -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::convert::Infallible>>> {
            panic!("the body was read")
        },
    ));
    let request = http::Request::post(PERSONAL).header("content-type", "application/grpc");
    let request = request.body(tonic::body::Body::new(untouched)).expect("a request");
    let answer = tokio::time::timeout(Duration::from_secs(5), channel.oneshot(request)).await.expect("at once");
    let status = tonic::Status::from_header_map(answer.expect("an answer").headers()).expect("an error");
    assert_eq!(status.code(), Code::Unauthenticated);
}
