//! Accounts that are made with a password, a hash or a returned code, and passwords that are set by others.

use std::sync::Arc;

use rolecall_api::identity::v1::create_user_request::Credential;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, create_user, reason, request_id};
use crate::peers::State;

const OTHER: &str = "amber kiosk drifts slowly";
/// Of `wandering albatross`, made by libxcrypt.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri";

fn with_password(email: &str, role: &str, change: PasswordChange) -> CreateUserRequest {
    let initial = InitialPassword { password: PASSWORD.to_owned(), change: change.into(), ..Default::default() };
    CreateUserRequest { credential: Some(Credential::InitialPassword(initial)), ..create_user(email, role) }
}

fn with_hash(email: &str, hash: &str) -> CreateUserRequest {
    let imported = ImportedHash { hash: hash.to_owned() };
    CreateUserRequest { credential: Some(Credential::ImportedHash(imported)), ..create_user(email, "GUEST") }
}

#[expect(clippy::unnecessary_wraps, reason = "it fills an optional field")]
fn returned() -> Option<CodeDelivery> {
    Some(CodeDelivery { delivery: Some(code_delivery::Delivery::Return(ReturnCode {})) })
}

fn with_returned_code(email: &str, role: &str) -> CreateUserRequest {
    let invitation = InvitationCredential { delivery: returned() };
    CreateUserRequest { credential: Some(Credential::Invitation(invitation)), ..create_user(email, role) }
}

fn set(user: &User, password: &str) -> SetUserPasswordRequest {
    SetUserPasswordRequest { user_id: user.user_id.clone(), password: password.to_owned(), ..Default::default() }
}

async fn create(world: &World, token: &str, request: CreateUserRequest) -> Result<CreateUserResponse, Status> {
    let answer = world.users().create_user(bearer(token, request)).await.map(tonic::Response::into_inner);
    world.access.invalidate_all();
    answer
}

async fn set_password(world: &World, token: &str, request: SetUserPasswordRequest) -> Result<User, Status> {
    let answer = world.users().set_user_password(bearer(token, request)).await?;
    Ok(answer.into_inner().user.expect("a user"))
}

async fn get(world: &World, token: &str, user: &User) -> User {
    let request = GetUserRequest { user_id: user.user_id.clone() };
    world.users().get_user(bearer(token, request)).await.expect("read").into_inner().user.expect("a user")
}

fn violated(status: &Status) -> Vec<String> {
    let told = status.get_details_bad_request().expect("BadRequest").field_violations;
    told.into_iter().map(|violation| violation.field).collect()
}

/// Adds a program that may do this in the home organization, and returns its token.
async fn program(world: &World, root: &str, permissions: &[&str]) -> String {
    let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
    let request = CreateServiceAccountRequest { name: "Importer".to_owned(), permissions, ..Default::default() };
    let account = world.service_accounts().create_service_account(bearer(root, request)).await.expect("made");
    let service_account_id = account.into_inner().service_account.expect("an account").service_account_id;
    let request = CreateApiKeyRequest { service_account_id, ..Default::default() };
    let key = world.service_accounts().create_api_key(bearer(root, request)).await.expect("made").into_inner();
    let request = ExchangeApiKeyRequest { api_key: key.secret, ..Default::default() };
    world.authentication().exchange_api_key(request).await.expect("exchanged").into_inner().access_token
}

on_each_database! {
    async fn an_account_with_an_initial_password_is_active_at_once_and_its_address_unproven(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let made = create(&world, &root, with_password("ada@example.org", "DATA_STEWARD", PasswordChange::Advised)).await;
        let made = made.expect("made");
        assert!(made.invitation.is_none() && made.invitation_code.is_empty());
        let user = made.user.expect("a user");
        assert_eq!((user.state(), user.email_verified, user.password_change_required), (UserState::Active, false, false));
        assert_eq!(user.roles, ["DATA_STEWARD"]);
        assert_eq!(get(&world, &root, &user).await, user);
        assert_eq!(world.peers.known().members[&user.user_id].state, State::Active);
        world.log_in("ada@example.org").await;
        world.identity.relay().drain().await;
        assert!(world.peers.known().mail.is_empty(), "nobody mails the password");
        let events = world.peers.known().audit.clone();
        let created = events.iter().find(|event| event.topic == "identity.user_created").expect("told");
        let told: DomainEvent = prost::Message::decode(created.payload.as_slice()).expect("a DomainEvent");
        assert_eq!((told.actor_id, told.target_id), (admin.user_id, user.user_id));
        let Some(domain_event::Event::UserCreated(event)) = told.event else { panic!("UserCreated") };
        assert_eq!((event.credential.as_str(), event.roles), ("initial_password", vec!["DATA_STEWARD".to_owned()]));
    }

    /// ASVS: V6.4.6
    async fn asvs_v6_4_1_an_initial_password_has_to_be_changed_unless_that_is_only_advised(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for (number, change, required) in [
            (0, PasswordChange::Unspecified, true),
            (1, PasswordChange::Required, true),
            (2, PasswordChange::Advised, false),
        ] {
            // Ids are in the order of creation from one millisecond to the next.
            world.clock.advance(std::time::Duration::from_millis(2));
            let request = with_password(&format!("user{number}@example.org"), "GUEST", change);
            let user = create(&world, &root, request).await.expect("made").user.expect("a user");
            assert_eq!(user.password_change_required, required, "{change:?}");
            assert_eq!(get(&world, &root, &user).await.password_change_required, required, "{change:?}");
        }
        let list = world.users().list_users(bearer(&root, ListUsersRequest::default())).await.expect("listed").into_inner();
        let required: Vec<bool> = list.users.iter().map(|user| user.password_change_required).collect();
        assert_eq!(required, [false, true, true, false]);
    }

    async fn an_initial_password_that_breaks_the_policy_makes_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for (password, again, fields) in [
            ("short", "", vec!["initial_password.password"]),
            ("ada lovelace 1843", "", vec!["initial_password.password"]),
            ("analytical engines!", "", vec!["initial_password.password"]),
            ("", "", vec!["initial_password.password"]),
            (PASSWORD, OTHER, vec!["initial_password.password_confirmation"]),
        ] {
            for validate_only in [true, false] {
                let initial = InitialPassword {
                    password: password.to_owned(),
                    password_confirmation: again.to_owned(),
                    ..Default::default()
                };
                let credential = Some(Credential::InitialPassword(initial));
                let request = CreateUserRequest { credential, validate_only, ..create_user("ada@example.org", "GUEST") };
                let refused = create(&world, &root, request).await.expect_err("refused");
                assert_eq!(violated(&refused), fields, "{password} {validate_only}");
            }
        }
        let initial = InitialPassword { password: PASSWORD.to_owned(), change: 7, ..Default::default() };
        let credential = Some(Credential::InitialPassword(initial));
        let request = CreateUserRequest { credential, ..create_user("ada@example.org", "GUEST") };
        assert_eq!(violated(&create(&world, &root, request).await.expect_err("refused")), ["initial_password.change"]);
        assert_eq!(world.peers.known().members.len(), 1);
        assert_eq!(world.identity.recover().await, 0, "no work was left behind");
    }

    async fn validate_only_makes_no_account_with_any_credential(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let email = "ada@example.org";
        for request in [
            with_password(email, "GUEST", PasswordChange::Required),
            with_hash(email, BCRYPT),
            with_returned_code(email, "GUEST"),
        ] {
            let state = if matches!(request.credential, Some(Credential::Invitation(_))) { UserState::Invited } else { UserState::Active };
            let request = CreateUserRequest { validate_only: true, ..request };
            let answer = create(&world, &root, request).await.expect("valid");
            let user = answer.user.expect("as it would be");
            assert!(user.user_id.is_empty() && answer.invitation.is_none() && answer.invitation_code.is_empty());
            assert_eq!(user.state(), state);
        }
        assert_eq!(world.peers.known().members.len(), 1);
    }

    async fn a_credential_needs_its_permission_where_the_account_is_made(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let token = program(&world, &root, &["identity.users.create"]).await;
        for (request, permission) in [
            (with_password("ada@example.org", "GUEST", PasswordChange::Required), "identity.users.set_password"),
            (with_hash("ada@example.org", BCRYPT), "identity.users.set_password"),
            (with_returned_code("ada@example.org", "GUEST"), "identity.users.return_code"),
        ] {
            for validate_only in [true, false] {
                let request = CreateUserRequest { validate_only, ..request.clone() };
                let refused = create(&world, &token, request).await.expect_err("refused");
                assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
                let metadata = refused.get_details_error_info().expect("ErrorInfo").metadata;
                assert_eq!(metadata.get("permission").map(String::as_str), Some(permission));
            }
        }
        // Nothing is told about an organization that it may not see.
        let (_, owner) = world.second_organization("owner@example.org").await;
        let foreign = CreateUserRequest { organization_id: admin.organization_id, ..with_returned_code("ada@example.org", "GUEST") };
        assert_eq!(reason(&create(&world, &owner.access_token, foreign).await.expect_err("foreign")), "ORGANIZATION_NOT_FOUND");
        assert_eq!(world.peers.known().members.len(), 2);
    }

    async fn sixty_four_parallel_creations_with_a_password_make_one_account(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        let answers = at_once(64, |index| {
            let (world, token) = (Arc::clone(&world), token.clone());
            let email = if index % 2 == 0 { "ada@example.org" } else { "ADA@example.ORG" };
            async move { create(&world, &token, with_password(email, "GUEST", PasswordChange::Advised)).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(reason(refused), "EMAIL_TAKEN", "{refused:?}");
        }
        assert_eq!(world.peers.known().members.len(), 2, "every other membership was taken back");
        world.log_in("ada@example.org").await;
    }

    async fn a_repeated_creation_with_a_password_is_answered_the_same(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        // Several rounds: whoever repeats may find the work of the first anywhere between its commit and its end.
        for round in 1..=10 {
            let request = with_password(&format!("ada{round}@example.org"), "GUEST", PasswordChange::Advised);
            let request = CreateUserRequest { request_id: request_id(&world.clock), ..request };
            let answers = at_once(8, |_| {
                let (world, token, request) = (Arc::clone(&world), token.clone(), request.clone());
                async move { create(&world, &token, request).await.expect("answered") }
            }).await;
            assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
            assert_eq!(create(&world, &token, request).await.expect("repeated"), answers[0]);
            assert_eq!(world.peers.known().members.len(), 1 + round);
        }
    }

    async fn a_maker_that_lost_its_rights_before_the_end_leaves_an_account_that_nobody_opens(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.peers.known().inviter_lost_rights = true;
        let request = with_password("ada@example.org", "GUEST", PasswordChange::Advised);
        assert_eq!(reason(&create(&world, &root, request).await.expect_err("refused")), "ROLE_NOT_GRANTABLE");
        world.try_log_in("ada@example.org", PASSWORD).await.expect_err("no password");
        let list = world.users().list_users(bearer(&root, ListUsersRequest::default())).await.expect("listed").into_inner();
        let ada = list.users.into_iter().find(|user| user.email == "ada@example.org").expect("there");
        assert_eq!(ada.state(), UserState::Invited);
        // Somebody who may goes on from here.
        world.peers.known().inviter_lost_rights = false;
        let request = ResendInvitationRequest { user_id: ada.user_id, ..Default::default() };
        world.users().resend_invitation(bearer(&root, request)).await.expect("invited");
        world.accept(&world.code("ada@example.org").await).await.expect("accepted");
    }

    async fn a_creation_that_a_crash_left_is_finished_by_the_recovery(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for (method, email) in [("confirm_member", "ada@example.org"), ("activate_member", "eva@example.org")] {
            world.peers.known().down.insert(method);
            let request = with_password(email, "GUEST", PasswordChange::Advised);
            let request = CreateUserRequest { request_id: request_id(&world.clock), ..request };
            assert_eq!(reason(&create(&world, &root, request.clone()).await.expect_err("cut")), "PEER_UNAVAILABLE");
            world.try_log_in(email, PASSWORD).await.expect_err("not yet");
            world.peers.known().down.clear();
            world.clock.advance(std::time::Duration::from_secs(21));
            assert_eq!(world.identity.recover().await, 1);
            world.log_in(email).await;
            let root = world.log_in(ADMIN).await.access_token;
            let user = create(&world, &root, request).await.expect("repeated").user.expect("a user");
            assert_eq!(get(&world, &root, &user).await.state(), UserState::Active);
        }
    }

    async fn a_creation_that_never_came_to_its_commit_is_undone_by_the_recovery(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.peers.known().down.extend(["add_member", "remove_member"]);
        let request = with_password("ada@example.org", "GUEST", PasswordChange::Advised);
        assert_eq!(reason(&create(&world, &root, request.clone()).await.expect_err("cut")), "PEER_UNAVAILABLE");
        world.peers.known().down.clear();
        world.clock.advance(std::time::Duration::from_secs(21));
        assert_eq!(world.identity.recover().await, 1);
        let root = world.log_in(ADMIN).await.access_token;
        create(&world, &root, request).await.expect("made now");
        assert_eq!(world.peers.known().members.len(), 2);
    }

    async fn an_imported_password_goes_on_working_and_is_hashed_anew_at_the_first_login(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let user = create(&world, &root, with_hash("ada@example.org", BCRYPT)).await.expect("made").user.expect("a user");
        assert_eq!((user.state(), user.email_verified, user.password_change_required), (UserState::Active, false, false));
        world.try_log_in("ada@example.org", "wandering albatros").await.expect_err("wrong");
        assert_eq!(stored_hash(&world, &user).await, BCRYPT);
        world.try_log_in("ada@example.org", "wandering albatross").await.expect("right");
        assert!(stored_hash(&world, &user).await.starts_with("$argon2id$"));
        world.try_log_in("ada@example.org", "wandering albatross").await.expect("right");
        let refused = create(&world, &root, with_hash("eva@example.org", "no hash")).await.expect_err("refused");
        assert_eq!(violated(&refused), ["imported_hash.hash"]);
        assert!(!refused.message().contains("no hash"), "a hash is never repeated");
    }

    async fn a_returned_code_opens_the_account_proves_no_address_and_is_shown_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let request = CreateUserRequest { request_id: request_id(&world.clock), ..with_returned_code("ada@example.org", "GUEST") };
        let made = create(&world, &root, request.clone()).await.expect("made");
        let invitation = made.invitation.expect("an invitation");
        assert_eq!(invitation.email, "ada@example.org");
        assert!(made.invitation_code.starts_with("rci_"), "{}", made.invitation_code);
        world.identity.relay().drain().await;
        assert!(world.peers.known().mail.is_empty());
        let repeated = create(&world, &root, request).await.expect_err("shown");
        assert_eq!((repeated.code(), reason(&repeated).as_str()), (Code::FailedPrecondition, "SECRET_ALREADY_RETURNED"));
        let user = world.accept(&made.invitation_code).await.expect("accepted");
        assert_eq!((user.state(), user.email_verified), (UserState::Active, false));
        let (_, code) = world.invite(&root, "eva@example.org", "GUEST").await;
        assert!(world.accept(&code).await.expect("accepted").email_verified, "a mailed code proves the address");
    }

    async fn asvs_v6_4_6_a_set_password_ends_what_the_one_before_opened_and_has_to_be_changed(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let ada = world.join(&world.log_in(ADMIN).await.access_token, "ada@example.org", "GUEST").await;
        let before = world.log_in("ada@example.org").await;
        let root = world.log_in(ADMIN).await.access_token;
        let request = SetUserPasswordRequest { password_confirmation: OTHER.to_owned(), ..set(&ada, OTHER) };
        let user = set_password(&world, &root, request).await.expect("set");
        assert!(user.password_change_required && user.etag != ada.etag);
        assert!(get(&world, &root, &user).await.password_change_required);
        let own = world.accounts().get_account(bearer(&before.access_token, GetAccountRequest {})).await;
        assert_eq!(reason(&own.expect_err("ended")), "SESSION_ENDED");
        let refresh = RefreshTokensRequest { refresh_token: before.refresh_token, ..Default::default() };
        world.authentication().refresh_tokens(refresh).await.expect_err("ended");
        world.try_log_in("ada@example.org", PASSWORD).await.expect_err("the password before");
        let advised = SetUserPasswordRequest { change: PasswordChange::Advised.into(), ..set(&ada, PASSWORD) };
        assert!(!set_password(&world, &root, advised).await.expect("set").password_change_required);
        world.log_in("ada@example.org").await;
        world.identity.relay().drain().await;
        let told = world.peers.known().mail.iter().filter(|event| event.topic == "identity.password_set").count();
        assert_eq!(told, 2, "each is told by mail");
    }

    async fn a_set_password_ends_the_wait_after_failures(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let ada = world.join(&world.log_in(ADMIN).await.access_token, "ada@example.org", "GUEST").await;
        for _ in 0..7 {
            world.try_log_in("ada@example.org", OTHER).await.expect_err("wrong");
        }
        world.try_log_in("ada@example.org", PASSWORD).await.expect_err("too early");
        let root = world.log_in(ADMIN).await.access_token;
        let advised = SetUserPasswordRequest { change: PasswordChange::Advised.into(), ..set(&ada, OTHER) };
        set_password(&world, &root, advised).await.expect("set");
        world.try_log_in("ada@example.org", OTHER).await.expect("right");
    }

    async fn asvs_v6_4_6_equals_set_each_other_no_password(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let owner = world.join(&root, "owner@example.org", "OWNER").await;
        let second = world.join(&root, "second@example.org", "OWNER").await;
        let guest = world.join(&root, "guest@example.org", "GUEST").await;
        let chief = world.join(&root, "chief@example.org", "GUEST").await;
        world.peers.known().members.get_mut(&chief.user_id).expect("a member").roles.push("ADMIN".to_owned());
        world.access.invalidate_all();
        let owners = world.log_in("owner@example.org").await.access_token;
        for (token, user, expected) in [
            (&root, &admin, "SELF_REFUSED"),
            (&owners, &owner, "SELF_REFUSED"),
            (&root, &chief, "EQUAL_PROTECTED"),
            (&owners, &admin, "EQUAL_PROTECTED"),
            (&owners, &chief, "EQUAL_PROTECTED"),
            (&owners, &second, "EQUAL_PROTECTED"),
        ] {
            let refused = set_password(&world, token, set(user, OTHER)).await.expect_err("refused");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, expected), "{}", user.email);
        }
        let program = program(&world, &root, &["identity.users.set_password"]).await;
        let program = set_password(&world, &program, set(&guest, OTHER)).await.expect_err("refused");
        assert_eq!(program.code(), Code::PermissionDenied, "a step-up is asked for: {program:?}");
        set_password(&world, &root, set(&second, OTHER)).await.expect("an administrator may");
        set_password(&world, &owners, set(&guest, OTHER)).await.expect("an owner may");
        let (_, foreign) = world.second_organization("foreign@example.org").await;
        let foreign = set_password(&world, &foreign.access_token, set(&guest, OTHER)).await.expect_err("refused");
        assert_eq!(reason(&foreign), "USER_NOT_FOUND");
    }

    async fn a_password_is_set_only_for_who_has_accepted_and_only_by_the_policy(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (invited, _) = world.invite(&root, "ada@example.org", "GUEST").await;
        let refused = set_password(&world, &root, set(&invited, OTHER)).await.expect_err("refused");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "USER_NOT_ACTIVE"));
        let guest = world.join(&root, "guest@example.org", "GUEST").await;
        for weak in ["short", "ada lovelace 1843", "analytical engines 1"] {
            let refused = set_password(&world, &root, set(&guest, weak)).await.expect_err("refused");
            assert_eq!(violated(&refused), ["password"], "{weak}");
        }
        let differs = SetUserPasswordRequest { password_confirmation: PASSWORD.to_owned(), ..set(&guest, OTHER) };
        let refused = set_password(&world, &root, differs).await.expect_err("refused");
        assert_eq!(violated(&refused), ["password_confirmation"]);
        world.log_in("guest@example.org").await;
    }

    async fn a_set_password_is_repeated_by_its_request_id(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let guest = world.join(&root, "guest@example.org", "GUEST").await;
        let request = SetUserPasswordRequest { request_id: request_id(&world.clock), ..set(&guest, OTHER) };
        let user = set_password(&world, &root, request.clone()).await.expect("set");
        assert_eq!(set_password(&world, &root, request.clone()).await.expect("repeated"), user);
        let other = SetUserPasswordRequest { password: PASSWORD.to_owned(), ..request };
        assert_eq!(reason(&set_password(&world, &root, other).await.expect_err("reused")), "REQUEST_ID_REUSED");
    }

    async fn whoever_resends_an_invitation_is_given_the_code_of_nobody_above_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "owner@example.org", "OWNER").await;
        let owners = world.log_in("owner@example.org").await.access_token;
        let (second, _) = world.invite(&root, "second@example.org", "OWNER").await;
        let (guest, old) = world.invite(&root, "guest@example.org", "GUEST").await;
        let resend = |user: &User| ResendInvitationRequest {
            user_id: user.user_id.clone(),
            delivery: returned(),
            request_id: request_id(&world.clock),
        };
        let refused = world.users().resend_invitation(bearer(&owners, resend(&second))).await.expect_err("refused");
        assert_eq!(reason(&refused), "EQUAL_PROTECTED");
        world.users().resend_invitation(bearer(&root, resend(&second))).await.expect("an administrator may");
        let request = resend(&guest);
        let made = world.users().resend_invitation(bearer(&owners, request.clone())).await.expect("made").into_inner();
        assert!(made.invitation_code.starts_with("rci_"));
        let repeated = world.users().resend_invitation(bearer(&owners, request)).await.expect_err("shown");
        assert_eq!(reason(&repeated), "SECRET_ALREADY_RETURNED");
        assert_eq!(reason(&world.accept(&old).await.expect_err("replaced")), "INVITATION_NOT_FOUND");
        assert!(!world.accept(&made.invitation_code).await.expect("accepted").email_verified);
        let program = program(&world, &root, &["identity.users.create"]).await;
        let (eva, _) = world.invite(&root, "eva@example.org", "GUEST").await;
        let refused = world.users().resend_invitation(bearer(&program, resend(&eva))).await.expect_err("refused");
        assert_eq!(reason(&refused), "PERMISSION_MISSING");
    }
}

async fn stored_hash(world: &World, user: &User) -> String {
    use sea_orm::ConnectionTrait as _;
    let reader = world.db.reader();
    let id = uuid::Uuid::parse_str(&user.user_id).expect("an id");
    let text = "SELECT password_hash FROM credentials WHERE user_id = $1";
    let statement = sea_orm::Statement::from_sql_and_values(reader.get_database_backend(), text, [id.into()]);
    let row = reader.query_one_raw(statement).await.expect("read").expect("a row");
    row.try_get("", "password_hash").expect("a text")
}
