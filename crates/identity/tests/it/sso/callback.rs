//! Where browsers come back to, and how what they bring reaches whoever began the login.

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use super::{Stage, ada};
use crate::harness::{background, reason};

/// Serves the HTTP side, and returns its address.
async fn serve(stage: &Stage) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let routes = stage.world.identity.http_routes();
    drop(background(async move { axum::serve(listener, routes).await.expect("served") }));
    address
}

/// Goes where a browser is sent, and returns what it gets.
async fn visit(address: &str, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

fn path(at: &Stage, state: &str, code: &str) -> String {
    let id = &at.connected.identity_provider_id;
    format!("/sso/callback/{id}?state={state}&code={code}&iss={}", at.provider.issuer)
}

async fn begin(stage: &Stage, return_url: &str) -> Result<BeginSsoLoginResponse, tonic::Status> {
    let provider = begin_sso_login_request::Provider::Email("ada@acme.example".to_owned());
    let request =
        BeginSsoLoginRequest { provider: Some(provider), return_url: return_url.to_owned(), ..Default::default() };
    Ok(stage.world.authentication().begin_sso_login(request).await?.into_inner())
}

async fn complete(stage: &Stage, token: &str, handle: &str) -> Result<Tokens, tonic::Status> {
    let returned = Some(complete_sso_login_request::Returned::Handle(handle.to_owned()));
    let request = CompleteSsoLoginRequest { login_token: token.to_owned(), returned };
    Ok(stage.world.authentication().complete_sso_login(request).await?.into_inner().tokens.expect("tokens"))
}

on_each_database! {
    async fn the_browser_carries_a_sealed_handle_back_to_the_program(database) {
        let stage = Stage::set(&database).await;
        let address = serve(&stage).await;
        let begun = begin(&stage, "http://127.0.0.1:4711/done?x=1").await.expect("begun");
        let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
        let answer = visit(&address, &path(&stage, &state, &code)).await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(answer.contains("cache-control: no-store") && answer.contains("referrer-policy: no-referrer"));
        let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a location");
        assert!(location.starts_with("http://127.0.0.1:4711/done?x=1&handle="), "{location}");
        assert!(!location.contains(&code) && !location.contains(&state), "sealed");
        let url = Url::parse(location).expect("an address");
        let handle = url.query_pairs().find(|(name, _)| name == "handle").expect("a handle").1.into_owned();
        let other = begin(&stage, "").await.expect("begun");
        let refused = complete(&stage, &other.login_token, &handle).await.expect_err("of another login");
        assert_eq!(reason(&refused), "SSO_REFUSED");
        complete(&stage, &begun.login_token, &handle).await.expect("logged in");
        assert_eq!(reason(&complete(&stage, &begun.login_token, &handle).await.expect_err("used")), "SSO_REFUSED");
    }

    async fn without_a_program_to_go_to_the_page_shows_the_handle(database) {
        let stage = Stage::set(&database).await;
        let address = serve(&stage).await;
        let begun = begin(&stage, "").await.expect("begun");
        let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
        let page = visit(&address, &path(&stage, &state, &code)).await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("frame-ancestors 'none'"), "{page}");
        let handle = page.split("<pre>").nth(1).and_then(|rest| rest.split("</pre>").next()).expect("a handle");
        assert!(page.contains("Give it to nobody"), "a login that somebody else began is not completed unawares");
        complete(&stage, &begun.login_token, handle).await.expect("logged in");
    }

    async fn attack_t14_a_browser_that_nobody_sent_is_led_nowhere(database) {
        let stage = Stage::set(&database).await;
        let address = serve(&stage).await;
        let begun = begin(&stage, "http://127.0.0.1:4711/").await.expect("begun");
        let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
        let other = "/sso/callback/01890a5d-ac96-774b-bcce-b302099a8057";
        for wrong in [
            path(&stage, "guessed", &code), path(&stage, "", ""), format!("{other}?state={state}&code={code}"),
            "/sso/callback/nobody?state=x".to_owned(), path(&stage, &state, &"c".repeat(9_000)),
        ] {
            let answer = visit(&address, &wrong).await;
            assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("location:"), "{wrong}");
        }
        for url in ["https://evil.example/", "http://localhost:1/", "javascript:alert(1)"] {
            let refused = begin(&stage, url).await.expect_err("not ours");
            assert_eq!(reason(&refused), "REQUEST_INVALID", "{url}");
        }
    }
}
