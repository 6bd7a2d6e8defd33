//! Where mails that are not mandatory end by one click: a POST of the mail program itself (RFC 8058), or a page with
//! one button for people. Looking changes nothing, for mail programs look at links on their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rolecall_rpc::detached;

use crate::app::preferences::{self, Error};
use crate::context::Shared;
use crate::domain::category::Category;

/// The path below the external address; the token follows.
pub(crate) const UNSUBSCRIBE: &str = "/unsubscribe";

/// The most bytes of a form, of which nothing is read.
const MAX_FORM: usize = 4 * 1024;

/// The page shows whose mails end to nobody, runs nothing, and is embedded nowhere.
const HEAD: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

/// Returns the routes: below the path of the external address, and at the root for a proxy that takes it away.
pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    let after_host = shared.config.external_url.split_once("://").map_or("", |(_, rest)| rest);
    let prefix = after_host.split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
    let mut prefixes = vec![String::new(), format!("/{prefix}")];
    prefixes.retain(|prefix| prefix != "/");
    let mut router = Router::new().without_v07_checks();
    for prefix in prefixes {
        router = router.route(&format!("{prefix}{UNSUBSCRIBE}/{{token}}"), get(show).post(submit));
    }
    router.layer(DefaultBodyLimit::max(MAX_FORM)).with_state(Arc::clone(shared))
}

async fn show(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    match preferences::read_token(&shared, &token) {
        Ok(categories) => {
            let what = spell(&categories);
            let button = "<form method=\"post\"><button type=\"submit\">End these mails</button></form>";
            page(StatusCode::OK, "End these mails?", &format!("You would get no more {what}."), button)
        }
        Err(error) => refused(&error),
    }
}

async fn submit(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    // A window that is closed meanwhile changes nothing any more.
    let ended = async move { Ok(preferences::unsubscribe(&shared, &token).await) };
    match detached::run(ended).await {
        Ok(Ok(categories)) => {
            let said = format!("You get no more {}. Your preferences take it back.", spell(&categories));
            page(StatusCode::OK, "These mails ended", &said, "")
        }
        Ok(Err(error)) => refused(&error),
        Err(_) => unavailable(),
    }
}

fn refused(error: &Error) -> Response {
    match error {
        Error::TokenInvalid => {
            let said = "The link is not whole, or it is of another server. Copy it from the mail once more.";
            page(StatusCode::NOT_FOUND, "This link ends no mails", said, "")
        }
        Error::Changed { .. } | Error::RequestIdReused(_) | Error::Store(_) => {
            tracing::warn!(%error, "mails could not be ended");
            unavailable()
        }
    }
}

fn unavailable() -> Response {
    page(StatusCode::SERVICE_UNAVAILABLE, "That did not work", "Try it again in a minute.", "")
}

/// Says what ends, as in "a, b and c".
fn spell(categories: &BTreeSet<Category>) -> String {
    let name = |category: &Category| match category {
        Category::Workflow => "mails about steps of the data workflow",
        Category::Message => "messages by mail",
        Category::Announcement => "announcements by mail",
        // No link names them.
        Category::Security | Category::Account => "mails about your account",
    };
    let names: Vec<_> = categories.iter().map(name).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Every text is one of ours, so nothing is escaped.
fn page(status: StatusCode, title: &str, said: &str, form: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1><p>{said}</p>{form}</main></body></html>\n"
    );
    (status, HEAD, html).into_response()
}
