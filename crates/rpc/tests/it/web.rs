//! Browsers and plain HTTP on the same port.

use base64::Engine as _;
use prost::Message as _;
use rolecall_rpc::server::{DrainConfig, ListenerConfig};
use rolecall_rpc::stack::StackConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{ECHO, Server, Text, frame, loopback};

const ORIGIN: &str = "https://app.example.org";

async fn server() -> Server {
    let listener = ListenerConfig { allowed_origins: vec![ORIGIN.to_owned()], ..loopback() };
    Server::with(StackConfig::default(), listener, DrainConfig::default()).await
}

/// Speaks HTTP/1.1 by hand; returns the head in lower case and the body.
pub(crate) async fn exchange(server: &Server, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let head = format!("{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.expect("writes");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("reads");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    (String::from_utf8_lossy(&bytes[..end]).to_lowercase(), bytes[end + 4..].to_vec())
}

async fn post(server: &Server, origin: &str, content: &str, text: &str) -> (String, Vec<u8>) {
    let mut body = frame(&Text { text: text.to_owned() }.encode_to_vec());
    if content.contains("text") {
        body = base64::engine::general_purpose::STANDARD.encode(body).into_bytes();
    }
    let head = format!("POST {ECHO} HTTP/1.1\r\norigin: {origin}\r\ncontent-type: {content}\r\nx-grpc-web: 1");
    exchange(server, &head, &body).await
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_reads_answer_and_status() {
    let server = server().await;
    let (head, body) = post(&server, ORIGIN, "application/grpc-web+proto", "hello").await;
    assert!(
        head.starts_with("http/1.1 200") && head.contains(&format!("access-control-allow-origin: {ORIGIN}")),
        "{head}"
    );
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"] {
        let exposed = head.lines().find(|line| line.starts_with("access-control-expose-headers")).expect("exposed");
        assert!(exposed.contains(name), "{exposed}");
    }
    assert!(head.contains("\r\nx-request-id: "), "{head}");
    assert!(holds(&body, "hello") && holds(&body, "grpc-status:0"));
}

#[tokio::test]
async fn a_page_reads_the_details_of_an_error() {
    let server = server().await;
    let (head, body) = post(&server, ORIGIN, "application/grpc-web+proto", "rich").await;
    let told = format!("{head}{}", String::from_utf8_lossy(&body));
    assert!(told.contains("grpc-status: 9") || told.contains("grpc-status:9"), "{told}");
    assert!(told.contains("grpc-status-details-bin"), "{told}");
    let (_, body) = post(&server, ORIGIN, "application/grpc-web-text", "hello").await;
    assert!(!body.is_empty());
}

#[tokio::test]
async fn a_preflight_allows_what_a_call_needs_and_nothing_to_other_origins() {
    let server = server().await;
    let ask = async |origin: &str| {
        let head = format!(
            "OPTIONS {ECHO} HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization,content-type,x-grpc-web"
        );
        exchange(&server, &head, b"").await.0
    };
    let allowed = ask(ORIGIN).await;
    for line in [&format!("access-control-allow-origin: {ORIGIN}"), "authorization", "x-grpc-web", "grpc-timeout"] {
        assert!(allowed.contains(line), "{line}: {allowed}");
    }
    assert!(!allowed.contains("access-control-allow-credentials"), "tokens are sent, never cookies");
    assert!(!ask("https://evil.example").await.contains("access-control-allow-origin"));
    let (head, _) = post(&server, "https://evil.example", "application/grpc-web", "hello").await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
}

#[tokio::test]
async fn by_default_no_origin_is_allowed() {
    let server = Server::start().await;
    let (head, _) = post(&server, ORIGIN, "application/grpc-web", "hello").await;
    assert!(head.starts_with("http/1.1 200") && !head.contains("access-control"), "{head}");
}

#[tokio::test]
async fn plain_http_goes_to_its_routes_and_grpc_needs_http_2() {
    let server = server().await;
    let (head, body) = exchange(&server, "GET /keys HTTP/1.1", b"").await;
    assert!(head.starts_with("http/1.1 200") && body == b"the keys", "{head}");
    let (head, _) = exchange(&server, "GET /nothing HTTP/1.1", b"").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    let (head, _) = exchange(&server, &format!("POST {ECHO} HTTP/1.1\r\ncontent-type: application/grpc"), b"").await;
    assert!(head.starts_with("http/1.1 505"), "{head}");
}

#[tokio::test]
async fn a_malformed_web_body_is_the_callers_fault() {
    let server = server().await;
    for (content, body) in [
        ("application/grpc-web-text", &b"!!!!"[..]),
        ("application/grpc-web-text", b"AAAA"),
        ("application/grpc-web", b"\x00\x00"),
        ("application/grpc-web", b""),
        ("application/grpc-web", b"\xff\xff\xff\xff\xff\xff"),
    ] {
        let head = format!("POST {ECHO} HTTP/1.1\r\ncontent-type: {content}");
        let (head, body) = exchange(&server, &head, body).await;
        let told = format!("{head}{}", String::from_utf8_lossy(&body));
        assert!(told.contains("grpc-status: 3") || told.contains("grpc-status:3"), "{content}: {told}");
    }
}
