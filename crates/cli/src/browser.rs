//! The way through the person's browser: opened here, and back by an address of this machine (RFC 8252).
//!
//! What comes back is of use only with the token that the login began with, and that never leaves this program. The
//! address has a part that nobody can guess, so that no page of somebody else ends a login by answering first.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use clap::Args;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::complete_sso_login_request::Returned;
use rolecall_api::identity::v1::{CompleteSsoLoginRequest, Tokens};
use rolecall_kernel::entropy::{OpaqueToken, SystemEntropy};
use rolecall_kernel::time::{Clock as _, SystemClock, Timestamp};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::{Host, Url, form_urlencoded};

use crate::connection::Connection;
use crate::failure::{Failure, printable};
use crate::secrets::Secrets;

/// Under which heading the help shows the options.
pub(crate) const SINGLE_SIGN_ON: &str = "Single sign-on";
/// How long a browser may take to fetch the last page.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// How a browser is reached.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct BrowserArgs {
    /// Only print the address that a browser of this machine has to open
    #[arg(long, help_heading = SINGLE_SIGN_ON)]
    no_browser: bool,
    /// Use a browser of another machine: its last page shows a text, which is pasted here
    #[arg(long, conflicts_with = "no_browser", help_heading = SINGLE_SIGN_ON)]
    paste: bool,
}

impl BrowserArgs {
    /// Whether anything was asked for.
    pub(crate) const fn is_given(self) -> bool {
        self.no_browser || self.paste
    }
}

/// A browser that is sent away, and awaited.
#[derive(Debug)]
pub(crate) struct Browser {
    arrival: Option<Arrival>,
    is_opened: bool,
}

/// Where it comes back to.
#[derive(Debug)]
struct Arrival {
    listener: TcpListener,
    url: Url,
}

/// Where it is sent, and by what the login goes on.
pub(crate) struct Sent {
    /// The address.
    pub(crate) authorization_url: String,
    /// The token that stays here.
    pub(crate) login_token: String,
    /// When both end.
    pub(crate) expires: Option<prost_types::Timestamp>,
}

impl Browser {
    /// Prepares to await one.
    pub(crate) async fn prepare(args: BrowserArgs) -> Result<Self, Failure> {
        let arrival = if args.paste { None } else { Some(Arrival::open().await?) };
        Ok(Self { arrival, is_opened: !args.no_browser && !args.paste })
    }

    /// Returns where it shall come back to; empty when its last page shows a text.
    pub(crate) fn return_url(&self) -> String {
        self.arrival.as_ref().map(|arrival| arrival.url.to_string()).unwrap_or_default()
    }

    /// Sends it away, waits for what it brings, and completes the login with that.
    pub(crate) async fn complete(self, connection: &Connection, sent: Sent) -> Result<Tokens, Failure> {
        let address = web_address(&sent.authorization_url)?;
        eprintln!("log in with your browser:\n\n  {}\n", printable(address.as_str()));
        if self.is_opened {
            // Without one the person opens the address.
            let _no_browser = open::that_detached(address.as_str());
        }
        let expires = sent.expires.map_or(0, |time| time.seconds);
        let patience = Timestamp::from_seconds(expires).since(SystemClock.now());
        let handle = if let Some(arrival) = self.arrival {
            arrival.wait(patience).await?
        } else {
            eprintln!("then paste the text that its last page shows:");
            Secrets::StandardInput.read("the text of the last page")?.expose_secret().trim().to_owned()
        };
        let returned = Some(Returned::Handle(handle));
        let request = CompleteSsoLoginRequest { login_token: sent.login_token, returned };
        let answer = AuthenticationServiceClient::new(connection.public()).complete_sso_login(request).await?;
        Ok(answer.into_inner().tokens.unwrap_or_default())
    }
}

/// Reads an address that a browser is sent to: a server must not make this machine open anything else.
fn web_address(text: &str) -> Result<Url, Failure> {
    let refused = || Failure::Local("the server sends to an address that is none of the web".to_owned());
    let url = Url::parse(text).map_err(|_| refused())?;
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback) { Ok(url) } else { Err(refused()) }
}

impl Arrival {
    async fn open() -> Result<Self, Failure> {
        let failed = |error| Failure::local("no browser can come back to this machine (try --paste)", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let secret = OpaqueToken::new("", &SystemEntropy);
        let url = Url::parse(&format!("http://{address}/{}", secret.expose()));
        let url = url.map_err(|error| Failure::local("no address can be made", error))?;
        Ok(Self { listener, url })
    }

    /// Waits for the browser; its last page reaches it before this program goes on.
    async fn wait(self, patience: Duration) -> Result<String, Failure> {
        let (sender, mut receiver) = mpsc::channel(1);
        let routes = Router::new().route(self.url.path(), get(arrive)).with_state(sender);
        let over = CancellationToken::new();
        let serving = axum::serve(self.listener, routes).with_graceful_shutdown(over.clone().cancelled_owned());
        let mut serving = pin!(serving.into_future());
        let arrived = tokio::select! {
            arrived = tokio::time::timeout(patience, receiver.recv()) => arrived,
            ended = &mut serving => {
                ended.map_err(|error| Failure::local("no browser can come back to this machine", error))?;
                Ok(None)
            }
        };
        over.cancel();
        let handle = arrived.ok().flatten();
        let handle = handle.ok_or_else(|| Failure::Local("nobody came back in time; begin again".to_owned()))?;
        let _page = tokio::time::timeout(LAST_PAGE, serving).await;
        Ok(handle)
    }
}

async fn arrive(State(sender): State<mpsc::Sender<String>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let handle = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "handle");
    let Some((_, handle)) = handle else { return page(StatusCode::BAD_REQUEST, "This is not what was expected") };
    // The first one counts.
    let _later = sender.try_send(handle.into_owned());
    page(StatusCode::OK, "Go back to the terminal")
}

fn page(status: StatusCode, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Rolecall</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head><body><main><h1>{text}</h1></main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ];
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_opens_nothing_but_pages_of_the_web() {
        for right in ["https://id.example.org/authorize?x=1", "http://127.0.0.1:4711/auth", "http://[::1]/"] {
            assert!(web_address(right).is_ok(), "{right}");
        }
        for wrong in
            ["http://id.example.org/", "file:///etc/passwd", "javascript:alert(1)", "smb://host/share", "-h", ""]
        {
            assert!(web_address(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_browser_comes_back_to_an_address_of_its_own() {
        let args = BrowserArgs { no_browser: true, paste: false };
        let (one, two) = (Browser::prepare(args).await.expect("ready"), Browser::prepare(args).await.expect("ready"));
        assert_ne!(one.return_url(), two.return_url());
        let url = Url::parse(&one.return_url()).expect("an address");
        assert_eq!((url.scheme(), url.host_str()), ("http", Some("127.0.0.1")));
        assert!(url.path().len() > 40, "nobody guesses it: {url}");
        let pasted = Browser::prepare(BrowserArgs { no_browser: false, paste: true }).await.expect("ready");
        assert_eq!(pasted.return_url(), "");
    }

    #[tokio::test]
    async fn nobody_is_awaited_for_ever() {
        let arrival = Arrival::open().await.expect("open");
        let failure = arrival.wait(Duration::ZERO).await.expect_err("nobody came");
        assert!(failure.to_string().contains("begin again"), "{failure}");
    }
}
