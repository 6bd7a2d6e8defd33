//! The HTTP side: what verifiers outside need, for whom a call would be too much.

mod sso;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rolecall_authz::PublicKey;
use serde_json::json;

use crate::app::{Resources, signing_keys};

/// Returns the routes: the keys of access tokens as a JSON Web Key Set (RFC 7517), and where identity providers send
/// browsers back to.
pub(crate) fn routes(resources: Arc<Resources>) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(key_set))
        .with_state(Arc::clone(&resources))
        .merge(sso::routes(resources))
}

async fn key_set(State(resources): State<Arc<Resources>>) -> Response {
    match signing_keys::list(&resources.db, resources.now()).await {
        Ok(keys) => {
            let keys = keys.iter().map(describe).collect::<Vec<_>>();
            let caching = format!("public, max-age={}", resources.config.key_max_age().as_secs());
            let head = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CACHE_CONTROL, caching)];
            (head, json!({ "keys": keys }).to_string()).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "the signing keys could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn describe(key: &PublicKey) -> serde_json::Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": key.kid(), "alg": "EdDSA", "use": "sig", "x": key.x() })
}
