//! A small world: a clock that is set by hand, keys, subjects, and the layer around a service that tells whom it sees.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};
use rolecall_authz::{
    AccessCache, AccessCacheConfig, AccessClaims, AccessError, AccessSource, AuthLayer, Authorizer, Caller, Freshness,
    KeySet, Policy, Revocations, Ruling, ScopeKind, ServiceTokens, SessionLimits, Standing, SubjectAccess, SubjectKind,
    TokenSigner, Verifier, VerifierConfig, standing,
};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{OrganizationId, SessionId, SubjectId};
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::{Clock, Timestamp};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _};

/// The secret half of the first signing key.
pub(crate) const SEED: [u8; 32] = [7; 32];

pub(crate) const ISSUER: &str = "https://rolecall.example";

/// A clock that is set by hand.
#[derive(Debug, Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_225_600_123_456)))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).expect("a short time");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The subjects as the organization context knows them.
#[derive(Default)]
pub(crate) struct Subjects {
    known: Mutex<HashMap<SubjectId, SubjectAccess>>,
    pub(crate) fails: AtomicBool,
    pub(crate) asked: AtomicUsize,
    /// Happens once while the question is on its way.
    pub(crate) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[async_trait::async_trait]
impl AccessSource for Subjects {
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(happens) = self.meanwhile.lock().expect("subjects").take() {
            happens();
        }
        if self.fails.load(Ordering::SeqCst) {
            return Err(AccessError::unavailable("out of reach"));
        }
        Ok(self.known.lock().expect("subjects").get(&subject).cloned())
    }
}

impl Subjects {
    pub(crate) fn set(&self, access: SubjectAccess) {
        self.known.lock().expect("subjects").insert(access.subject, access);
    }
}

/// Everything a call needs.
pub(crate) struct World {
    pub(crate) clock: Hand,
    pub(crate) signer: TokenSigner,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) services: ServiceTokens,
    pub(crate) subjects: Arc<Subjects>,
    pub(crate) revocations: Revocations,
    pub(crate) access: AccessCache,
    layer: AuthLayer,
    service: BoxCloneService<Request<()>, Response<String>, Infallible>,
}

pub(crate) fn verifier(clock: &Hand, keys: &Arc<KeySet>, services: &ServiceTokens) -> Verifier {
    Verifier::new(Arc::clone(keys), services, Arc::new(clock.clone()), VerifierConfig::new(ISSUER))
}

impl World {
    pub(crate) fn new(freshness: Freshness) -> Self {
        Self::serving(SAMPLE, freshness)
    }

    /// Serves what the proto file declares, as the process that hosts `identity` and `notification`.
    pub(crate) fn serving(source: &str, freshness: Freshness) -> Self {
        let clock = Hand::new();
        let signer = TokenSigner::from_seed("first", &SEED);
        let keys = Arc::new(KeySet::new([signer.public_key().clone()]));
        let services = ServiceTokens::new(&MasterKey::new(&SystemEntropy));
        let subjects = Arc::new(Subjects::default());
        let revocations = Revocations::new(Arc::new(clock.clone()), freshness, None);
        let facts = Arc::clone(&subjects) as Arc<dyn AccessSource>;
        let access = AccessCache::new(facts, AccessCacheConfig::new(freshness));
        let authorizer = Authorizer::new(
            Arc::new(Policy::from_descriptor(&descriptor(source)).expect("a policy")),
            Arc::new(verifier(&clock, &keys, &services)),
            revocations.clone(),
            access.clone(),
            ["identity", "notification"],
        );
        // The limit panics when it is called without having been polled ready.
        let inner = tower::limit::ConcurrencyLimit::new(tower::service_fn(tell), 10);
        let layer = AuthLayer::new(authorizer);
        let service = BoxCloneService::new(layer.layer(inner));
        Self { clock, signer, keys, services, subjects, revocations, access, layer, service }
    }

    /// Makes an active user who holds these permissions in its own organization, and returns its token.
    pub(crate) fn user(&self, id: u128, permissions: &[&str]) -> String {
        self.subjects.set(access(id, SubjectKind::User, permissions));
        self.token(&self.claims(id, SubjectKind::User))
    }

    pub(crate) fn token(&self, claims: &AccessClaims) -> String {
        self.signer.sign_access(claims)
    }

    pub(crate) fn claims(&self, id: u128, kind: SubjectKind) -> AccessClaims {
        claims(id, kind, self.clock.now())
    }

    pub(crate) async fn call(&self, path: &str, token: &str) -> Result<String, Refused> {
        self.send(path, |request| request.header("authorization", format!("Bearer {token}"))).await
    }

    /// Makes a call that is let through, and returns the standing of its caller.
    pub(crate) async fn standing(&self, path: &str, token: &str) -> Standing {
        let keep = tower::service_fn(|request: Request<()>| async {
            let (parts, ()) = request.into_parts();
            let request = tonic::Request::from_parts(tonic::metadata::MetadataMap::new(), parts.extensions, ());
            Ok::<_, Infallible>(Response::new(standing(&request).ok()))
        });
        let request = Request::post(path).header("authorization", format!("Bearer {token}")).body(());
        let answer = self.layer.layer(keep).oneshot(request.expect("a request")).await;
        answer.expect("the service never fails").into_body().expect("it is let through")
    }

    pub(crate) async fn send(
        &self,
        path: &str,
        build: impl FnOnce(http::request::Builder) -> http::request::Builder,
    ) -> Result<String, Refused> {
        let request = build(Request::post(path)).body(()).expect("a request");
        let response = self.service.clone().oneshot(request).await.expect("the service never fails");
        match Status::from_header_map(response.headers()) {
            Some(status) => Err(Refused::new(&status)),
            None => Ok(response.into_body()),
        }
    }
}

pub(crate) fn subject(id: u128) -> SubjectId {
    SubjectId::from_uuid(uuid::Uuid::from_u128(id))
}

pub(crate) fn session(id: u128) -> SessionId {
    SessionId::from_uuid(uuid::Uuid::from_u128(id))
}

pub(crate) fn claims(id: u128, kind: SubjectKind, now: Timestamp) -> AccessClaims {
    AccessClaims {
        iss: ISSUER.to_owned(),
        sub: subject(id),
        aud: "rolecall".to_owned(),
        exp: now.plus(Duration::from_mins(5)),
        iat: now,
        sid: (kind != SubjectKind::ServiceAccount).then(|| session(id)),
        jti: format!("token of {id}"),
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        kind,
        scope: None,
        act: None,
        read_only: false,
    }
}

pub(crate) fn access(id: u128, kind: SubjectKind, permissions: &[&str]) -> SubjectAccess {
    SubjectAccess {
        subject: subject(id),
        kind,
        organization_id: Some(OrganizationId::from_uuid(uuid::Uuid::from_u128(77))),
        organization_active: true,
        roles: Vec::new(),
        admin: false,
        blocked: false,
        grants: permissions.iter().map(|name| ((*name).to_owned(), ScopeKind::Own)).collect(),
        session_limits: SessionLimits::default(),
        revision: 1,
    }
}

/// The service behind the layer: tells whom it sees, and under which rule.
async fn tell(request: Request<()>) -> Result<Response<String>, Infallible> {
    let rule = request.extensions().get::<Ruling>().map_or("no rule".to_owned(), |ruling| ruling.rule().to_string());
    let caller = match request.extensions().get::<Arc<Caller>>() {
        Some(caller) => caller.service().map_or_else(|| caller.subject().to_string(), str::to_owned),
        None => "nobody".to_owned(),
    };
    Ok(Response::new(format!("{caller}: {rule}")))
}

/// A refusal as the client reads it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: tonic::Code,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) details: ErrorDetails,
}

impl Refused {
    pub(crate) fn new(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().expect("every refusal has an ErrorInfo");
        assert_eq!(info.domain, "authz.rolecall");
        assert!(status.message().ends_with('.'), "one sentence: {}", status.message());
        Self { code: status.code(), reason: info.reason.clone(), message: status.message().to_owned(), details }
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let info = self.details.error_info()?;
        info.metadata.get(key).map(String::as_str)
    }
}

/// Services with every kind of rule.
pub(crate) const SAMPLE: &str = r#"
    package rolecall.identity.v1;
    import "rolecall/authz/v1/options.proto";
    message Empty {}
    service Sample {
      rpc Open(Empty) returns (Empty) { option (rolecall.authz.v1.rule) = {public: true}; }
      rpc SignedIn(Empty) returns (Empty) { option (rolecall.authz.v1.rule) = {authenticated: true}; }
      rpc One(Empty) returns (Empty) { option (rolecall.authz.v1.rule) = {permissions: "identity.users.get"}; }
      rpc Two(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {permissions: ["identity.users.get", "identity.users.list"]};
      }
      rpc People(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {authenticated: true, refuse_service_accounts: true, max_request_bytes: 4194304};
      }
      rpc Reading(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {authenticated: true, accept_personal_tokens: true};
      }
      rpc SteppedUp(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {permissions: "identity.users.get", internal: true, step_up: true};
      }
      rpc Visiting(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {authenticated: true, accept_guests: true};
      }
      rpc Seeing(Empty) returns (Empty) {
        option idempotency_level = NO_SIDE_EFFECTS;
        option (rolecall.authz.v1.rule) = {permissions: "identity.users.get", accept_impersonation: true};
      }
      rpc Changing(Empty) returns (Empty) {
        option idempotency_level = IDEMPOTENT;
        option (rolecall.authz.v1.rule) = {permissions: "identity.users.get", accept_impersonation: true};
      }
      rpc Leaving(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {
          authenticated: true, accept_guests: true, accept_impersonation: true, accept_read_only: true
        };
      }
      rpc Inside(Empty) returns (Empty) { option (rolecall.authz.v1.rule) = {internal: true}; }
      rpc Mixed(Empty) returns (Empty) {
        option (rolecall.authz.v1.rule) = {internal: true, permissions: "identity.tokens.introspect"};
      }
    }
"#;

/// Compiles a proto file whose options are those of the repository, unless it declares its own.
pub(crate) fn descriptor(source: &str) -> Vec<u8> {
    descriptor_of(&[("sample.proto", source)])
}

/// Compiles proto files; the first is the one that is served.
pub(crate) fn descriptor_of(files: &[(&'static str, &str)]) -> Vec<u8> {
    let sources = files.iter().map(|(name, source)| (*name, format!("syntax = \"proto3\";\n{source}"))).collect();
    let mut resolver = ChainFileResolver::new();
    resolver.add(Memory(sources));
    resolver.add(IncludeFileResolver::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto").into()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file(files[0].0).expect("a proto file");
    compiler.encode_file_descriptor_set()
}

struct Memory(HashMap<&'static str, String>);

impl FileResolver for Memory {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.get(name) {
            Some(source) => File::from_source(name, source),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}
