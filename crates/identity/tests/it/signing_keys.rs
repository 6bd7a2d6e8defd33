//! New signing keys: no call fails over one, and a stolen one is gone at once, everywhere.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::harness::{ADMIN, World, at_once, background, bearer, reason, request_id};

/// The life of an access token.
const LIFE: Duration = Duration::from_mins(5);
/// For how long a new key is published before it signs.
const PUBLICATION: Duration = Duration::from_mins(5);

async fn rotate(world: &World, token: &str, retire_previous: bool) -> Result<RotateSigningKeysResponse, Status> {
    let request = RotateSigningKeysRequest { retire_previous, ..Default::default() };
    Ok(world.tokens().rotate_signing_keys(bearer(token, request)).await?.into_inner())
}

async fn published(world: &World) -> Vec<String> {
    let keys = world.tokens().list_signing_keys(ListSigningKeysRequest {}).await.expect("listed").into_inner().keys;
    keys.into_iter().map(|key| key.kid).collect()
}

async fn call(world: &World, token: &str) -> Result<(), Status> {
    world.accounts().get_account(bearer(token, GetAccountRequest {})).await.map(drop)
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
    let header = String::from_utf8(header).expect("JSON");
    let (_, rest) = header.split_once("\"kid\":\"").expect("a kid");
    rest.split('"').next().expect("its end").to_owned()
}

on_each_database! {
    /// ASVS: V11.2.2
    async fn asvs_v13_3_4_no_call_of_two_processes_fails_while_a_key_takes_the_place_of_another(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let other = world.replica(&database).await;
        let first = world.log_in(ADMIN).await.access_token;
        let rotated = rotate(&world, &first, false).await.expect("rotated");
        let active_from = rotated.active_from_time.expect("a time").seconds;
        assert_eq!(active_from, world.clock_seconds() + 300);
        assert_eq!(published(&other).await, [kid(&first), rotated.kid.clone()], "at once, everywhere");
        let (step, mut tokens, mut kids) = (Duration::from_secs(30), VecDeque::from([first.clone()]), Vec::new());
        let steps = (PUBLICATION + LIFE).as_secs() / step.as_secs() + 2;
        for _ in 0..steps {
            world.clock.advance(step);
            // Each process looks at the table every two seconds.
            other.identity.refresh_keys().await.expect("read");
            for process in [&world, &other] {
                let token = process.log_in(ADMIN).await.access_token;
                let is_new = world.clock_seconds() >= active_from;
                assert_eq!(kid(&token), if is_new { rotated.kid.clone() } else { kid(&first) });
                kids.push(kid(&token));
                tokens.push_back(token);
            }
            while tokens.len() > 2 * 10 {
                tokens.pop_front();
            }
            for token in &tokens {
                call(&world, token).await.expect("good here");
                call(&other, token).await.expect("good there");
            }
        }
        kids.dedup();
        assert_eq!(kids, [kid(&first), rotated.kid.clone()]);
        assert_eq!(published(&world).await, std::slice::from_ref(&rotated.kid), "the key before has ended");
        assert!(world.identity.sweep().await.expect("swept") >= 1);
        assert_eq!(published(&other).await, [rotated.kid]);
    }

    async fn asvs_v7_4_5_a_stolen_key_is_gone_at_once_here_and_soon_everywhere(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let other = world.replica(&database).await;
        let (shutdown, before) = (CancellationToken::new(), world.log_in(ADMIN).await.access_token);
        for worker in [&world, &other].into_iter().flat_map(|process| process.identity.workers(&shutdown)) {
            drop(background(worker.run));
        }
        call(&other, &before).await.expect("good there");
        let rotated = rotate(&world, &before, true).await.expect("rotated");
        assert_eq!(rotated.active_from_time.expect("a time").seconds, world.clock_seconds());
        assert_eq!(published(&world).await, std::slice::from_ref(&rotated.kid));
        assert_eq!(reason(&call(&world, &before).await.expect_err("gone")), "TOKEN_INVALID");
        let gone = async {
            while call(&other, &before).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("obeyed");
        let fresh = other.log_in(ADMIN).await.access_token;
        assert_eq!(kid(&fresh), rotated.kid);
        call(&world, &fresh).await.expect("good here");
        call(&other, &fresh).await.expect("good there");
        let request = bearer(&world.service_token(), WatchRevocationsRequest::default());
        let mut stream = world.tokens().watch_revocations(request).await.expect("watched").into_inner();
        let told = stream.message().await.expect("a message").expect("not over");
        assert_eq!(told.revocations[0].ended, Some(revocation::Ended::Kid(kid(&before))));
        shutdown.cancel();
    }

    async fn a_key_is_made_once_for_one_request(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let request = RotateSigningKeysRequest { request_id: request_id(&world.clock), ..Default::default() };
        let world = Arc::new(world);
        let answers = at_once(6, |_| {
            let (world, request) = (Arc::clone(&world), bearer(&root, request.clone()));
            async move { world.tokens().rotate_signing_keys(request).await.expect("rotated").into_inner() }
        }).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(published(&world).await.len(), 2);
        let other = RotateSigningKeysRequest { retire_previous: true, ..request };
        let refused = world.tokens().rotate_signing_keys(bearer(&root, other)).await.expect_err("other content");
        assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
        world.identity.relay().drain().await;
        let told = world.peers.topics().into_iter().filter(|topic| topic == "identity.signing_key_rotated").count();
        assert_eq!(told, 1);
    }

    async fn keys_that_were_made_at_once_take_their_turns(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        at_once(4, |_| {
            let (world, root) = (Arc::clone(&world), root.clone());
            async move { rotate(&world, &root, false).await.expect("rotated") }
        }).await;
        assert_eq!(published(&world).await.len(), 5);
        world.clock.advance(PUBLICATION);
        let token = world.log_in(ADMIN).await.access_token;
        assert_ne!(kid(&token), kid(&root));
        world.clock.advance(LIFE.saturating_sub(Duration::from_secs(1)));
        call(&world, &token).await.expect("good to its end");
        world.clock.advance(Duration::from_secs(12));
        assert_eq!(published(&world).await, [kid(&token)], "the one that signed stays");
    }

    async fn only_an_administrator_rotates_and_only_right_after_a_login(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let (_, owner) = world.second_organization("owner@example.org").await;
        let refused = rotate(&world, &owner.access_token, false).await.expect_err("not an administrator");
        assert_eq!(reason(&refused), "PERMISSION_MISSING");
        let tokens = world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_mins(6));
        let refresh = RefreshTokensRequest { refresh_token: tokens.refresh_token, ..Default::default() };
        let later = world.authentication().refresh_tokens(refresh).await.expect("refreshed").into_inner();
        let refused = rotate(&world, &later.tokens.expect("tokens").access_token, true).await.expect_err("stale");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "STEP_UP_REQUIRED"));
        assert_eq!(published(&world).await.len(), 1);
    }

    async fn an_old_key_is_replaced_by_one_of_many_processes(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let other = world.replica(&database).await;
        assert!(!world.identity.rotate_keys_if_due().await, "young");
        world.clock.advance(Duration::from_hours(90 * 24));
        let (here, there) = tokio::join!(world.identity.rotate_keys_if_due(), other.identity.rotate_keys_if_due());
        assert_ne!(here, there, "exactly one");
        assert_eq!(published(&world).await.len(), 2);
        assert!(!world.identity.rotate_keys_if_due().await && !other.identity.rotate_keys_if_due().await);
    }
}
