//! A new signing key comes to two processes of one database, and nobody is refused meanwhile.

use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_tests::actor::PASSWORD;
use rolecall_tests::stack::Stack;
use tonic::Request;
use tonic::transport::Channel;

use crate::world;

/// How long a new key is published before it signs: the shortest that is allowed.
const PUBLICATION: Duration = Duration::from_secs(10);

/// ASVS: V11.2.2
#[tokio::test]
async fn asvs_v13_3_4_a_signing_key_is_replaced_in_two_processes_without_a_refused_call() {
    let mut stack = Stack::prepare(world::ONE_POSTGRES).await;
    stack.configure(&format!("[identity]\nmax_sessions = 100000\nkey_publication = \"{}s\"", PUBLICATION.as_secs()));
    stack.launch_all(None).await;
    let admin = world::bootstrap(&stack).await;
    let replica = stack.add_replica().await;
    let processes = [stack.channel_to(0), stack.channel_to(replica)];
    let before = log_in(&processes[1]).await;
    let request = identity::RotateSigningKeysRequest::default();
    let rotated = admin.signing().rotate_signing_keys(request).await.expect("rotated").into_inner();
    assert_ne!(kid(&before), rotated.kid);
    let begun = tokio::time::Instant::now();
    let (mut calls, mut signed) = (0, [false; 2]);
    while begun.elapsed() < PUBLICATION + Duration::from_secs(4) {
        for (index, process) in processes.iter().enumerate() {
            let fresh = log_in(process).await;
            signed[index] |= kid(&fresh) == rotated.kid;
            for (token, other) in [(&fresh, &processes[0]), (&fresh, &processes[1]), (&before, &processes[1 - index])] {
                let mut request = Request::new(identity::GetAccountRequest {});
                let bearer = format!("Bearer {token}").parse().expect("ascii");
                request.metadata_mut().insert("authorization", bearer);
                let answer = AccountServiceClient::new(other.clone()).get_account(request).await;
                answer.unwrap_or_else(|status| panic!("{calls} calls went well, then: {status:?}"));
                calls += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(signed, [true, true], "both sign with the new key by now");
    assert!(calls > 100, "{calls} calls are no proof");
}

async fn log_in(process: &Channel) -> String {
    let request =
        identity::LogInRequest { email: world::ADMIN.to_owned(), password: PASSWORD.to_owned(), ..Default::default() };
    let answer = AuthenticationServiceClient::new(process.clone()).log_in(request).await.expect("logged in");
    let Some(Outcome::Tokens(tokens)) = answer.into_inner().outcome else { panic!("tokens") };
    tokens.access_token
}

/// The key that a token names.
fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap_or_default();
    let header = data_encoding::BASE64URL_NOPAD.decode(header.as_bytes()).expect("base64");
    let header = String::from_utf8(header).expect("text");
    let kid = header.split("\"kid\":\"").nth(1).and_then(|rest| rest.split('"').next());
    kid.expect("a key id").to_owned()
}
