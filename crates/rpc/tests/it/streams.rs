//! Answers of several messages.

use std::time::Duration;

use futures::StreamExt as _;
use rolecall_rpc::server::DrainConfig;
use rolecall_rpc::stack::StackConfig;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::world::{Server, Text, WATCH, loopback, reason};

/// Opens the stream.
pub(crate) async fn watch(server: &Server, text: &str) -> Streaming<Text> {
    let mut grpc = tonic::client::Grpc::new(server.connect());
    grpc.ready().await.expect("connects");
    let path = http::uri::PathAndQuery::from_static(WATCH);
    let request = tonic::Request::new(Text { text: text.to_owned() });
    grpc.server_streaming(request, path, ProstCodec::<Text, Text>::default()).await.expect("begins").into_inner()
}

/// Reads the stream to its end.
pub(crate) async fn read(stream: Streaming<Text>) -> (usize, Option<Status>) {
    let items: Vec<_> = stream.collect().await;
    let messages = items.iter().filter(|item| item.is_ok()).count();
    (messages, items.into_iter().find_map(Result::err))
}

#[tokio::test]
async fn a_stream_that_ends_well_ends_with_ok() {
    let server = Server::start().await;
    let (messages, error) = read(watch(&server, "").await).await;
    assert_eq!((messages, error.map(|error| error.code())), (2, None));
}

#[tokio::test]
async fn the_error_that_ends_a_stream_is_completed_too() {
    let server = Server::start().await;
    let (messages, error) = read(watch(&server, "error").await).await;
    let error = error.expect("fails");
    assert_eq!((messages, error.code()), (2, Code::FailedPrecondition));
    assert_eq!(reason(&error).0, "WRONG_STATE");
}

#[tokio::test]
async fn a_defect_or_panic_in_a_stream_shows_no_text() {
    let server = Server::start().await;
    for what in ["secret", "panic"] {
        let (messages, error) = read(watch(&server, what).await).await;
        let error = error.expect("fails");
        // tonic gathers messages that are ready, and a panic takes along what it had gathered.
        assert!(messages <= 2 && error.code() == Code::Internal, "{what}: {error:?}");
        assert_eq!(reason(&error).0, "INTERNAL");
        assert!(!error.message().contains("hunter2"));
    }
}

#[tokio::test]
async fn a_stream_ends_at_the_servers_limit() {
    let config = StackConfig { stream_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::with(config, loopback(), DrainConfig::default()).await;
    let (messages, error) = read(watch(&server, "forever").await).await;
    let error = error.expect("ends");
    assert_eq!((messages, error.code()), (2, Code::DeadlineExceeded));
    assert_eq!(reason(&error).0, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn streams_have_places_of_their_own() {
    let config = StackConfig { max_streams: 1, max_calls: 1, ..Default::default() };
    let server = Server::with(config, loopback(), DrainConfig::default()).await;
    let mut held = watch(&server, "forever").await;
    assert!(held.next().await.is_some_and(|item| item.is_ok()));
    assert_eq!(server.echo("unary").await.expect("admitted"), "unary");
    let mut grpc = tonic::client::Grpc::new(server.connect());
    grpc.ready().await.expect("connects");
    let path = http::uri::PathAndQuery::from_static(WATCH);
    let second = grpc.server_streaming(tonic::Request::new(Text::default()), path, ProstCodec::<Text, Text>::default());
    assert_eq!(reason(&second.await.expect_err("shed")).0, "OVERLOADED");
    drop(held);
    for _ in 0..200 {
        if server.stack.lifecycle().tasks() == 0 && server.world.begun.load(std::sync::atomic::Ordering::SeqCst) > 0 {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(read(watch(&server, "").await).await.0, 2, "the place is free again");
}
