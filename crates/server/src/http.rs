//! The small HTTP side, on the same port as the calls.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rolecall_api::identity::v1::JsonWebKey;
use serde_json::json;

use crate::follow::PeerKeys;

/// Returns the routes of identity: its keys as a JSON Web Key Set (RFC 7517).
pub(crate) fn routes(keys: Arc<PeerKeys>) -> Router {
    Router::new().route("/.well-known/jwks.json", get(key_set)).with_state(keys)
}

async fn key_set(State(keys): State<Arc<PeerKeys>>) -> Response {
    match keys.json_web_keys().await {
        Ok(keys) => {
            let keys = keys.iter().map(describe).collect::<Vec<_>>();
            // Short, so that verifiers elsewhere learn of a new key soon.
            let head = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=60")];
            (head, json!({ "keys": keys }).to_string()).into_response()
        }
        Err(status) => {
            tracing::warn!(code = ?status.code(), "the signing keys could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn describe(key: &JsonWebKey) -> serde_json::Value {
    json!({ "kty": key.kty, "crv": key.crv, "kid": key.kid, "alg": key.alg, "use": key.r#use, "x": key.x })
}
