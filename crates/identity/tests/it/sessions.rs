//! Sessions: seen, and ended on request.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::harness::{ADMIN, World, bearer, bytes, reason, request_id};
use crate::profile::violations;

async fn log_ins(world: &World, email: &str, count: usize) -> Vec<Tokens> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        world.clock.advance(Duration::from_millis(10));
        tokens.push(world.log_in(email).await);
    }
    tokens
}

async fn own(world: &World, token: &str) -> Vec<Session> {
    let answer = world.accounts().list_sessions(bearer(token, ListSessionsRequest::default())).await;
    answer.expect("listed").into_inner().sessions
}

async fn revoke(world: &World, token: &str, request: RevokeSessionsRequest) -> Result<i32, Status> {
    Ok(world.accounts().revoke_sessions(bearer(token, request)).await?.into_inner().revoked_count)
}

async fn revoke_of(world: &World, token: &str, user_id: &str, ids: &[&str]) -> Result<i32, Status> {
    let session_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let request = RevokeUserSessionsRequest { user_id: user_id.to_owned(), session_ids, ..Default::default() };
    Ok(world.users().revoke_user_sessions(bearer(token, request)).await?.into_inner().revoked_count)
}

async fn is_over(world: &World, tokens: &Tokens) -> bool {
    let read = world.accounts().get_account(bearer(&tokens.access_token, GetAccountRequest {})).await;
    let refresh = RefreshTokensRequest { refresh_token: tokens.refresh_token.clone(), ..Default::default() };
    match read {
        Ok(_) => false,
        Err(refused) => {
            assert_eq!(reason(&refused), "SESSION_ENDED");
            world.authentication().refresh_tokens(refresh).await.expect_err("over as well");
            true
        }
    }
}

on_each_database! {
    async fn who_logs_in_beyond_the_limit_ends_the_oldest_session_and_never_the_own(database) {
        let (world, _) = World::bootstrapped(&database).await;
        // All in one moment: nothing but the order of their coming tells which is the newest.
        for login in 0..60 {
            let token = world.log_in(ADMIN).await.access_token;
            assert!(own(&world, &token).await.len() <= 20, "login {login}");
        }
    }

    async fn asvs_v7_5_2_own_sessions_are_listed_newest_first_on_pages(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let tokens = log_ins(&world, ADMIN, 5).await;
        let token = &tokens[2].access_token;
        let listed = own(&world, token).await;
        let ids: Vec<&str> = listed.iter().map(|session| session.session_id.as_str()).collect();
        let expected: Vec<&str> = tokens.iter().rev().map(|tokens| tokens.session_id.as_str()).collect();
        assert_eq!(ids, expected);
        for (session, tokens) in listed.iter().zip(tokens.iter().rev()) {
            assert_eq!(session.user_id, admin.user_id);
            assert_eq!(session.current, tokens.access_token == *token);
            assert_eq!(session.authentication_methods, ["pwd"]);
            assert_eq!(session.auth_time, session.last_used_time);
            assert_eq!(session.idle_expire_time, tokens.refresh_token_expire_time);
        }
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListSessionsRequest { page_size: 2, page_token };
            let page = world.accounts().list_sessions(bearer(token, request)).await.expect("a page").into_inner();
            seen.extend(page.sessions);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, listed);
    }

    async fn a_session_that_is_used_shows_it_and_one_that_is_over_is_not_shown(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = log_ins(&world, ADMIN, 2).await;
        world.clock.advance(Duration::from_hours(20));
        let refresh = RefreshTokensRequest { refresh_token: tokens[0].refresh_token.clone(), ..Default::default() };
        let fresh = world.authentication().refresh_tokens(refresh).await.expect("refreshed").into_inner();
        let fresh = fresh.tokens.expect("tokens");
        let listed = own(&world, &fresh.access_token).await;
        assert!(listed[1].last_used_time.expect("a time").seconds > listed[1].auth_time.expect("a time").seconds);
        world.clock.advance(Duration::from_hours(10));
        let refresh = RefreshTokensRequest { refresh_token: fresh.refresh_token, ..Default::default() };
        let fresh = world.authentication().refresh_tokens(refresh).await.expect("refreshed").into_inner();
        let fresh = fresh.tokens.expect("tokens");
        let ids: Vec<String> = own(&world, &fresh.access_token).await.into_iter().map(|session| session.session_id).collect();
        assert_eq!(ids, [tokens[0].session_id.clone()], "the other one was idle for a day");
        let others = RevokeSessionsRequest { all_others: true, ..Default::default() };
        assert_eq!(revoke(&world, &fresh.access_token, others).await.expect("revoked"), 0, "what had ended does not count");
    }

    /// ASVS: V10.4.9
    async fn asvs_v7_5_2_named_sessions_end_at_once_and_others_go_on(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = log_ins(&world, ADMIN, 4).await;
        let random = SessionId::new(world.clock.now(), &SystemEntropy).to_string();
        let named = vec![tokens[1].session_id.clone(), tokens[1].session_id.clone(), tokens[2].session_id.clone(), random];
        let request = RevokeSessionsRequest { session_ids: named, ..Default::default() };
        assert_eq!(revoke(&world, &tokens[0].access_token, request.clone()).await.expect("revoked"), 2);
        assert!(is_over(&world, &tokens[1]).await && is_over(&world, &tokens[2]).await);
        assert!(!is_over(&world, &tokens[0]).await && !is_over(&world, &tokens[3]).await);
        assert_eq!(revoke(&world, &tokens[0].access_token, request).await.expect("again"), 0);
        assert_eq!(own(&world, &tokens[0].access_token).await.len(), 2);
        world.identity.relay().drain().await;
        assert_eq!(world.peers.topics().iter().filter(|topic| *topic == "identity.session_ended").count(), 2);
    }

    async fn all_others_end_and_a_repeat_ends_none_that_came_later(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = log_ins(&world, ADMIN, 3).await;
        let request = RevokeSessionsRequest { request_id: request_id(&world.clock), all_others: true, ..Default::default() };
        let token = &tokens[1].access_token;
        assert_eq!(revoke(&world, token, request.clone()).await.expect("revoked"), 2);
        assert!(is_over(&world, &tokens[0]).await && is_over(&world, &tokens[2]).await && !is_over(&world, &tokens[1]).await);
        let later = world.log_in(ADMIN).await;
        assert_eq!(revoke(&world, token, request.clone()).await.expect("repeated"), 2);
        assert!(!is_over(&world, &later).await);
        let other = RevokeSessionsRequest { all_others: false, session_ids: vec![later.session_id], ..request };
        assert_eq!(reason(&revoke(&world, token, other).await.expect_err("refused")), "REQUEST_ID_REUSED");
    }

    async fn the_own_session_ends_like_any_other_when_it_is_named(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let request = RevokeSessionsRequest { session_ids: vec![tokens.session_id.clone()], ..Default::default() };
        assert_eq!(revoke(&world, &tokens.access_token, request).await.expect("revoked"), 1);
        assert!(is_over(&world, &tokens).await);
    }

    async fn requests_that_name_nothing_or_too_much_are_refused(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (token, id) = (&tokens.access_token, &tokens.session_id);
        let both = RevokeSessionsRequest { session_ids: vec![id.clone()], all_others: true, ..Default::default() };
        for wrong in [RevokeSessionsRequest::default(), both] {
            let refused = revoke(&world, token, wrong).await.expect_err("refused");
            assert_eq!(violations(&refused), [("session_ids".to_owned(), "ONE_OF".to_owned())]);
        }
        let many = RevokeSessionsRequest { session_ids: vec![id.clone(); 101], ..Default::default() };
        assert_eq!(violations(&revoke(&world, token, many).await.expect_err("refused")), [("session_ids".to_owned(), "TOO_MANY".to_owned())]);
        let refused = revoke_of(&world, token, &admin.user_id, &["7"]).await.expect_err("refused");
        assert_eq!(violations(&refused), [("session_ids[0]".to_owned(), "ID_MALFORMED".to_owned())]);
        assert!(!is_over(&world, &tokens).await);
    }

    async fn asvs_v7_4_5_an_owner_sees_and_ends_the_sessions_of_its_people_and_of_administrators_too(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        world.join(&root.access_token, "owner@example.org", "OWNER").await;
        let guest = world.join(&root.access_token, "guest@example.org", "GUEST").await;
        let owner = world.log_in("owner@example.org").await.access_token;
        let sessions = log_ins(&world, "guest@example.org", 3).await;
        let request = ListUserSessionsRequest { user_id: guest.user_id.clone(), page_size: 2, ..Default::default() };
        let page = world.users().list_user_sessions(bearer(&owner, request.clone())).await.expect("listed").into_inner();
        let ids: Vec<&str> = page.sessions.iter().map(|session| session.session_id.as_str()).collect();
        assert_eq!(ids, [&sessions[2].session_id, &sessions[1].session_id]);
        assert!(page.sessions.iter().all(|session| !session.current));
        let foreign = ListUserSessionsRequest { user_id: admin.user_id.clone(), page_token: page.next_page_token.clone(), ..request.clone() };
        let foreign = world.users().list_user_sessions(bearer(&owner, foreign)).await.expect_err("another list");
        assert_eq!(violations(&foreign), [("page_token".to_owned(), "PAGE_TOKEN_FOREIGN".to_owned())]);
        let next = ListUserSessionsRequest { page_token: page.next_page_token, ..request };
        let next = world.users().list_user_sessions(bearer(&owner, next)).await.expect("listed").into_inner();
        assert_eq!((next.sessions.len(), next.next_page_token.as_str()), (1, ""));
        // A session of somebody else does not count, whatever it is named with.
        let named = [sessions[0].session_id.as_str(), root.session_id.as_str()];
        assert_eq!(revoke_of(&world, &owner, &guest.user_id, &named).await.expect("revoked"), 1);
        assert!(is_over(&world, &sessions[0]).await && !is_over(&world, &sessions[1]).await && !is_over(&world, &root).await);
        assert_eq!(revoke_of(&world, &owner, &guest.user_id, &[]).await.expect("revoked"), 2);
        assert!(is_over(&world, &sessions[1]).await && is_over(&world, &sessions[2]).await);
        assert_eq!(revoke_of(&world, &owner, &admin.user_id, &[]).await.expect("locking out opens no account"), 1);
        assert!(is_over(&world, &root).await);
    }

    async fn foreign_people_are_like_those_that_do_not_exist(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let (_, owner) = world.second_organization("owner@example.org").await;
        let random = UserId::new(world.clock.now(), &SystemEntropy).to_string();
        let mut answers = Vec::new();
        for user_id in [admin.user_id, random] {
            answers.push(bytes(&revoke_of(&world, &owner.access_token, &user_id, &[]).await.expect_err("not found")));
            answers.push(bytes(&revoke_of(&world, &owner.access_token, &user_id, &[&root.session_id]).await.expect_err("not found")));
            let request = ListUserSessionsRequest { user_id, ..Default::default() };
            answers.push(bytes(&world.users().list_user_sessions(bearer(&owner.access_token, request)).await.expect_err("not found")));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(answers[0].0, Code::NotFound);
        assert!(!is_over(&world, &root).await);
    }

    async fn a_guest_lists_its_own_sessions_only_through_its_own_account(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let guest = world.join(&root, "guest@example.org", "GUEST").await;
        let token = world.log_in("guest@example.org").await.access_token;
        assert_eq!(own(&world, &token).await.len(), 1);
        let refused = revoke_of(&world, &token, &guest.user_id, &[]).await.expect_err("refused");
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
}
