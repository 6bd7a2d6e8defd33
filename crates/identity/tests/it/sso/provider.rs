//! An identity provider that does what a test wants, right or wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::harness::background;

pub(crate) const CLIENT: &str = "rolecall-client";
pub(crate) const SECRET: &str = "a secret between provider and rolecall";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    Right,
    OtherKey,
    Missing,
    AlgNone,
    /// HMAC with the client secret.
    SharedSecret,
    /// HMAC with the published key, as text.
    PublicKey,
    Cut,
}

/// How the discovery document is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Discovery {
    Right,
    Redirect(String),
    Issuer(String),
    Huge,
    Drip,
}

/// What the provider knows of a code.
#[derive(Debug, Clone)]
struct Grant {
    challenge: String,
    claims: Map<String, Value>,
}

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) signature: Signature,
    pub(crate) discovery: Discovery,
    /// Whether it says that it names itself in its answers.
    pub(crate) names_itself: bool,
    grants: HashMap<String, Grant>,
    pub(crate) token_calls: u32,
    pub(crate) discovery_calls: u32,
}

/// The provider.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    key: Arc<SigningKey>,
    script: Arc<Mutex<Script>>,
}

impl Provider {
    /// Starts a provider that does everything right.
    pub(crate) async fn start(seed: u8) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("bound"));
        let script = Script {
            signature: Signature::Right,
            discovery: Discovery::Right,
            names_itself: true,
            grants: HashMap::new(),
            token_calls: 0,
            discovery_calls: 0,
        };
        let key = Arc::new(SigningKey::from_bytes(&[seed; 32]));
        let provider = Self { issuer, key, script: Arc::new(Mutex::new(script)) };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discover))
            .route("/jwks", get(keys))
            .route("/token", post(exchange))
            .with_state(provider.clone());
        drop(background(async move { axum::serve(listener, routes).await.expect("served") }));
        provider
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a person log in whom the address was made for; returns what the browser carries back.
    pub(crate) fn log_in(&self, authorization_url: &str, claims: Value) -> (String, String) {
        let url = Url::parse(authorization_url).expect("an address");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query.get("response_type").map(String::as_str), Some("code"));
        assert_eq!(query.get("code_challenge_method").map(String::as_str), Some("S256"));
        assert_eq!(query.get("client_id").map(String::as_str), Some(CLIENT));
        let Value::Object(given) = claims else { panic!("an object") };
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "nonce": query["nonce"],
            "iat": 1_767_225_600, "exp": 1_767_229_200,
        });
        let all = claims.as_object_mut().expect("an object");
        all.extend(given);
        all.retain(|_, value| !value.is_null());
        let code = format!("code-{}", query["nonce"]);
        let grant = Grant { challenge: query["code_challenge"].clone(), claims: all.clone() };
        self.script().grants.insert(code.clone(), grant);
        (query["state"].clone(), code)
    }

    fn sign(&self, claims: &Map<String, Value>) -> String {
        let signature = self.script().signature;
        let algorithm = match signature {
            Signature::AlgNone => "none",
            Signature::SharedSecret | Signature::PublicKey => "HS256",
            Signature::Right | Signature::OtherKey | Signature::Missing | Signature::Cut => "EdDSA",
        };
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": "1" });
        let encode = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
        let claims = Value::Object(claims.clone()).to_string();
        let message = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.as_bytes()));
        let hmac = |key: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
            mac.update(message.as_bytes());
            encode(&mac.finalize().into_bytes())
        };
        let right = encode(&self.key.sign(message.as_bytes()).to_bytes());
        let mark = match signature {
            Signature::Right => right,
            Signature::OtherKey => encode(&SigningKey::from_bytes(&[99; 32]).sign(message.as_bytes()).to_bytes()),
            Signature::Missing | Signature::AlgNone => String::new(),
            Signature::SharedSecret => hmac(SECRET.as_bytes()),
            Signature::PublicKey => hmac(self.public_key().as_bytes()),
            Signature::Cut => right[..right.len() - 10].to_owned(),
        };
        format!("{message}.{mark}")
    }

    fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().to_bytes())
    }
}

async fn discover(State(provider): State<Provider>) -> Response {
    let (discovery, names_itself) = {
        let mut script = provider.script();
        script.discovery_calls += 1;
        (script.discovery.clone(), script.names_itself)
    };
    let at = &provider.issuer;
    let issuer = match &discovery {
        Discovery::Issuer(other) => other.clone(),
        Discovery::Right | Discovery::Redirect(_) | Discovery::Huge | Discovery::Drip => at.clone(),
    };
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        "authorization_response_iss_parameter_supported": names_itself,
    });
    match discovery {
        Discovery::Right | Discovery::Issuer(_) => answer(&document),
        Discovery::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Discovery::Huge => {
            let mut document = document;
            document["padding"] = "x".repeat(100_000).into();
            answer(&document)
        }
        Discovery::Drip => {
            let bytes = document.to_string().into_bytes();
            let drops = futures::stream::unfold((bytes, 0), |(bytes, at)| async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let drop = bytes.get(at..=at)?.to_vec();
                Some((Ok::<_, std::io::Error>(drop), (bytes, at + 1)))
            });
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(drops)).into_response()
        }
    }
}

fn answer(document: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

async fn keys(State(provider): State<Provider>) -> Response {
    let x = provider.public_key();
    answer(&json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig", "alg": "EdDSA", "x": x }] }))
}

async fn exchange(State(provider): State<Provider>, body: String) -> Response {
    provider.script().token_calls += 1;
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let grant = form.get("code").and_then(|code| provider.script().grants.remove(code));
    let challenge = form.get("code_verifier").map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    let Some(grant) = grant.filter(|grant| challenge.as_ref() == Some(&grant.challenge)) else {
        let refusal = json!({ "error": "invalid_grant" }).to_string();
        return (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], refusal).into_response();
    };
    let id_token = provider.sign(&grant.claims);
    answer(&json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": id_token }))
}
