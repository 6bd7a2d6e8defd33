//! How a server ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use rolecall_rpc::health::{Health, LIVENESS, Probe};
use rolecall_rpc::server::DrainConfig;
use rolecall_rpc::stack::StackConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;

use crate::streams::watch;
use crate::world::{Server, echo, loopback, reason};

fn drain(streams: u64, grace: u64) -> DrainConfig {
    DrainConfig { streams: Duration::from_millis(streams), grace: Duration::from_millis(grace), ..Default::default() }
}

async fn server(drain: DrainConfig) -> Server {
    Server::with(StackConfig::default(), loopback(), drain).await
}

#[tokio::test]
async fn a_call_in_flight_is_finished_and_new_connections_are_refused() {
    let server = server(drain(60_000, 60_000)).await;
    let channel = server.connect();
    let call = TaskTracker::new().spawn(async move { echo(channel, "wait").await });
    server.world.wait_for_begun(1).await;
    server.shutdown.drain.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "the port is free");
    assert!(!server.ended.is_finished());
    server.world.go.notify_one();
    assert!(call.await.expect("joins").is_ok());
    assert!(server.ended.await.expect("joins").is_complete());
}

#[tokio::test]
async fn a_detached_mutation_is_waited_for() {
    let server = server(drain(60_000, 60_000)).await;
    let cancelled = tokio::time::timeout(Duration::from_millis(300), server.echo("detached")).await;
    assert!(cancelled.is_err());
    server.shutdown.drain.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!server.ended.is_finished());
    server.world.go.notify_waiters();
    assert!(server.ended.await.expect("joins").is_complete());
    assert_eq!(server.world.done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_left_after_the_grace_is_cut_off() {
    let server = server(drain(60_000, 200)).await;
    let channel = server.connect();
    let call = TaskTracker::new().spawn(async move { echo(channel, "wait").await });
    server.world.wait_for_begun(1).await;
    server.shutdown.drain.cancel();
    let left = tokio::time::timeout(Duration::from_secs(5), server.ended).await.expect("ends").expect("joins");
    assert_eq!((left.connections, left.is_complete()), (1, false));
    assert!(call.await.expect("joins").is_err());
}

#[tokio::test]
async fn a_second_signal_ends_the_drain_at_once() {
    let server = server(drain(60_000, 60_000)).await;
    let channel = server.connect();
    let call = TaskTracker::new().spawn(async move { echo(channel, "wait").await });
    server.world.wait_for_begun(1).await;
    server.shutdown.drain.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.shutdown.abort.cancel();
    let left = tokio::time::timeout(Duration::from_secs(5), server.ended).await.expect("ends").expect("joins");
    assert!(!left.is_complete());
    assert!(call.await.expect("joins").is_err());
}

#[tokio::test]
async fn an_endless_stream_is_told_to_go_elsewhere() {
    let server = server(drain(100, 60_000)).await;
    let mut stream = watch(&server, "forever").await;
    assert!(stream.next().await.is_some_and(|item| item.is_ok()));
    server.shutdown.drain.cancel();
    let rest: Vec<_> = stream.collect().await;
    let error = rest.into_iter().find_map(Result::err).expect("told");
    assert_eq!((error.code(), reason(&error).0.as_str()), (Code::Unavailable, "SHUTTING_DOWN"));
    assert!(server.ended.await.expect("joins").is_complete());
}

#[tokio::test]
async fn health_follows_its_probes_and_the_shutdown_while_liveness_stays() {
    let ready = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let seen = std::sync::Arc::clone(&ready);
    let probe = Probe::new(["a.B"], move || {
        let ready = seen.load(Ordering::SeqCst);
        async move { ready }
    });
    let health = Health::new(vec![probe]).await;
    let service = health.service();
    // The generated server hides its service, so the test asks a stack of its own.
    let mut client = tonic_health::pb::health_client::HealthClient::new(service);
    let mut is_serving = async |name: &str| {
        let answer = client.check(HealthCheckRequest { service: name.to_owned() }).await.expect("known");
        answer.into_inner().status == 1
    };
    assert!(!is_serving("").await && !is_serving("a.B").await && is_serving(LIVENESS).await, "nothing was asked yet");
    let shutdown = CancellationToken::new();
    let running = TaskTracker::new().spawn(health.run(shutdown.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(is_serving("").await && is_serving("a.B").await);
    ready.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(!is_serving("").await && !is_serving("a.B").await);
    ready.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(is_serving("a.B").await);
    shutdown.cancel();
    running.await.expect("ends");
    assert!(!is_serving("").await && !is_serving("a.B").await && is_serving(LIVENESS).await);
}
