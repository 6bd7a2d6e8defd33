//! Requests that are no calls find what calls find: a name, a deadline, a place, an end that is waited for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rolecall_rpc::server::DrainConfig;
use rolecall_rpc::stack::StackConfig;
use tokio_util::task::TaskTracker;
use tonic::Code;

use crate::log;
use crate::web::exchange;
use crate::world::{Server, loopback};

async fn get(server: &Server, path: &str) -> (String, String) {
    let (head, body) = exchange(server, &format!("GET {path} HTTP/1.1"), b"").await;
    (head, String::from_utf8_lossy(&body).into_owned())
}

fn request_id(head: &str) -> &str {
    head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("a request id")
}

#[tokio::test]
async fn a_request_is_named_and_has_a_deadline() {
    let server = Server::start().await;
    let (head, body) = get(&server, "/call").await;
    let (id, left) = body.split_once(' ').expect("two words");
    assert_eq!(request_id(&head), id);
    let left: u64 = left.parse().expect("a number");
    assert!((9_000..=10_000).contains(&left), "{left}");
    let (head, _) = get(&server, "/nowhere").await;
    assert!(head.starts_with("http/1.1 404") && !request_id(&head).is_empty(), "{head}");
    let (head, body) = get(&server, "/panic").await;
    assert!(head.starts_with("http/1.1 500") && !body.contains("hunter2"), "{head}{body}");
}

#[tokio::test]
async fn requests_and_calls_share_the_places() {
    let stack = StackConfig { max_calls: 1, ..StackConfig::default() };
    let server = Arc::new(Server::with(stack, loopback(), DrainConfig::default()).await);
    let other = Arc::clone(&server);
    let waiting = TaskTracker::new().spawn(async move { get(&other, "/wait").await });
    server.world.wait_for_begun(1).await;
    let (head, _) = get(&server, "/keys").await;
    assert!(head.starts_with("http/1.1 503") && head.contains("\r\nretry-after: 1"), "{head}");
    assert_eq!(server.echo("hello").await.expect_err("refused").code(), Code::ResourceExhausted);
    server.world.go.notify_one();
    assert_eq!(waiting.await.expect("joins").1, "waited");
    assert_eq!(get(&server, "/keys").await.1, "the keys");
}

#[tokio::test]
async fn what_a_request_began_is_finished_though_its_client_went_away() {
    let drain = DrainConfig { grace: Duration::from_mins(1), ..DrainConfig::default() };
    let server = Server::with(StackConfig::default(), loopback(), drain).await;
    let cancelled = tokio::time::timeout(Duration::from_millis(300), get(&server, "/mutate")).await;
    assert!(cancelled.is_err());
    server.world.wait_for_begun(1).await;
    server.shutdown.drain.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!server.ended.is_finished());
    server.world.go.notify_waiters();
    assert!(server.ended.await.expect("joins").is_complete());
    assert_eq!(server.world.done.load(Ordering::SeqCst), 1);
}

/// ASVS: V16.2.5
#[tokio::test]
async fn attack_t35_no_part_of_an_address_is_traced() {
    let log = log::observe();
    let server = Server::start().await;
    let (head, _) = get(&server, "/keys/sesame1?code=sesame2").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    let told = log.text();
    assert!(told.contains("http{") && told.contains(request_id(&head)), "the request is traced: {told}");
    assert!(!told.contains("sesame"), "{told}");
}
