//! Calls that the stack refuses, or whose errors it completes.

use std::time::Duration;

use http_body_util::Full;
use prost::Message as _;
use rolecall_rpc::server::DrainConfig;
use rolecall_rpc::stack::StackConfig;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::world::{ECHO, ELSEWHERE, MAX, Server, Text, UPLOAD, World, echo, frame, loopback, reason, send, unary};

fn authz(reason: &str) -> (String, String) {
    (reason.to_owned(), "authz.rolecall".to_owned())
}

#[tokio::test]
async fn attack_t38_a_request_up_to_the_limit_is_served_and_a_larger_one_is_refused() {
    let server = Server::start().await;
    let fits = "x".repeat(MAX - 3);
    assert_eq!(server.echo(&fits).await.expect("fits").len(), fits.len());
    let status = server.echo(&"x".repeat(MAX)).await.expect_err("too large");
    assert_eq!((status.code(), reason(&status)), (Code::ResourceExhausted, authz("REQUEST_TOO_LARGE")));
    let info = status.get_details_error_info().expect("ErrorInfo");
    assert_eq!(info.metadata.get("max_request_bytes").map(String::as_str), Some("1000"));
}

#[tokio::test]
async fn a_size_is_refused_before_its_content_arrives() {
    let server = Server::start().await;
    // Only the prefix is ever sent; the body stays open.
    let prefix = futures::stream::iter([Ok(http_body::Frame::data(vec![0, 0x7f, 0xff, 0xff, 0xff].into()))]);
    let body = http_body_util::StreamBody::new(futures::StreamExt::chain(prefix, futures::stream::pending()));
    let answer = send(&server, ECHO, &[], body);
    let status = tokio::time::timeout(Duration::from_secs(5), answer).await.expect("refused at once");
    assert_eq!((status.code(), reason(&status)), (Code::ResourceExhausted, authz("REQUEST_TOO_LARGE")));
}

#[tokio::test]
async fn a_body_that_goes_on_after_its_message_is_refused() {
    let server = Server::start().await;
    let message = Text { text: "x".to_owned() }.encode_to_vec();
    let twice = [frame(&message), frame(&message)].concat();
    let status = send(&server, ECHO, &[], Full::from(twice)).await;
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, authz("REQUEST_MALFORMED")));
}

#[tokio::test]
async fn a_client_stream_is_limited_by_message_and_not_in_all() {
    let server = Server::start().await;
    let message = frame(&Text { text: "x".repeat(900) }.encode_to_vec());
    let status = send(&server, UPLOAD, &[], Full::from(message.repeat(10))).await;
    assert_eq!(status.code(), Code::Ok);
    let large = [message, frame(&Text { text: "x".repeat(MAX) }.encode_to_vec())].concat();
    let status = send(&server, UPLOAD, &[], Full::from(large)).await;
    assert_eq!((status.code(), reason(&status)), (Code::ResourceExhausted, authz("REQUEST_TOO_LARGE")));
}

#[tokio::test]
async fn a_body_that_is_no_message_is_the_callers_fault() {
    let server = Server::start().await;
    let bodies: [Vec<u8>; 5] =
        [Vec::new(), vec![0, 0, 0], vec![0, 0, 0, 0, 9, 1], frame(&[0xff, 0xff, 0xff]), frame(&[10, 2, 0xc3, 0x28])];
    for body in bodies {
        let status = send(&server, ECHO, &[], Full::from(body.clone())).await;
        assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, authz("REQUEST_MALFORMED")), "{body:?}");
    }
}

#[tokio::test]
async fn attack_t38_a_compressed_request_is_refused_in_words() {
    let server = Server::start().await;
    let body = frame(&Text::default().encode_to_vec());
    let status = send(&server, ECHO, &[("grpc-encoding", "gzip")], Full::from(body.clone())).await;
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, authz("METADATA_INVALID")));
    let marked = [&[1], &body[1..]].concat();
    let status = send(&server, ECHO, &[], Full::from(marked)).await;
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, authz("REQUEST_MALFORMED")));
}

#[tokio::test]
async fn a_malformed_timeout_is_refused() {
    let server = Server::start().await;
    let body = frame(&Text { text: "wait".to_owned() }.encode_to_vec());
    for value in ["", "5", "5s", "123456789S", "-1S", "S"] {
        let status = send(&server, ECHO, &[("grpc-timeout", value)], Full::from(body.clone())).await;
        assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, authz("METADATA_INVALID")), "{value}");
    }
}

#[tokio::test]
async fn a_deadline_ends_the_call_and_its_handler() {
    let server = Server::start().await;
    let body = frame(&Text { text: "wait".to_owned() }.encode_to_vec());
    let status = send(&server, ECHO, &[("grpc-timeout", "50m")], Full::from(body)).await;
    assert_eq!((status.code(), reason(&status)), (Code::DeadlineExceeded, authz("DEADLINE_EXCEEDED")));
    server.world.go.notify_one();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.world.done.load(std::sync::atomic::Ordering::SeqCst), 0, "the handler was dropped");
}

#[tokio::test]
async fn the_servers_own_limit_holds_when_the_client_asks_for_more_or_for_nothing() {
    let config = StackConfig { unary_timeout: Duration::from_millis(80), ..Default::default() };
    let server = Server::with(config, loopback(), DrainConfig::default()).await;
    let body = frame(&Text { text: "wait".to_owned() }.encode_to_vec());
    for headers in [&[("grpc-timeout", "99999999H")][..], &[]] {
        let status = send(&server, ECHO, headers, Full::from(body.clone())).await;
        assert_eq!((status.code(), reason(&status)), (Code::DeadlineExceeded, authz("DEADLINE_EXCEEDED")));
    }
}

/// ASVS: V16.5.4
#[tokio::test]
async fn asvs_v16_5_1_neither_a_panic_nor_a_defect_shows_its_text() {
    let server = Server::start().await;
    for (what, domain) in [
        ("panic:hunter2", "authz.rolecall"),
        ("internal:hunter2", "identity.rolecall"),
        ("bare:hunter2", "authz.rolecall"),
    ] {
        let status = server.echo(what).await.expect_err("fails");
        assert_eq!(status.code(), Code::Internal, "{what}");
        assert_eq!(reason(&status), ("INTERNAL".to_owned(), domain.to_owned()), "{what}");
        let id = status.get_details_request_info().expect("RequestInfo").request_id;
        assert!(status.message().contains(&id), "{}", status.message());
        let (message, details) = (status.message().to_owned(), String::from_utf8_lossy(status.details()).into_owned());
        assert!(!format!("{message}{details}{:?}", status.metadata()).contains("hunter2"), "{what}");
    }
    assert_eq!(server.echo("still here").await.expect("serves on"), "still here");
}

#[tokio::test]
async fn asvs_v16_5_1_the_text_of_a_transport_error_stays_inside() {
    let server = Server::start().await;
    let status = server.echo("far:tcp connect error: db.internal:5432").await.expect_err("fails");
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, authz("UNREACHABLE")));
    assert!(!status.message().contains("db.internal"), "{}", status.message());
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_takes_no_place() {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let config = StackConfig { max_calls: 1, ..Default::default() };
    let server = Server::with(config, loopback(), DrainConfig::default()).await;
    let socket = TokioIo::new(tokio::net::TcpStream::connect(server.address).await.expect("connects"));
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let shaken = client.initial_stream_window_size(0).handshake(socket).await;
    let (mut sender, connection) = shaken.expect("speaks HTTP/2");
    tokio_util::task::TaskTracker::new().spawn(connection);
    let body: Full<bytes::Bytes> = Full::from(frame(&Text { text: "unread".to_owned() }.encode_to_vec()));
    let request = http::Request::post(format!("http://localhost{ECHO}")).header("content-type", "application/grpc");
    let unread = sender.send_request(request.body(body).expect("a request")).await.expect("a head");
    assert_eq!(server.echo("next").await.expect("admitted"), "next");
    drop(unread);
}

#[tokio::test]
async fn the_details_of_a_service_leave_as_they_are() {
    let server = Server::start().await;
    let status = server.echo("rich").await.expect_err("fails");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.message(), "Unblock the user first.");
    assert_eq!(reason(&status), ("WRONG_STATE".to_owned(), "identity.rolecall".to_owned()));
    let details = status.get_error_details();
    assert_eq!(details.error_info().and_then(|info| info.metadata.get("state").cloned()).as_deref(), Some("blocked"));
    assert_eq!(details.bad_request().map(|bad| bad.field_violations.len()), Some(1));
}

#[tokio::test]
async fn what_is_served_elsewhere_or_nowhere_is_unimplemented_with_a_reason() {
    let server = Server::start().await;
    let body = frame(&Text::default().encode_to_vec());
    for path in [ELSEWHERE, "/no.Such/Method", "/", "/test.v1.Probe/Nothing"] {
        let status = send(&server, path, &[], Full::from(body.clone())).await;
        assert_eq!((status.code(), reason(&status)), (Code::Unimplemented, authz("METHOD_NOT_SERVED")), "{path}");
    }
}

#[tokio::test]
async fn the_request_id_of_the_client_is_kept_and_a_strange_one_replaced() {
    let server = Server::start().await;
    let ask = async |id: Option<&'static str>| {
        let mut request = Request::new(Text { text: "id".to_owned() });
        if let Some(id) = id {
            request.metadata_mut().insert("x-request-id", id.parse().expect("metadata"));
        }
        let answer = unary(server.connect(), ECHO, request).await.expect("answers");
        let told = answer.metadata().get("x-request-id").expect("told").to_str().expect("text").to_owned();
        assert_eq!(told, answer.into_inner().text, "the handler knows the same id");
        told
    };
    assert_eq!(ask(Some("build-7.step_2")).await, "build-7.step_2");
    let made = ask(None).await;
    assert_eq!(made.len(), 36);
    for strange in ["a b", "{id}", "x=1"] {
        assert_eq!(ask(Some(strange)).await.len(), 36, "{strange}");
    }
}

#[tokio::test]
async fn the_handler_knows_the_deadline() {
    let server = Server::start().await;
    let mut request = Request::new(Text { text: "left".to_owned() });
    request.set_timeout(Duration::from_secs(3));
    let answer = unary(server.connect(), ECHO, request).await.expect("answers").into_inner().text;
    let left: u64 = answer.parse().expect("a number");
    assert!((1_000..=3_000).contains(&left), "{left}");
}

/// ASVS: T38
#[tokio::test]
async fn asvs_v15_4_4_too_many_calls_are_refused_at_once_while_health_answers() {
    let config = StackConfig { max_calls: 2, ..Default::default() };
    let server = Server::with(config, loopback(), DrainConfig::default()).await;
    let channel = server.connect();
    let waiting: Vec<_> =
        (0..2).map(|_| tokio_util::task::TaskTracker::new().spawn(echo_owned(channel.clone()))).collect();
    server.world.wait_for_begun(2).await;
    let status = server.echo("third").await.expect_err("shed");
    assert_eq!((status.code(), reason(&status)), (Code::ResourceExhausted, authz("OVERLOADED")));
    assert!(status.get_details_retry_info().is_some_and(|retry| retry.retry_delay.is_some()));
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest { service: "liveness".to_owned() };
    assert_eq!(health.check(request).await.expect("answers").into_inner().status, 1);
    server.world.go.notify_waiters();
    for call in waiting {
        call.await.expect("joins").expect("answers");
    }
    assert_eq!(server.echo("again").await.expect("admitted"), "again");
}

async fn echo_owned(channel: tonic::transport::Channel) -> Result<String, tonic::Status> {
    echo(channel, "wait").await
}

#[tokio::test]
async fn a_cancelled_call_does_not_stop_a_detached_handler_and_keeps_its_place() {
    let config = StackConfig { max_calls: 1, ..Default::default() };
    let server = Server::with(config, loopback(), DrainConfig::default()).await;
    let world: &World = &server.world;
    let cancelled = tokio::time::timeout(Duration::from_millis(500), server.echo("detached")).await;
    assert!(cancelled.is_err(), "the client went away");
    assert_eq!(world.begun.load(std::sync::atomic::Ordering::SeqCst), 1);
    let status = server.echo("second").await.expect_err("the place is still taken");
    assert_eq!(reason(&status), authz("OVERLOADED"));
    world.go.notify_waiters();
    for _ in 0..200 {
        if world.done.load(std::sync::atomic::Ordering::SeqCst) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.done.load(std::sync::atomic::Ordering::SeqCst), 1, "the work was finished");
}

#[test]
fn every_reason_of_the_stack_is_declared_in_the_contract() {
    use rolecall_api::authz::v1::ErrorReason;
    use rolecall_rpc::status::reason as own;
    let reasons = [
        own::METADATA_INVALID,
        own::METHOD_NOT_SERVED,
        own::SERVICE_UNKNOWN,
        own::REQUEST_TOO_LARGE,
        own::REQUEST_MALFORMED,
        own::OVERLOADED,
        own::DEADLINE_EXCEEDED,
        own::INTERNAL,
        own::SHUTTING_DOWN,
        own::UNSPECIFIED,
        own::UNREACHABLE,
    ];
    for reason in reasons {
        assert!(ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}")).is_some(), "{reason}");
    }
}
