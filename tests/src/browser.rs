//! A browser as far as our pages need one: it says where a request comes from, keeps no cookies and runs no scripts.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use crate::html::{self, Element};
use crate::stack::Stack;

/// What a browser says of a form that stands on a page without referrers of the same site.
pub const OWN: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "null")];

/// A page as it arrived.
#[derive(Debug, Clone)]
pub struct Page {
    /// Status of the answer.
    pub status: StatusCode,
    /// Head of the answer.
    pub headers: HeaderMap,
    /// Body of the answer.
    pub html: String,
}

/// Looks at pages of one process.
#[derive(Debug, Clone)]
pub struct Browser(String);

impl Browser {
    /// Looks at the pages of identity.
    pub fn new(stack: &Stack) -> Self {
        Self::of(stack, "identity")
    }

    /// Looks at the process that hosts this service.
    pub fn of(stack: &Stack, service: &str) -> Self {
        Self(stack.address(service).trim_start_matches("http://").to_owned())
    }

    /// Opens an address: a path, or a link that leads to this process.
    pub async fn open(&self, address: &str) -> Page {
        self.send(Method::GET, address, &[], Bytes::new()).await
    }

    /// Sends any request.
    pub async fn send(&self, method: Method, address: &str, headers: &[(&str, &str)], body: Bytes) -> Page {
        let path = address.strip_prefix(&format!("http://{}", self.0)).unwrap_or(address);
        assert!(path.starts_with('/'), "{address} leads away from {}", self.0);
        let socket = TokioIo::new(TcpStream::connect(&self.0).await.expect("a connection"));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await.expect("a handshake");
        TaskTracker::new().spawn(connection);
        let request = Request::builder().method(method).uri(path).header(header::HOST, &self.0);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = sender.send_request(request.body(Full::new(body)).expect("a request")).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let html = String::from_utf8(body.to_vec()).expect("a page in UTF-8");
        Page { status: head.status, headers: head.headers, html }
    }

    /// Sends fields as a form of our own would.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(&OWN, path, fields).await
    }

    /// Sends fields as a form of somebody else would.
    pub async fn post_from(&self, from: &[(&str, &str)], path: &str, fields: &[(&str, &str)]) -> Page {
        let form = [&[("content-type", "application/x-www-form-urlencoded")], from].concat();
        self.send(Method::POST, path, &form, encode(fields)).await
    }

    /// Fills in the form of a page and presses its button.
    pub async fn submit(&self, page: &Page, typed: &[(&str, &str)]) -> Page {
        let document = page.document();
        let form = document.only("form");
        let mut fields = Vec::new();
        for input in form.named("input") {
            let Some(name) = input.attribute("name") else { continue };
            let typed = typed.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
            fields.push((name, typed.or(input.attribute("value")).unwrap_or_default()));
        }
        for (name, _) in typed {
            assert!(fields.iter().any(|(field, _)| field == name), "no field {name} in {}", page.html);
        }
        let path = format!("/{}", form.attribute("action").expect("an action"));
        match form.attribute("method") {
            Some("post") => self.post(&path, &fields).await,
            Some("get") => self.open(&format!("{path}?{}", String::from_utf8_lossy(&encode(&fields)))).await,
            other => panic!("a form that is sent by {other:?}"),
        }
    }
}

fn encode(fields: &[(&str, &str)]) -> Bytes {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into()
}

impl Page {
    /// The page as a browser reads it.
    pub fn document(&self) -> Element {
        html::parse(&self.html)
    }

    /// The one heading.
    pub fn heading(&self) -> String {
        self.document().only("h1").text()
    }

    /// Everything that is said.
    pub fn text(&self) -> String {
        self.document().only("main").text()
    }

    /// A header, which must be there once.
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        let [value] = values.as_slice() else { panic!("{} headers {name} in {:?}", values.len(), self.headers) };
        value.to_str().expect("a header of text")
    }

    /// What is wrong with a field: the text that its input is described by.
    pub fn error_at(&self, field: &str) -> String {
        let document = self.document();
        let input = document.with("id", field).expect("the field");
        assert_eq!(input.attribute("aria-invalid"), Some("true"), "{field} in {}", self.html);
        let described = input.attribute("aria-describedby").expect("a description");
        let texts = described.split(' ').map(|id| document.with("id", id).expect("the description").text());
        texts.collect::<Vec<_>>().join(" ")
    }
}
