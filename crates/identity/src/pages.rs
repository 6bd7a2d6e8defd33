//! The pages that mails link to: plain HTML that is made here, without a script and without a cookie.
//!
//! | Module | Holds |
//! |---|---|
//! | `invitation`, `password_reset`, `email_change`, `password_forgotten`, `registration`, `authenticator` | one page each: `show` and `submit` |
//! | `site` | where the pages are, from the configured address |
//! | `guard` | which requests may change something, and the head of every answer |
//! | `form` | what a form sent, and what is wrong with it |
//! | `failure` | what went wrong, with its status |
//! | `view`, `templates` | what a page shows, and how |
//! | `text` | every sentence |
//!
//! A page runs the same use cases as the methods. Looking changes nothing, for mail programs look at links on their own;
//! what a form asks for is done in a task that a closed window does not cancel.

mod authenticator;
mod email_change;
mod failure;
mod form;
mod guard;
mod invitation;
mod password_forgotten;
mod password_reset;
mod registration;
pub(crate) mod site;
mod text;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use rolecall_kernel::network::Network;
use rolecall_rpc::{call, detached};
use tracing::Span;

use self::failure::{Failure, Refusal};
use self::form::{Form, query_value};
use self::guard::Guard;
use self::site::{Page, Site};
use self::view::{Field, FormView, Renderer, View};
use crate::app::{Resources, instance_settings};

/// The most bytes of a form; the largest, two passwords of the longest kind, every byte escaped, fits.
const MAX_FORM: usize = 16 * 1024;

/// How long before the end of its call a page gives up, so that there is time to say so.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The pages of one process; clones share what they work with.
#[derive(Debug, Clone)]
pub(crate) struct Pages(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    resources: Arc<Resources>,
    renderer: Renderer,
    guard: Guard,
    site: Site,
}

/// A page, and what its answer says beside it.
struct Answer {
    status: StatusCode,
    view: View,
}

impl Answer {
    #[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
    fn ok(view: View) -> Result<Self, Failure> {
        Ok(Self { status: StatusCode::OK, view })
    }

    /// The form again, with what is wrong at its fields.
    #[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
    fn refused(view: View) -> Result<Self, Failure> {
        Ok(Self { status: StatusCode::UNPROCESSABLE_ENTITY, view })
    }
}

impl Pages {
    /// Makes the pages of a site.
    pub(crate) fn new(resources: Arc<Resources>, site: Site) -> Result<Self, minijinja::Error> {
        let renderer = Renderer::new()?;
        let guard = Guard::new(&site, Renderer::style());
        Ok(Self(Arc::new(Inner { resources, renderer, guard, site })))
    }

    /// Returns the routes: below the path of the external address, and at the root for a proxy that takes it away.
    pub(crate) fn routes(&self) -> Router {
        let mut prefixes = vec!["", self.0.site.prefix()];
        prefixes.dedup();
        // The configured path may hold what other versions of the router gave a meaning to.
        let mut router = Router::new().without_v07_checks();
        for (prefix, page) in prefixes.iter().flat_map(|prefix| Page::ALL.map(|page| (prefix, page))) {
            let pages = self.clone();
            let serve = any(async move |request: Request| pages.serve(page, request).await);
            router = router.route(&format!("{prefix}{}", page.path()), serve);
        }
        router.layer(DefaultBodyLimit::max(MAX_FORM))
    }

    async fn serve(&self, page: Page, request: Request) -> Response {
        Span::current().record("http.route", page.path());
        // Before the sentences that name it are made.
        instance_settings::refresh_name(self.resources()).await;
        let answer = self.answer(page, request);
        let answered = match call::deadline() {
            Some(deadline) => {
                tokio::time::timeout_at(deadline - LAST_WORDS, answer).await.unwrap_or(Err(Failure::Late))
            }
            None => answer.await,
        };
        let has_image = answered.as_ref().is_ok_and(|answer| answer.view.image.is_some());
        let mut response = answered.map_or_else(|failure| self.told(&failure), |answer| self.rendered(answer));
        self.0.guard.head(response.headers_mut(), has_image);
        response
    }

    async fn answer(&self, page: Page, request: Request) -> Result<Answer, Failure> {
        match *request.method() {
            Method::GET | Method::HEAD => {
                let code = request.uri().query().and_then(|query| query_value(query, "code"));
                match page {
                    Page::Invitation => invitation::show(self, code).await,
                    Page::PasswordReset => password_reset::show(self, code).await,
                    Page::EmailChange => email_change::show(self, code).await,
                    Page::PasswordForgotten => password_forgotten::show(),
                    Page::Authenticator => authenticator::show(),
                    Page::Registration => {
                        registration::show(self, code, registration::Ask::of_query(request.uri().query())).await
                    }
                }
            }
            Method::POST => {
                self.0.guard.admit(request.headers())?;
                let network = request.extensions().get::<Network>().copied();
                let form = Form::read(request).await?;
                match page {
                    Page::Invitation => invitation::submit(self, &form).await,
                    Page::PasswordReset => password_reset::submit(self, &form).await,
                    Page::EmailChange => email_change::submit(self, &form).await,
                    Page::PasswordForgotten => password_forgotten::submit(self, &form),
                    Page::Registration => registration::submit(self, &form).await,
                    Page::Authenticator => authenticator::submit(self, &form, network).await,
                }
            }
            _ => Err(Failure::MethodNotAllowed),
        }
    }

    fn told(&self, failure: &Failure) -> Response {
        let mut response = self.rendered(Answer { status: failure.status(), view: failure.view() });
        let headers = response.headers_mut();
        headers.extend(failure.retry_after().map(|wait| (header::RETRY_AFTER, wait.into())));
        headers.extend(failure.allowed().map(|methods| (header::ALLOW, methods)));
        response
    }

    fn rendered(&self, answer: Answer) -> Response {
        let server_name = self.resources().instance_name.get().to_string();
        match self.0.renderer.render(&View { server_name, ..answer.view }) {
            Ok(page) => (answer.status, page).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page cannot be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    fn resources(&self) -> &Arc<Resources> {
        &self.0.resources
    }
}

/// Does what a form asks for to its end, whether or not somebody still looks at the page.
async fn done<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<Result<T, Refusal>, Failure>
where
    T: Send + 'static,
    E: Into<Refusal>,
{
    // What goes wrong is logged where it becomes a refusal, inside of the task.
    detached::run(async move { Ok(work.await.map_err(Into::into)) }).await.map_err(|_| Failure::Unavailable)
}

/// What a page shows that was opened without its code: mail programs break long links.
fn code_wanted(page: Page) -> View {
    let field = Field {
        name: "code",
        kind: "text",
        autocomplete: "off",
        label: text::CODE_LABEL,
        hint: String::new(),
        value: String::new(),
        error: None,
    };
    View {
        title: text::code_title(page).to_owned(),
        paragraphs: vec![text::CODE_LEAD.to_owned()],
        form: Some(FormView::looking(page, vec![field], text::CODE_BUTTON)),
        ..View::default()
    }
}
