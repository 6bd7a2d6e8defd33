//! Where browsers come back to from identity providers.
//!
//! Nothing is logged in here: what the provider sent is sealed and carried on to whoever began the login, which alone
//! holds the token that it is of use with. A link that somebody else made leads nowhere.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rolecall_kernel::id::IdentityProviderId;
use url::form_urlencoded;

use crate::app::Resources;
use crate::app::sso::return_to::{self, Callback, Next};

/// The longest of what a provider sends.
const MAX_QUERY: usize = 8 * 1024;

/// Reads what a provider sends through the browser (RFC 6749, section 4.1.2; RFC 9207).
fn read(query: &str) -> Option<Callback> {
    let mut callback = Callback { state: String::new(), code: None, iss: None };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "state" => callback.state = value.into_owned(),
            "code" => callback.code = Some(value.into_owned()),
            "iss" => callback.iss = Some(value.into_owned()),
            _ => {}
        }
    }
    (query.len() <= MAX_QUERY).then_some(callback)
}

/// Returns the route.
pub(super) fn routes(resources: Arc<Resources>) -> Router {
    Router::new().route("/sso/callback/{provider}", get(callback)).with_state(resources)
}

async fn callback(
    State(resources): State<Arc<Resources>>,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let callback = query.as_deref().and_then(read);
    let Some((provider, callback)) = IdentityProviderId::parse(&provider).ok().zip(callback) else {
        return page(StatusCode::NOT_FOUND, UNKNOWN);
    };
    match return_to::take(&resources, provider, &callback).await {
        Ok(Some(Next::Address(url))) => {
            (StatusCode::SEE_OTHER, guard(), [(header::LOCATION, url)], String::new()).into_response()
        }
        Ok(Some(Next::Page(handle))) => page(StatusCode::OK, &DONE.replace("{handle}", &handle)),
        Ok(None) => page(StatusCode::NOT_FOUND, UNKNOWN),
        Err(error) => {
            tracing::warn!(%error, "a single sign-on could not be found");
            page(StatusCode::SERVICE_UNAVAILABLE, BUSY)
        }
    }
}

/// The handle is of one use, and of none without the token of the login; still nobody keeps or embeds the page.
fn guard() -> [(HeaderName, &'static str); 5] {
    [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ]
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Single sign-on</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head><body><main>{body}</main></body></html>"
    );
    (status, guard(), [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// Whoever began the login somewhere else could have sent its address on, and ask for the text (RFC 8628, section 5.4).
const DONE: &str = "<h1>Go back to where you came from</h1><p>Copy this text into the program that sent you here. \
                    It serves once, for ten minutes, and only there.</p><pre>{handle}</pre><p><strong>Give it to \
                    nobody: whoever asks you for it wants to log in as you.</strong> If you did not begin this login \
                    yourself, close this page.</p>";
const UNKNOWN: &str = "<h1>This login is not good any more</h1><p>It was completed, took too long, or did not begin \
                       here. Begin again where you came from.</p>";
const BUSY: &str = "<h1>Please try again in a moment</h1>";
