//! Refused calls in the audit log: one row for each caller, method and minute.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::domain_event::Event;
use rolecall_api::identity::v1::impersonate_user_request::Target;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::Code;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, reason};

const LIST: &str = "/rolecall.identity.v1.UserService/ListUsers";
const UPDATE: &str = "/rolecall.identity.v1.UserService/UpdateUser";
const CHANGE: &str = "/rolecall.identity.v1.AccountService/ChangePassword";

/// A row of the audit log: who, in which organization, what, how often and why.
type Row = (String, String, String, i32, Vec<String>);

fn row(caller: &User, method: &str, count: i32, reasons: &[&str]) -> Row {
    let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    (caller.user_id.clone(), caller.organization_id.clone(), method.to_owned(), count, reasons)
}

/// Writes down what was counted, as happens every minute, and returns the rows that came.
async fn minute(world: &World) -> Vec<Row> {
    let written = world.identity.write_refusals(&world.refusals).await.expect("written");
    world.identity.relay().drain().await;
    let known = world.peers.known();
    let rows = known.audit.iter().filter(|event| event.topic == "identity.calls_refused").map(|event| {
        let event = DomainEvent::decode(event.payload.as_slice()).expect("an event");
        let Some(Event::CallsRefused(calls)) = event.event else { panic!("fits its topic") };
        (event.actor_id, event.organization_id, calls.method, calls.count, calls.reasons)
    });
    let mut rows: Vec<Row> = rows.collect();
    let mut rows = rows.split_off(rows.len() - written);
    rows.sort();
    rows
}

async fn list(world: &World, token: &str) {
    let refused = world.users().list_users(bearer(token, ListUsersRequest::default())).await.expect_err("closed");
    assert!(matches!(refused.code(), Code::PermissionDenied | Code::Unauthenticated), "{refused:?}");
}

async fn rename(world: &World, token: &str, user_id: &str, email: &str) -> String {
    let user = User { user_id: user_id.to_owned(), email: email.to_owned(), ..Default::default() };
    let update_mask = crate::profile::mask(&["email"]);
    let request = UpdateUserRequest { user: Some(user), update_mask, ..Default::default() };
    reason(&world.users().update_user(bearer(token, request)).await.expect_err("refused"))
}

on_each_database! {
    /// ASVS: V16.3.3
    async fn asvs_v16_3_2_refused_calls_are_one_row_for_each_caller_and_method(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let eva = world.join(&root, "eva@example.org", "GUEST").await;
        let (first, second) = (world.log_in("ada@example.org").await, world.log_in("eva@example.org").await);
        assert_eq!(minute(&world).await, [], "nothing was refused");
        for _ in 0..3 {
            list(&world, &first.access_token).await;
        }
        list(&world, &second.access_token).await;
        // The door opens for it, and the method refuses.
        assert_eq!(rename(&world, &first.access_token, &ada.user_id, "new@example.org").await, "PERMISSION_MISSING");
        // What is not found or malformed is no attempt at what is forbidden.
        assert_eq!(rename(&world, &first.access_token, &admin.user_id, "new@example.org").await, "USER_NOT_FOUND");
        assert_eq!(rename(&world, &root, "7", "new@example.org").await, "REQUEST_INVALID");
        let mut expected = vec![
            row(&ada, LIST, 3, &["PERMISSION_MISSING"]),
            row(&ada, UPDATE, 1, &["PERMISSION_MISSING"]),
            row(&eva, LIST, 1, &["PERMISSION_MISSING"]),
        ];
        expected.sort();
        assert_eq!(minute(&world).await, expected);
        assert_eq!(minute(&world).await, [], "each is written once");
        list(&world, &first.access_token).await;
        assert_eq!(minute(&world).await, [row(&ada, LIST, 1, &["PERMISSION_MISSING"])], "the next minute");
    }

    async fn calls_without_a_good_token_are_counted_for_nobody(database) {
        let (world, _) = World::bootstrapped(&database).await;
        list(&world, "rubbish").await;
        world.users().list_users(ListUsersRequest::default()).await.expect_err("no token");
        // Wrong passwords have events of their own.
        world.try_log_in(ADMIN, "not this one at all").await.expect_err("wrong");
        let nobody = User::default();
        assert_eq!(minute(&world).await, [row(&nobody, LIST, 2, &["CREDENTIALS_MISSING", "TOKEN_INVALID"])]);
    }

    async fn reasons_of_one_caller_and_method_are_told_together(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let equal = world.join(&root.access_token, "equal@example.org", "OWNER").await;
        let owner = world.join(&root.access_token, "owner@example.org", "OWNER").await;
        let token = world.log_in("owner@example.org").await.access_token;
        assert_eq!(rename(&world, &token, &owner.user_id, "new@example.org").await, "SELF_REFUSED");
        for user in [&equal, &admin] {
            assert_eq!(rename(&world, &token, &user.user_id, "new@example.org").await, "EQUAL_PROTECTED");
        }
        assert_eq!(minute(&world).await, [row(&owner, UPDATE, 3, &["EQUAL_PROTECTED", "SELF_REFUSED"])]);
        world.clock.advance(Duration::from_mins(6));
        let request = RefreshTokensRequest { refresh_token: root.refresh_token, ..Default::default() };
        let late = world.authentication().refresh_tokens(request).await.expect("refreshed").into_inner();
        let late = late.tokens.expect("tokens").access_token;
        assert_eq!(rename(&world, &late, &owner.user_id, "new@example.org").await, "STEP_UP_REQUIRED");
        assert_eq!(minute(&world).await, [row(&admin, UPDATE, 1, &["STEP_UP_REQUIRED"])]);
    }

    /// ASVS: T18
    async fn who_acts_as_another_is_counted_itself(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let target = Some(Target::UserId(ada.user_id));
        let request = ImpersonateUserRequest { target, reason: "a test".to_owned(), ..Default::default() };
        let begun = world.authentication().impersonate_user(bearer(&root, request)).await.expect("begun").into_inner();
        let request = ChangePasswordRequest { current_password: PASSWORD.to_owned(), ..Default::default() };
        let refused = world.accounts().change_password(bearer(&begun.access_token, request)).await.expect_err("closed");
        assert_eq!(reason(&refused), "IMPERSONATION_REFUSED");
        let rows = minute(&world).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        let (caller, _, method, count, reasons) = &rows[0];
        assert_eq!((caller, method.as_str(), *count), (&admin.user_id, CHANGE, 1));
        assert_eq!(reasons.as_slice(), ["IMPERSONATION_REFUSED"]);
    }

    async fn however_many_come_at_once_all_are_counted_in_one_row(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let token = world.log_in("ada@example.org").await.access_token;
        let world = Arc::new(world);
        at_once(64, |_| {
            let (world, token) = (Arc::clone(&world), token.clone());
            async move { list(&world, &token).await }
        }).await;
        assert_eq!(minute(&world).await, [row(&ada, LIST, 64, &["PERMISSION_MISSING"])]);
    }
}
