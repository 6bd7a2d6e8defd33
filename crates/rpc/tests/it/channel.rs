//! A call within the process and a call over the network give equal answers.

use std::time::Duration;

use rolecall_rpc::channel::{Channel, RemoteConfig};
use rolecall_rpc::server::DrainConfig;
use rolecall_rpc::stack::StackConfig;
use tonic::{Code, Request, Status};

use crate::world::{ECHO, ELSEWHERE, MAX, Server, Text, echo, loopback, unary};

fn both(server: &Server) -> [Channel; 2] {
    let (local, slot) = Channel::local();
    slot.bind(server.stack.clone());
    [local, Channel::remote(&RemoteConfig::new(format!("http://{}", server.address))).expect("valid")]
}

/// All of an answer that a caller can see, under one request id.
async fn ask(channel: Channel, path: &'static str, text: &str) -> String {
    let mut request = Request::new(Text { text: text.to_owned() });
    request.metadata_mut().insert("x-request-id", "same".parse().expect("metadata"));
    request.set_timeout(Duration::from_millis(300));
    match unary(channel, path, request).await {
        Ok(answer) => {
            // Its text: a name that no table of headers remembers is printed otherwise on this side of the wire.
            let name = answer.metadata().get("x-request-id").map(|name| name.to_str().expect("plain").to_owned());
            format!("{name:?} {:?}", answer.get_ref())
        }
        Err(status) => format!("{:?} {} {:?}", status.code(), status.message(), status.details()),
    }
}

#[tokio::test]
async fn local_and_remote_answers_are_equal() {
    let server = Server::start().await;
    let [local, remote] = both(&server);
    let large = "x".repeat(MAX + 1);
    let calls = [
        (ECHO, "hello"),
        (ECHO, "rich"),
        (ECHO, "panic:hunter2"),
        (ECHO, "internal:hunter2"),
        (ECHO, "bare:hunter2"),
        (ECHO, large.as_str()),
        (ECHO, "id"),
        (ELSEWHERE, "hello"),
    ];
    for (path, text) in calls {
        let answers = [ask(local.clone(), path, text).await, ask(remote.clone(), path, text).await];
        assert_eq!(answers[0], answers[1], "{path} {text}");
        assert!(!answers[0].contains("hunter2"));
    }
}

#[tokio::test]
async fn a_call_that_lasts_too_long_is_deadline_exceeded_either_way() {
    let server = Server::start().await;
    for channel in both(&server) {
        let mut request = Request::new(Text { text: "wait".to_owned() });
        request.set_timeout(Duration::from_millis(100));
        let status = unary(channel, ECHO, request).await.expect_err("late");
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    }
}

#[tokio::test]
async fn an_empty_slot_and_an_absent_server_are_unavailable() {
    let (local, slot) = Channel::local();
    let nobody = Channel::remote(&RemoteConfig::new("http://127.0.0.1:1")).expect("valid");
    let said = async |channel: &Channel| -> Status { echo(channel.clone(), "x").await.expect_err("nobody there") };
    for channel in [&local, &nobody] {
        let status = said(channel).await;
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        let info = tonic_types::StatusExt::get_details_error_info(&status).expect("ErrorInfo");
        assert_eq!((info.domain.as_str(), info.reason.as_str()), ("authz.rolecall", "UNREACHABLE"));
    }
    let server = Server::start().await;
    slot.bind(server.stack.clone());
    assert_eq!(echo(local.clone(), "x").await.expect("bound"), "x");
    slot.release();
    assert_eq!(said(&local).await.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_again() {
    let server = Server::start().await;
    let [_, remote] = both(&server);
    assert_eq!(echo(remote.clone(), "x").await.expect("answers"), "x");
    let address = server.address;
    server.shutdown.drain.cancel();
    let _ = server.ended.await.expect("ends");
    assert_eq!(echo(remote.clone(), "x").await.expect_err("gone").code(), Code::Unavailable);
    let listener = rolecall_rpc::server::ListenerConfig { address, ..loopback() };
    let _again = Server::with(StackConfig::default(), listener, DrainConfig::default()).await;
    assert_eq!(echo(remote, "x").await.expect("answers again"), "x");
}

#[tokio::test]
async fn a_call_hands_on_request_id_deadline_and_trace_either_way() {
    crate::log::observe();
    for index in [0, 1] {
        let server = Server::start().await;
        let [local, remote] = both(&server);
        server.world.peer.set([local, remote][index].clone()).expect("once");
        let ask = async |text: &str| {
            let mut request = Request::new(Text { text: text.to_owned() });
            request.metadata_mut().insert("x-request-id", "mine".parse().expect("metadata"));
            request.metadata_mut().insert("traceparent", PARENT.parse().expect("metadata"));
            request.set_timeout(Duration::from_secs(3));
            unary(server.connect(), ECHO, request).await.expect("answers").into_inner().text
        };
        assert_eq!(ask("forward:id").await, "mine");
        let left: u64 = ask("forward:left").await.parse().expect("a deadline");
        assert!((1_000..=3_000).contains(&left), "{left}");
        let (outer, inner) = (ask("trace").await, ask("forward:trace").await);
        assert_eq!((&outer[..35], &inner[..35]), (&PARENT[..35], &PARENT[..35]), "one trace");
    }
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
