//! An identity provider of the real kind, run by Node, and the browser of a person who logs in there.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::task::TaskTracker;
use url::{Url, form_urlencoded};

use crate::html;

/// The client that Rolecall is at the provider.
pub const CLIENT: &str = "rolecall-client";
/// By what it proves that.
pub const SECRET: &str = "a secret between provider and rolecall";

struct Process {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// `oidc-provider` on loopback; it ends with the value.
pub struct IdentityProvider {
    /// Its issuer.
    pub issuer: String,
    process: tokio::sync::Mutex<Process>,
}

impl IdentityProvider {
    /// Starts a provider that knows nobody yet and does everything right.
    pub async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/identity-provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = command.spawn().expect("Node runs; `cargo xtask test` installs it");
        let input = child.stdin.take().expect("standard input");
        let mut output = BufReader::new(child.stdout.take().expect("standard output")).lines();
        let first = output.next_line().await.expect("readable").expect("`cargo xtask test` installs its packages");
        let issuer = text(&serde_json::from_str(&first).expect("JSON"), "issuer");
        Self { issuer, process: tokio::sync::Mutex::new(Process { _child: child, input, output }) }
    }

    /// Gives a command, and returns what the provider has seen up to now.
    pub async fn tell(&self, command: Value) -> Value {
        let mut process = self.process.lock().await;
        process.input.write_all(format!("{command}\n").as_bytes()).await.expect("the provider runs");
        let line = process.output.next_line().await.expect("readable").expect("the provider runs");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Registers Rolecall there as the one client.
    pub async fn register(&self, redirect_uri: &str) {
        let client = json!({ "client_id": CLIENT, "client_secret": SECRET });
        self.tell(json!({ "command": "register", "client": client, "redirect": redirect_uri })).await;
    }

    /// Says what the provider knows of somebody.
    pub async fn know(&self, login: &str, claims: Value) {
        self.tell(json!({ "command": "people", "people": { login: claims } })).await;
    }

    /// Makes the provider hostile in this way, or honest again.
    pub async fn tamper(&self, how: Value) {
        self.tell(json!({ "command": "tamper", "tamper": how })).await;
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// Who logs in at a provider, and how it proves that.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The name there.
    pub login: &'a str,
    /// How strong the proof is.
    pub acr: &'a str,
    /// What it is made of, separated by spaces.
    pub amr: &'a str,
}

impl<'a> Person<'a> {
    /// Somebody of whose proof nothing is said.
    pub const fn named(login: &'a str) -> Self {
        Self { login, acr: "", amr: "" }
    }
}

/// What a browser got.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status of the answer.
    pub status: StatusCode,
    /// Where it sends the browser on to.
    pub location: Option<Url>,
    /// The page.
    pub html: String,
}

/// A browser that keeps cookies and goes where it is sent.
#[derive(Debug, Default)]
pub struct Visitor(Mutex<BTreeMap<String, String>>);

impl Visitor {
    /// Opens an address of this machine.
    pub async fn open(&self, url: &Url) -> Answer {
        self.send(Method::GET, url, Bytes::new()).await
    }

    /// Logs in where Rolecall sends to; returns the address at Rolecall that the browser is sent back to, not yet opened.
    pub async fn log_in(&self, authorization_url: &str, person: Person<'_>) -> Url {
        let mut url = Url::parse(authorization_url).expect("an address");
        let provider = url.origin();
        for _ in 0..12 {
            let answer = self.open(&url).await;
            let sent_to = match answer.location {
                Some(location) => location,
                None => self.submit(&url, &answer, person).await.location.expect("sent on"),
            };
            if sent_to.origin() != provider {
                return sent_to;
            }
            url = sent_to;
        }
        panic!("the provider sends in circles: {url}");
    }

    /// Fills in the one form of a page.
    async fn submit(&self, url: &Url, page: &Answer, person: Person<'_>) -> Answer {
        assert_eq!(page.status, StatusCode::OK, "{url}: {}", page.html);
        let document = html::parse(&page.html);
        let form = document.only("form");
        let mut fields = form_urlencoded::Serializer::new(String::new());
        for input in form.named("input") {
            let name = input.attribute("name").expect("a name");
            let value = match name {
                "login" => person.login,
                "acr" => person.acr,
                "amr" => person.amr,
                other => panic!("asked for {other}"),
            };
            fields.append_pair(name, value);
        }
        let action = url.join(form.attribute("action").expect("an action")).expect("an address");
        self.send(Method::POST, &action, fields.finish().into()).await
    }

    async fn send(&self, method: Method, url: &Url, body: Bytes) -> Answer {
        let address = url.socket_addrs(|| None).expect("an address")[0];
        let socket = TokioIo::new(TcpStream::connect(address).await.expect("a connection"));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await.expect("a handshake");
        TaskTracker::new().spawn(connection);
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, url.authority())
            .header(header::COOKIE, self.cookies())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = sender.send_request(request.body(Full::new(body)).expect("a request")).await.expect("an answer");
        let (head, body) = answer.into_parts();
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("text"));
        }
        let location = head.headers.get(header::LOCATION).map(|to| to.to_str().expect("text"));
        let location = location.map(|to| url.join(to).expect("an address"));
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: head.status, location, html: String::from_utf8_lossy(&body).into_owned() }
    }

    fn cookies(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Keeps a cookie, or forgets it when it is emptied; whatever its path is, as the names are different.
    fn keep(&self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        let (name, value) = pair.split_once('=').expect("a cookie");
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if value.is_empty() {
            kept.remove(name);
        } else {
            kept.insert(name.to_owned(), value.to_owned());
        }
    }
}
