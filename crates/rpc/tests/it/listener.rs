//! Who may connect, and over what.

use std::time::Duration;

use rolecall_rpc::channel::{Channel, RemoteConfig};
use rolecall_rpc::server::{BindError, DrainConfig, ListenerConfig, TlsConfig, bind};
use rolecall_rpc::stack::StackConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::world::{Server, echo, loopback};

async fn server(listener: ListenerConfig) -> Server {
    Server::with(StackConfig::default(), listener, DrainConfig::default()).await
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_sentence() {
    let first = bind(&loopback()).await.expect("a free port");
    let again = ListenerConfig { address: first.address(), ..loopback() };
    let error = bind(&again).await.expect_err("in use");
    assert!(matches!(error, BindError::InUse(address) if address == first.address()));
    let text = error.to_string();
    assert!(text.contains("in use") && text.contains("server.listen") && !text.contains('\n'), "{text}");
}

/// ASVS: V4.1.2
#[tokio::test]
async fn asvs_v12_2_1_plaintext_beyond_loopback_must_be_asked_for() {
    let open = ListenerConfig { address: ([0, 0, 0, 0], 0).into(), ..Default::default() };
    let error = bind(&open).await.expect_err("refused");
    assert!(error.to_string().contains("server.plaintext = true"), "{error}");
    assert!(bind(&ListenerConfig { plaintext: true, ..open }).await.is_ok());
}

#[tokio::test]
async fn an_origin_that_is_none_is_refused() {
    let config = ListenerConfig { allowed_origins: vec!["*".to_owned()], ..loopback() };
    assert!(matches!(bind(&config).await, Err(BindError::Origin(_))));
}

/// Makes a certificate authority and a certificate of `localhost` in a folder.
fn certificates() -> (tempfile::TempDir, TlsConfig, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("valid");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, key).expect("signs");
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("valid");
    let certificate = certificate.signed_by(&key, &authority).expect("signs");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path
    };
    let tls = TlsConfig {
        certificate_file: file("server.pem", certificate.pem()),
        key_file: file("server.key", key.serialize_pem()),
    };
    let authority = file("ca.pem", authority.pem());
    (folder, tls, authority)
}

/// ASVS: V12.3.2
#[tokio::test]
async fn asvs_v12_3_4_tls_works_with_the_authority_and_only_with_it() {
    let (_folder, tls, ca) = certificates();
    let server = server(ListenerConfig { tls: Some(tls), ..loopback() }).await;
    let address = format!("https://localhost:{}", server.address.port());
    let trusted = Channel::remote(&RemoteConfig { ca_file: Some(ca), ..RemoteConfig::new(&address) });
    assert_eq!(echo(trusted.expect("valid"), "sealed").await.expect("answers"), "sealed");
    let (_other, _, stranger) = certificates();
    let strange = Channel::remote(&RemoteConfig { ca_file: Some(stranger), ..RemoteConfig::new(&address) });
    assert_eq!(echo(strange.expect("valid"), "sealed").await.expect_err("refused").code(), Code::Unavailable);
    assert!(server.echo("plain").await.is_err(), "plaintext is not spoken here");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let (_folder, tls, ca) = certificates();
    let absent = TlsConfig { certificate_file: "/nowhere/server.pem".into(), ..tls.clone() };
    let error = bind(&ListenerConfig { tls: Some(absent), ..loopback() }).await.expect_err("absent");
    assert!(error.to_string().contains("/nowhere/server.pem"), "{error}");
    let wrong = TlsConfig { certificate_file: ca, ..tls };
    let error = bind(&ListenerConfig { tls: Some(wrong), ..loopback() }).await.expect_err("does not fit");
    assert!(error.to_string().contains("server.tls"), "{error}");
}

/// Reads until the server closes, and tells whether it did so in time.
async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let mut bytes = Vec::new();
    tokio::time::timeout(within, stream.read_to_end(&mut bytes)).await.is_ok()
}

#[tokio::test]
async fn attack_t38_a_peer_that_holds_a_socket_and_says_nothing_is_sent_away() {
    let quick = Duration::from_millis(200);
    let plain = server(ListenerConfig { handshake_timeout: quick, ..loopback() }).await;
    let (_folder, tls, _) = certificates();
    let sealed = server(ListenerConfig { handshake_timeout: quick, tls: Some(tls), ..loopback() }).await;
    for (address, said) in [
        (plain.address, &b""[..]),
        (plain.address, b"PRI * HTTP"),
        (sealed.address, b""),
        (plain.address, b"GET / HTTP/1.1\r\nHost: lo"),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(said).await.expect("writes");
        assert!(is_closed(&mut stream, Duration::from_secs(3)).await, "{said:?}");
    }
}

#[tokio::test]
async fn beyond_the_limit_connections_are_closed_at_once() {
    let server = server(ListenerConfig { max_connections: 2, ..loopback() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.expect("connects");
        assert!(!is_closed(&mut stream, Duration::from_millis(100)).await);
        held.push(stream);
    }
    let mut third = TcpStream::connect(server.address).await.expect("connects");
    assert!(is_closed(&mut third, Duration::from_secs(3)).await);
    held.pop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.echo("again").await.expect("there is a place"), "again");
}

#[tokio::test]
async fn an_old_connection_is_replaced_without_an_error() {
    let config = ListenerConfig { connection_age: Duration::from_millis(150), ..loopback() };
    let server = server(config).await;
    let channel = Channel::remote(&RemoteConfig::new(format!("http://{}", server.address))).expect("valid");
    for _ in 0..20 {
        assert_eq!(echo(channel.clone(), "x").await.expect("answers"), "x");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn a_call_that_meets_the_end_of_its_connection_is_sent_again() {
    let config = ListenerConfig { connection_age: Duration::from_millis(2), ..loopback() };
    let server = server(config).await;
    let channel = Channel::remote(&RemoteConfig::new(format!("http://{}", server.address))).expect("valid");
    for round in 0..500 {
        let answer = echo(channel.clone(), "x").await;
        assert_eq!(answer.unwrap_or_else(|error| panic!("round {round}: {error:?}")), "x");
    }
}

#[tokio::test]
async fn a_call_on_an_old_connection_is_finished_within_its_grace() {
    let config = ListenerConfig { connection_age: Duration::from_millis(100), ..loopback() };
    let server = server(config).await;
    let channel = server.connect();
    let call = tokio_util::task::TaskTracker::new().spawn(async move { echo(channel, "wait").await });
    server.world.wait_for_begun(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.world.go.notify_one();
    assert!(call.await.expect("joins").is_ok());
}

#[tokio::test]
async fn a_list_of_headers_beyond_the_limit_is_refused() {
    let server = server(loopback()).await;
    let mut request = tonic::Request::new(crate::world::Text::default());
    for index in 0..40 {
        let key: tonic::metadata::MetadataKey<_> = format!("x-large-{index}").parse().expect("a key");
        request.metadata_mut().insert(key, "x".repeat(1_000).parse().expect("metadata"));
    }
    assert!(crate::world::unary(server.connect(), crate::world::ECHO, request).await.is_err());
    assert_eq!(server.echo("still here").await.expect("serves on"), "still here");
}

#[tokio::test]
async fn settings_are_read_with_their_units() {
    let text = "address = '0.0.0.0:443'\nhandshake_timeout = '3s'\nconnection_age = '5m'\nallowed_origins = ['https://a.example']";
    let config: ListenerConfig = toml::from_str(text).expect("parses");
    assert_eq!((config.handshake_timeout, config.connection_age), (Duration::from_secs(3), Duration::from_mins(5)));
    assert!(toml::from_str::<ListenerConfig>("adress = '0.0.0.0:443'").is_err());
    let drain: DrainConfig = toml::from_str("grace = '25s'").expect("parses");
    assert_eq!(drain.grace, Duration::from_secs(25));
    let stack: StackConfig = toml::from_str("max_calls = 10\nunary_timeout = '1s'").expect("parses");
    assert_eq!((stack.max_calls, stack.unary_timeout), (10, Duration::from_secs(1)));
}
