//! A new password without the old one.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_api::organization::v1 as organization;
use rolecall_kernel::entropy::{OpaqueToken, SystemEntropy};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, create_user, reason, request_id};
use crate::mailbox::{mails, told, wait_for_mails};

const ADA: &str = "ada@example.org";
const NEW: &str = "seven green lamps whistle";
const MINUTE: Duration = Duration::from_mins(1);

async fn forgot(world: &World, email: &str) {
    let request = RequestPasswordResetRequest { email: email.to_owned() };
    world.accounts().request_password_reset(request).await.expect("always the same");
}

/// Asks for a code and takes it out of the mail.
pub(crate) async fn mailed_code(world: &World, email: &str) -> String {
    let before = mails(world, email, "password_reset").await.len();
    forgot(world, email).await;
    wait_for_mails(world, email, "password_reset", before + 1).await;
    world.code(email).await
}

pub(crate) async fn reset(world: &World, code: &str, password: &str) -> Result<(), Status> {
    let (code, password) = (code.to_owned(), password.to_owned());
    let request = ResetPasswordRequest { code, password_confirmation: password.clone(), password };
    world.accounts().reset_password(request).await.map(drop)
}

async fn is_unknown(world: &World, code: &str) -> bool {
    reset(world, code, NEW).await.is_err_and(|refused| reason(&refused) == "CODE_NOT_FOUND")
}

async fn issue(
    world: &World,
    token: &str,
    user_id: &str,
    is_return: bool,
) -> Result<IssuePasswordResetResponse, Status> {
    let delivery = is_return.then(returned);
    let request = IssuePasswordResetRequest { user_id: user_id.to_owned(), delivery, ..Default::default() };
    world.users().issue_password_reset(bearer(token, request)).await.map(tonic::Response::into_inner)
}

fn returned() -> CodeDelivery {
    CodeDelivery { delivery: Some(code_delivery::Delivery::Return(ReturnCode {})) }
}

async fn account(world: &World, token: &str) -> Result<User, Status> {
    let answer = world.accounts().get_account(bearer(token, GetAccountRequest {})).await?;
    Ok(answer.into_inner().user.expect("a user"))
}

/// Tells identity that organization changed the roles of somebody.
pub(crate) async fn tell_of_roles(world: &World, user_id: &str) {
    let changed = organization::MemberRolesChanged { old_roles: vec![], new_roles: vec!["OWNER".to_owned()] };
    let message = organization::DomainEvent {
        target_id: user_id.to_owned(),
        event: Some(organization::domain_event::Event::MemberRolesChanged(changed)),
        ..Default::default()
    };
    let now = world.clock.now();
    let event = IngestedEvent {
        event_id: EventId::new(now, &SystemEntropy).to_string(),
        topic: "organization.member_roles_changed".to_owned(),
        payload: message.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp { seconds: now.as_seconds(), nanos: 0 }),
        traceparent: String::new(),
    };
    let request = IngestEventsRequest { events: vec![event.clone(), event] };
    let answer = world.directory().ingest_events(bearer(&world.service_token(), request)).await.expect("taken");
    assert!(answer.into_inner().results.iter().all(|result| result.outcome() == IngestOutcome::Done));
}

pub(crate) fn set_roles(world: &World, user_id: &str, roles: &[&str]) {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    world.peers.known().members.get_mut(user_id).expect("a member").roles = roles;
}

on_each_database! {
    /// ASVS: V6.4.3
    async fn asvs_v6_3_6_a_mailed_code_sets_a_new_password_ends_every_session_and_opens_none(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        world.join(&root.access_token, ADA, "GUEST").await;
        let before = world.log_in(ADA).await;
        let code = mailed_code(&world, ADA).await;
        assert!(code.starts_with("rcp_") && code.len() == 47);
        account(&world, &before.access_token).await.expect("goes on until the code is used");
        reset(&world, &code, NEW).await.expect("reset");
        assert_eq!(reason(&account(&world, &before.access_token).await.expect_err("over")), "SESSION_ENDED");
        account(&world, &root.access_token).await.expect("others go on");
        world.try_log_in(ADA, PASSWORD).await.expect_err("the old password");
        let user = account(&world, &world.try_log_in(ADA, NEW).await.expect("the new one").access_token).await.expect("read");
        assert!(user.email_verified && !user.password_change_required);
        assert!(is_unknown(&world, &code).await, "once");
        assert_eq!(told(&world, "identity.password_changed").await, 1);
        let topics = world.peers.topics();
        let count = |topic: &str| topics.iter().filter(|told| *told == topic).count();
        assert_eq!((count("identity.password_reset_requested"), count("identity.password_changed")), (1, 1));
    }

    /// ASVS: T03
    async fn asvs_v6_3_8_nothing_tells_whether_an_address_opens_an_account(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.invite(&root, "invited@example.org", "GUEST").await;
        let blocked = world.join(&root, "blocked@example.org", "GUEST").await;
        world.peers.known().members.get_mut(&blocked.user_id).expect("a member").blocked = true;
        let closed = ["nobody@example.org", "invited@example.org", "blocked@example.org"];
        let mut answers = Vec::new();
        for email in [&closed[..], &[ADMIN]].concat() {
            let request = RequestPasswordResetRequest { email: email.to_owned() };
            let answer = world.accounts().request_password_reset(request).await.expect("the same");
            let mut names: Vec<String> = answer.metadata().keys().map(|key| format!("{key:?}")).collect();
            names.sort();
            answers.push((names, answer.into_inner().encode_to_vec()));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        // Worked on in order: when the last mail is there, the others would be.
        wait_for_mails(&world, ADMIN, "password_reset", 1).await;
        mailed_code(&world, ADMIN).await;
        for email in closed {
            assert_eq!(mails(&world, email, "password_reset").await.len(), 0, "{email}");
        }
        let malformed = RequestPasswordResetRequest { email: "nobody".to_owned() };
        let refused = world.accounts().request_password_reset(malformed).await.expect_err("no address");
        assert_eq!(reason(&refused), "REQUEST_INVALID");
    }

    /// ASVS: T02
    async fn asvs_v6_4_3_a_reset_code_serves_once_also_in_parallel(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let code = mailed_code(&world, ADMIN).await;
        let world = Arc::new(world);
        let answers = at_once(64, |_| {
            let (world, code) = (Arc::clone(&world), code.clone());
            async move { reset(&world, &code, NEW).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            let shed = ["CODE_NOT_FOUND", "HASHING_OVERLOADED", "STORE_UNAVAILABLE"];
            assert!(shed.contains(&reason(refused).as_str()), "{refused:?}");
        }
        assert_eq!(told(&world, "identity.password_changed").await, 1);
        world.try_log_in(ADMIN, NEW).await.expect("the new password");
    }

    /// ASVS: T02
    async fn asvs_v6_4_3_a_reset_code_ends_after_half_an_hour_and_when_a_newer_one_is_mailed(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let old = mailed_code(&world, ADMIN).await;
        let new = mailed_code(&world, ADMIN).await;
        assert!(is_unknown(&world, &old).await);
        world.clock.advance(MINUTE * 30);
        assert!(is_unknown(&world, &new).await);
        let newest = mailed_code(&world, ADMIN).await;
        world.clock.advance(Duration::from_secs(30 * 60 - 1));
        reset(&world, &newest, NEW).await.expect("in time");
    }

    async fn attack_t10_codes_that_are_none_of_ours_are_all_the_same(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let good = mailed_code(&world, ADMIN).await;
        let unknown = OpaqueToken::new("rcp_", &SystemEntropy).expose().to_owned();
        let of_another_kind = good.replacen("rcp_", "rcm_", 1);
        let answers = [&unknown, &of_another_kind, "rcp_x", "x"].map(str::to_owned);
        let mut told = Vec::new();
        for code in answers {
            told.push(bytes(&reset(&world, &code, NEW).await.expect_err("refused")));
        }
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(told[0].0, Code::NotFound);
        assert_eq!(reason(&reset(&world, "", NEW).await.expect_err("nothing")), "REQUEST_INVALID");
        reset(&world, &good, NEW).await.expect("still good");
    }

    async fn a_weak_new_password_uses_up_no_reset_code(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let code = mailed_code(&world, ADMIN).await;
        for (weak, why) in [
            ("short", "PASSWORD_TOO_SHORT"),
            ("passwordpassword", "PASSWORD_GUESSABLE"),
            ("analytical engines", "PASSWORD_CONTEXT_WORD"),
        ] {
            let refused = reset(&world, &code, weak).await.expect_err("refused");
            let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
            assert_eq!((told[0].field.as_str(), told[0].reason.as_str()), ("password", why));
        }
        let request = ResetPasswordRequest { code: code.clone(), password: NEW.to_owned(), password_confirmation: PASSWORD.to_owned() };
        assert_eq!(reason(&world.accounts().reset_password(request).await.expect_err("differ")), "REQUEST_INVALID");
        reset(&world, &code, NEW).await.expect("reset");
    }

    /// ASVS: V6.4.3
    async fn attack_t02_a_code_is_void_after_another_password(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let code = mailed_code(&world, ADMIN).await;
        let token = world.log_in(ADMIN).await.access_token;
        let request = ChangePasswordRequest { current_password: PASSWORD.to_owned(), new_password: NEW.to_owned(), ..Default::default() };
        world.accounts().change_password(bearer(&token, request)).await.expect("changed");
        assert!(is_unknown(&world, &code).await);
    }

    async fn a_code_is_void_after_a_promotion_before_and_after_identity_hears_of_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let code = mailed_code(&world, ADA).await;
        // Organization promoted her a moment ago, and its event is still on its way.
        set_roles(&world, &ada.user_id, &["GUEST", "OWNER"]);
        assert!(is_unknown(&world, &code).await);
        // The event ends the code for good, also if she is a guest again by then.
        tell_of_roles(&world, &ada.user_id).await;
        set_roles(&world, &ada.user_id, &["GUEST"]);
        assert!(is_unknown(&world, &code).await);
        world.clock.advance(Duration::from_secs(1));
        reset(&world, &mailed_code(&world, ADA).await, NEW).await.expect("a new code");
    }

    async fn without_organization_no_code_is_used_and_none_is_lost(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let code = mailed_code(&world, ADMIN).await;
        world.peers.known().down.insert("batch_get_members");
        assert_eq!(reason(&reset(&world, &code, NEW).await.expect_err("down")), "PEER_UNAVAILABLE");
        world.peers.known().down.clear();
        reset(&world, &code, NEW).await.expect("reset");
    }

    async fn a_reset_forgets_failed_logins(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for _ in 0..7 {
            world.try_log_in(ADMIN, "not this one at all").await.expect_err("wrong");
        }
        world.try_log_in(ADMIN, PASSWORD).await.expect_err("too early");
        reset(&world, &mailed_code(&world, ADMIN).await, NEW).await.expect("reset");
        world.try_log_in(ADMIN, NEW).await.expect("no wait");
    }

    /// ASVS: V2.4.1
    async fn attack_t30_strangers_cause_five_mails_an_hour_and_the_last_code_goes_on_working(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for _ in 0..5 {
            mailed_code(&world, ADMIN).await;
        }
        let code = world.code(ADMIN).await;
        for email in [ADMIN, "Root@EXAMPLE.org"] {
            forgot(&world, email).await;
        }
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, ADA, "GUEST").await;
        mailed_code(&world, ADA).await;
        assert_eq!(mails(&world, ADMIN, "password_reset").await.len(), 5);
        reset(&world, &code, NEW).await.expect("the fifth");
        world.clock.advance(MINUTE * 60);
        mailed_code(&world, ADMIN).await;
        assert_eq!(mails(&world, ADMIN, "password_reset").await.len(), 6);
    }

    async fn an_administrator_has_a_code_mailed_or_takes_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let issued = issue(&world, &root, &ada.user_id, false).await.expect("mailed");
        assert!(issued.code.is_empty() && issued.expire_time.is_some());
        let mailed = world.code(ADA).await;
        let issued = issue(&world, &root, &ada.user_id, true).await.expect("returned");
        assert!(issued.code.starts_with("rcp_"));
        assert_eq!(mails(&world, ADA, "password_reset").await.len(), 1, "a returned code is not mailed");
        assert!(is_unknown(&world, &mailed).await, "the newer ended the older");
        reset(&world, &issued.code, NEW).await.expect("reset");
        world.try_log_in(ADA, NEW).await.expect("the new password");
        let topics = world.peers.topics();
        assert_eq!(topics.iter().filter(|topic| *topic == "identity.password_reset_requested").count(), 2);
    }

    async fn a_returned_code_proves_no_address_and_a_mailed_one_does(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let initial = InitialPassword { password: PASSWORD.to_owned(), ..Default::default() };
        let credential = Some(create_user_request::Credential::InitialPassword(initial));
        let request = CreateUserRequest { credential, ..create_user(ADA, "GUEST") };
        let ada = world.users().create_user(bearer(&root, request)).await.expect("made").into_inner().user.expect("a user");
        assert!(!ada.email_verified && ada.password_change_required);
        world.access.invalidate_all();
        let issued = issue(&world, &root, &ada.user_id, true).await.expect("returned");
        reset(&world, &issued.code, NEW).await.expect("reset");
        let read = account(&world, &world.try_log_in(ADA, NEW).await.expect("the new password").access_token).await.expect("read");
        assert!(!read.email_verified && !read.password_change_required);
        reset(&world, &mailed_code(&world, ADA).await, PASSWORD).await.expect("reset");
        assert!(account(&world, &world.log_in(ADA).await.access_token).await.expect("read").email_verified);
    }

    async fn a_reset_ends_the_personal_access_tokens_and_a_deleted_account_gets_no_mail(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let token = world.log_in(ADA).await.access_token;
        let request = CreateAccessTokenRequest { name: "laptop".to_owned(), permissions: vec!["identity.users.get".to_owned()], ..Default::default() };
        let secret = world.accounts().create_access_token(bearer(&token, request)).await.expect("made").into_inner().secret;
        let exchange = || {
            let (mut client, api_key) = (world.authentication(), secret.clone());
            async move { client.exchange_api_key(ExchangeApiKeyRequest { api_key, ..Default::default() }).await }
        };
        exchange().await.expect("exchanged");
        reset(&world, &mailed_code(&world, ADA).await, NEW).await.expect("reset");
        assert_eq!(reason(&exchange().await.expect_err("ended")), "CREDENTIALS_REFUSED");
        let last = mailed_code(&world, ADA).await;
        let request = DeleteUserRequest { user_id: ada.user_id, ..Default::default() };
        world.users().delete_user(bearer(&root, request)).await.expect("deleted");
        assert!(is_unknown(&world, &last).await);
        forgot(&world, ADA).await;
        mailed_code(&world, ADMIN).await;
        assert_eq!(mails(&world, ADA, "password_reset").await.len(), 2);
    }

    async fn equals_get_no_code_of_each_other_but_may_have_one_mailed(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let owner = world.join(&root, "owner@example.org", "OWNER").await;
        let other = world.join(&root, "other@example.org", "OWNER").await;
        let guest = world.join(&root, ADA, "GUEST").await;
        let token = world.log_in("owner@example.org").await.access_token;
        for target in [&other.user_id, &admin.user_id] {
            let refused = issue(&world, &token, target, true).await.expect_err("an equal");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "EQUAL_PROTECTED"));
            issue(&world, &token, target, false).await.expect("mailed to its own address");
        }
        assert_eq!(reason(&issue(&world, &token, &owner.user_id, true).await.expect_err("itself")), "SELF_REFUSED");
        issue(&world, &token, &guest.user_id, true).await.expect("no equal");
        issue(&world, &root, &other.user_id, true).await.expect("ADMIN may");
    }

    async fn a_code_is_refused_to_those_who_may_not_and_for_those_who_cannot(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (_, babbage) = world.second_organization("babbage@example.org").await;
        let ada = world.join(&root, ADA, "GUEST").await;
        let token = world.log_in(ADA).await.access_token;
        assert_eq!(issue(&world, &token, &ada.user_id, false).await.expect_err("a guest").code(), Code::PermissionDenied);
        let foreign = issue(&world, &babbage.access_token, &ada.user_id, false).await.expect_err("foreign");
        let random = issue(&world, &babbage.access_token, &request_id(&world.clock), false).await.expect_err("nobody");
        assert_eq!((reason(&foreign).as_str(), bytes(&foreign)), ("USER_NOT_FOUND", bytes(&random)));
        let (invited, _) = world.invite(&root, "invited@example.org", "GUEST").await;
        assert_eq!(reason(&issue(&world, &root, &invited.user_id, false).await.expect_err("invited")), "USER_NOT_ACTIVE");
        assert_eq!(reason(&issue(&world, &root, "7", false).await.expect_err("no id")), "REQUEST_INVALID");
        world.clock.advance(MINUTE * 5 + Duration::from_secs(10));
        let late = world.authentication().refresh_tokens(RefreshTokensRequest { refresh_token: babbage.refresh_token, ..Default::default() }).await;
        let late = late.expect("refreshed").into_inner().tokens.expect("tokens").access_token;
        let refused = issue(&world, &late, &ada.user_id, false).await.expect_err("too long ago");
        assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
    }

    async fn a_repeated_issue_is_answered_without_the_code(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let mut request = IssuePasswordResetRequest { request_id: request_id(&world.clock), user_id: ada.user_id, ..Default::default() };
        let issue = |request: IssuePasswordResetRequest| {
            let (mut users, request) = (world.users(), bearer(&root, request));
            async move { users.issue_password_reset(request).await.map(tonic::Response::into_inner) }
        };
        let once = issue(request.clone()).await.expect("mailed");
        assert_eq!(issue(request.clone()).await.expect("repeated"), once);
        assert_eq!(mails(&world, ADA, "password_reset").await.len(), 1);
        request.delivery = Some(returned());
        assert_eq!(reason(&issue(request.clone()).await.expect_err("other content")), "REQUEST_ID_REUSED");
        request.request_id = request_id(&world.clock);
        let code = issue(request.clone()).await.expect("returned").code;
        assert_eq!(reason(&issue(request).await.expect_err("repeated")), "SECRET_ALREADY_RETURNED");
        reset(&world, &code, NEW).await.expect("the only one");
    }

    async fn a_permission_of_its_own_is_needed_to_be_given_codes(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        world.peers.known().withheld.insert("identity.users.return_code");
        world.access.invalidate_all();
        let refused = issue(&world, &root, &ada.user_id, true).await.expect_err("refused");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
        let metadata = refused.get_details_error_info().expect("ErrorInfo").metadata;
        assert_eq!(metadata["permission"], "identity.users.return_code");
        issue(&world, &root, &ada.user_id, false).await.expect("mailed");
    }

    async fn used_up_codes_and_budgets_are_swept(database) {
        let (world, _) = World::bootstrapped(&database).await;
        mailed_code(&world, ADMIN).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.users().create_user(bearer(&root, create_user(ADA, "GUEST"))).await.expect("invited");
        let before = world.identity.sweep().await.expect("swept");
        world.clock.advance(Duration::from_hours(25));
        assert_eq!(world.identity.sweep().await.expect("swept") - before, 1, "the budget");
        world.clock.advance(Duration::from_hours(31 * 24));
        assert!(world.identity.sweep().await.expect("swept") >= 1, "the code");
    }
}
