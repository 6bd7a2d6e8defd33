//! Another address for the own account.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_kernel::entropy::{OpaqueToken, SystemEntropy};
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, reason, request_id};
use crate::mailbox::{mails, told};
use crate::password_reset::{mailed_code, reset, set_roles, tell_of_roles};

const NEW: &str = "countess@example.org";

async fn ask(world: &World, token: &str, email: &str) -> Result<ChangeEmailResponse, Status> {
    let request = ChangeEmailRequest { email: email.to_owned(), ..Default::default() };
    world.accounts().change_email(bearer(token, request)).await.map(tonic::Response::into_inner)
}

async fn confirm(world: &World, code: &str) -> Result<String, Status> {
    let request = ConfirmEmailChangeRequest { code: code.to_owned() };
    Ok(world.accounts().confirm_email_change(request).await?.into_inner().email)
}

async fn is_unknown(world: &World, code: &str) -> bool {
    confirm(world, code).await.is_err_and(|refused| reason(&refused) == "CODE_NOT_FOUND")
}

async fn account(world: &World, token: &str) -> Result<User, Status> {
    let answer = world.accounts().get_account(bearer(token, GetAccountRequest {})).await?;
    Ok(answer.into_inner().user.expect("a user"))
}

on_each_database! {
    async fn an_account_moves_when_the_new_address_confirms(database) {
        let (world, before) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let asked = ask(&world, &tokens.access_token, "Countess@Example.org").await.expect("asked");
        assert!(asked.expire_time.is_some());
        let code = world.code("Countess@example.org").await;
        assert!(code.starts_with("rcm_") && code.len() == 47);
        assert_eq!(account(&world, &tokens.access_token).await.expect("read").email, ADMIN, "nothing changed yet");
        assert_eq!(confirm(&world, &code).await.expect("confirmed"), "Countess@example.org");
        assert_eq!(reason(&account(&world, &tokens.access_token).await.expect_err("over")), "SESSION_ENDED");
        world.try_log_in(ADMIN, PASSWORD).await.expect_err("the old address");
        let after = account(&world, &world.log_in(NEW).await.access_token).await.expect("read");
        assert_eq!((after.user_id, after.email.as_str(), after.email_verified), (before.user_id, "Countess@example.org", true));
        assert_ne!(after.etag, before.etag);
        assert!(is_unknown(&world, &code).await, "once");
        assert_eq!(told(&world, "identity.email_changed").await, 1);
        let payload = world.peers.known().mail.iter().find(|event| event.topic == "identity.email_changed").expect("told").payload.clone();
        let Some(domain_event::Event::EmailChanged(changed)) = DomainEvent::decode(payload.as_slice()).expect("readable").event else { panic!("EmailChanged") };
        assert_eq!((changed.old_email.as_str(), changed.new_email.as_str()), (ADMIN, "Countess@example.org"));
        assert!(world.peers.topics().contains(&"identity.email_change_requested".to_owned()));
    }

    /// ASVS: T03
    async fn asvs_v6_3_8_an_address_of_somebody_else_gets_the_same_answer_and_its_owner_no_code(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        let token = world.log_in("ada@example.org").await.access_token;
        let free = ask(&world, &token, NEW).await.expect("free");
        let older = world.code(NEW).await;
        let taken = ask(&world, &token, ADMIN).await.expect("taken");
        assert_eq!(free.encode_to_vec(), taken.encode_to_vec());
        assert_eq!(mails(&world, ADMIN, "email_change").await.len(), 0);
        let told = mails(&world, ADMIN, "address_in_use").await;
        assert_eq!(told.len(), 1);
        assert!(told[0].sealed_secret.is_empty() && told[0].variables["recipient_name"] == "Grace Hopper");
        assert!(is_unknown(&world, &older).await, "ended as if the address were free");
    }

    async fn an_address_that_was_taken_meanwhile_is_refused_at_the_end(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        ask(&world, &root, NEW).await.expect("asked");
        let code = world.code(NEW).await;
        world.invite(&root, NEW, "GUEST").await;
        let refused = confirm(&world, &code).await.expect_err("taken");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "EMAIL_TAKEN"));
        assert_eq!(account(&world, &root).await.expect("goes on").email, ADMIN);
    }

    async fn one_of_two_who_ask_for_an_address_gets_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let mut codes = Vec::new();
        for email in ["a@example.org", "b@example.org", "c@example.org", "d@example.org"] {
            world.join(&root, email, "GUEST").await;
            ask(&world, &world.log_in(email).await.access_token, NEW).await.expect("asked");
            codes.push(world.code(NEW).await);
        }
        let (world, codes) = (Arc::new(world), Arc::new(codes));
        let answers = at_once(64, |index| {
            let (world, codes) = (Arc::clone(&world), Arc::clone(&codes));
            async move { confirm(&world, &codes[index % 4]).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            let expected = ["EMAIL_TAKEN", "CODE_NOT_FOUND", "STORE_UNAVAILABLE"];
            assert!(expected.contains(&reason(refused).as_str()), "{refused:?}");
        }
        assert_eq!(told(&world, "identity.email_changed").await, 1);
    }

    async fn a_code_ends_after_a_day_and_when_another_address_is_asked_for(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        ask(&world, &root, NEW).await.expect("asked");
        let older = world.code(NEW).await;
        ask(&world, &root, "third@example.org").await.expect("asked");
        let newer = world.code("third@example.org").await;
        assert!(is_unknown(&world, &older).await);
        world.clock.advance(Duration::from_hours(24));
        assert!(is_unknown(&world, &newer).await);
        let unknown = OpaqueToken::new("rcm_", &SystemEntropy).expose().to_owned();
        let same = [confirm(&world, &unknown).await, confirm(&world, "x").await, confirm(&world, &newer).await];
        let same = same.map(|answer| bytes(&answer.expect_err("refused")));
        assert!(same.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(reason(&confirm(&world, "").await.expect_err("nothing")), "REQUEST_INVALID");
    }

    async fn a_code_is_void_after_another_password_another_address_or_other_roles(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let code = || async {
            ask(&world, &world.log_in("ada@example.org").await.access_token, NEW).await.expect("asked");
            world.code(NEW).await
        };
        let first = code().await;
        reset(&world, &mailed_code(&world, "ada@example.org").await, PASSWORD).await.expect("reset");
        assert!(is_unknown(&world, &first).await, "after another password");
        let second = code().await;
        set_roles(&world, &ada.user_id, &["OWNER"]);
        assert!(is_unknown(&world, &second).await, "after a promotion");
        tell_of_roles(&world, &ada.user_id).await;
        set_roles(&world, &ada.user_id, &["GUEST"]);
        assert!(is_unknown(&world, &second).await, "after a promotion that was taken back");
        world.clock.advance(Duration::from_secs(1));
        let third = code().await;
        let reset_code = mailed_code(&world, "ada@example.org").await;
        confirm(&world, &third).await.expect("confirmed");
        let refused = reset(&world, &reset_code, PASSWORD).await.expect_err("after another address");
        assert_eq!(reason(&refused), "CODE_NOT_FOUND");
    }

    async fn asvs_v7_5_1_asking_needs_a_fresh_login_and_a_valid_address(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        for wrong in ["", "nobody", "a@b@example.org"] {
            assert_eq!(reason(&ask(&world, &tokens.access_token, wrong).await.expect_err("wrong")), "REQUEST_INVALID");
        }
        world.clock.advance(Duration::from_mins(5) + Duration::from_secs(10));
        let request = RefreshTokensRequest { refresh_token: tokens.refresh_token, ..Default::default() };
        let later = world.authentication().refresh_tokens(request).await.expect("refreshed").into_inner();
        let token = later.tokens.expect("tokens").access_token;
        assert_eq!(reason(&ask(&world, &token, NEW).await.expect_err("too long ago")), "STEP_UP_REQUIRED");
    }

    async fn a_repeated_request_is_answered_and_mailed_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let mut request = ChangeEmailRequest { request_id: request_id(&world.clock), email: NEW.to_owned() };
        let once = world.accounts().change_email(bearer(&root, request.clone())).await.expect("asked").into_inner();
        world.clock.advance(Duration::from_secs(3));
        let twice = world.accounts().change_email(bearer(&root, request.clone())).await.expect("repeated").into_inner();
        assert_eq!((once, mails(&world, NEW, "email_change").await.len()), (twice, 1));
        "other@example.org".clone_into(&mut request.email);
        let reused = world.accounts().change_email(bearer(&root, request)).await.expect_err("other content");
        assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    }

    async fn attack_t30_nobody_floods_an_address_by_asking_for_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        let token = world.log_in("ada@example.org").await.access_token;
        for _ in 0..7 {
            ask(&world, &token, NEW).await.expect("the same answer");
            ask(&world, &token, ADMIN).await.expect("the same answer");
        }
        assert_eq!(mails(&world, NEW, "email_change").await.len(), 5);
        assert_eq!(mails(&world, ADMIN, "address_in_use").await.len(), 5);
    }

    async fn an_account_may_prove_the_address_that_it_has(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        assert!(!admin.email_verified);
        ask(&world, &world.log_in(ADMIN).await.access_token, ADMIN).await.expect("asked");
        confirm(&world, &world.code(ADMIN).await).await.expect("confirmed");
        let after = account(&world, &world.log_in(ADMIN).await.access_token).await.expect("read");
        assert!(after.email_verified && after.email == ADMIN);
    }
}
