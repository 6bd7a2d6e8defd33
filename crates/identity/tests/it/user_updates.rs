//! Changing the accounts of others.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use prost_types::FieldMask;
use rolecall_api::identity::v1::domain_event::Event;
use rolecall_api::identity::v1::*;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, reason, request_id};
use crate::profile::{fields_told, mask, violations};

fn request(user: User, paths: Option<FieldMask>) -> UpdateUserRequest {
    UpdateUserRequest { user: Some(user), update_mask: paths, ..Default::default() }
}

async fn ask(world: &World, token: &str, request: UpdateUserRequest) -> Result<User, Status> {
    let answer = world.users().update_user(bearer(token, request)).await?;
    Ok(answer.into_inner().user.expect("a user"))
}

fn address(user_id: &str, email: &str) -> UpdateUserRequest {
    request(User { user_id: user_id.to_owned(), email: email.to_owned(), ..Default::default() }, mask(&["email"]))
}

fn roles(user_id: &str, roles: &[&str]) -> UpdateUserRequest {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    request(User { user_id: user_id.to_owned(), roles, ..Default::default() }, mask(&["roles"]))
}

/// Everything at once.
fn everything(user_id: &str, email: &str, role: &str) -> UpdateUserRequest {
    let user = User {
        user_id: user_id.to_owned(),
        name: "Countess of Lovelace".to_owned(),
        email: email.to_owned(),
        roles: vec![role.to_owned()],
        ..Default::default()
    };
    request(user, None)
}

async fn read(world: &World, token: &str, user_id: &str) -> User {
    let request = bearer(token, GetUserRequest { user_id: user_id.to_owned() });
    world.users().get_user(request).await.expect("read").into_inner().user.expect("a user")
}

async fn addresses_told(world: &World) -> Vec<(String, String)> {
    world.identity.relay().drain().await;
    let known = world.peers.known();
    let mails = known.mail.iter().filter(|event| event.topic == "identity.email_changed");
    let decoded = mails.map(|event| DomainEvent::decode(event.payload.as_slice()).expect("an event").event);
    decoded
        .filter_map(|event| {
            if let Some(Event::EmailChanged(told)) = event { Some((told.old_email, told.new_email)) } else { None }
        })
        .collect()
}

on_each_database! {
    async fn profile_address_and_roles_change_together(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let session = world.log_in("ada@example.org").await;
        assert!(read(&world, &root, &ada.user_id).await.email_verified);
        let after = ask(&world, &root, everything(&ada.user_id, "countess@example.org", "DATA_STEWARD")).await.expect("changed");
        assert_eq!((after.name.as_str(), after.email.as_str()), ("Countess of Lovelace", "countess@example.org"));
        assert_eq!(after.roles, ["DATA_STEWARD"]);
        assert!(!after.email_verified, "an address that an administrator set is proven by nobody");
        assert_eq!(read(&world, &root, &ada.user_id).await, after);
        let ended = world.accounts().get_account(bearer(&session.access_token, GetAccountRequest {})).await;
        assert_eq!(reason(&ended.expect_err("over")), "SESSION_ENDED");
        world.try_log_in("ada@example.org", PASSWORD).await.expect_err("the old address");
        world.log_in("countess@example.org").await;
        assert_eq!(fields_told(&world).await, [["name"]]);
        assert_eq!(addresses_told(&world).await, [("ada@example.org".to_owned(), "countess@example.org".to_owned())]);
    }

    async fn a_new_address_ends_the_invitation_to_the_old_one(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (invited, code) = world.invite(&root, "ada@example.org", "GUEST").await;
        ask(&world, &root, address(&invited.user_id, "countess@example.org")).await.expect("changed");
        assert_eq!(reason(&world.accept(&code).await.expect_err("ended")), "INVITATION_NOT_FOUND");
        let again = ResendInvitationRequest { user_id: invited.user_id, ..Default::default() };
        world.users().resend_invitation(bearer(&root, again)).await.expect("invited anew");
        world.accept(&world.code("countess@example.org").await).await.expect("accepted");
    }

    async fn another_spelling_of_the_address_is_the_same_address(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let session = world.log_in("ada@example.org").await;
        let after = ask(&world, &root, address(&ada.user_id, "Ada@Example.org")).await.expect("respelled");
        assert!(after.email_verified && after.email.starts_with("Ada@"));
        world.accounts().get_account(bearer(&session.access_token, GetAccountRequest {})).await.expect("goes on");
        assert!(addresses_told(&world).await.is_empty());
        assert_eq!(fields_told(&world).await, [["email"]]);
    }

    async fn a_person_changes_its_own_profile_and_nothing_that_needs_more(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "DATA_SCIENTIST").await;
        let token = world.log_in("ada@example.org").await.access_token;
        let mut own = read(&world, &token, &ada.user_id).await;
        "Countess".clone_into(&mut own.name);
        let after = ask(&world, &token, request(own, None)).await.expect("its own record, given back");
        assert_eq!(after.name, "Countess");
        for (given, missing) in [
            (address(&ada.user_id, "new@example.org"), "identity.users.set_email"),
            (address(&ada.user_id, "ada@example.org"), "identity.users.set_email"),
            (roles(&ada.user_id, &["OWNER"]), "organization.members.assign_roles"),
            (everything(&ada.user_id, "new@example.org", "OWNER"), "identity.users.set_email"),
        ] {
            let refused = ask(&world, &token, given).await.expect_err("refused");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
            let told = refused.get_details_error_info().expect("info").metadata;
            assert_eq!(told.get("permission").map(String::as_str), Some(missing));
        }
        assert_eq!(read(&world, &token, &ada.user_id).await, after, "nothing was stored");
        let other = User { user_id: admin.user_id, name: "Eve".to_owned(), ..Default::default() };
        assert_eq!(reason(&ask(&world, &token, request(other, None)).await.expect_err("foreign")), "USER_NOT_FOUND");
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_foreign_accounts_are_like_those_that_do_not_exist(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let foreign = world.join(&root, "ada@example.org", "GUEST").await;
        let (_, owner) = world.second_organization("owner@example.org").await;
        let random = UserId::new(world.clock.now(), &SystemEntropy).to_string();
        let mut answers = Vec::new();
        for user_id in [foreign.user_id, admin.user_id, random] {
            for given in [
                address(&user_id, "new@example.org"),
                address(&user_id, ADMIN),
                roles(&user_id, &["GUEST"]),
                everything(&user_id, "new@example.org", "OWNER"),
                UpdateUserRequest { validate_only: true, ..roles(&user_id, &["GUEST"]) },
            ] {
                answers.push(bytes(&ask(&world, &owner.access_token, given).await.expect_err("not found")));
            }
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        assert_eq!(answers[0].0, Code::NotFound);
    }

    /// ASVS: V8.2.3
    async fn attack_t17_nobody_gives_itself_another_address_or_other_roles(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for given in [address(&admin.user_id, "new@example.org"), roles(&admin.user_id, &["GUEST"])] {
            let refused = ask(&world, &root, given).await.expect_err("refused");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "SELF_REFUSED"));
        }
        let mut own = read(&world, &root, &admin.user_id).await;
        "Amazing Grace".clone_into(&mut own.name);
        let after = ask(&world, &root, request(own, None)).await.expect("its own record, given back");
        assert_eq!((after.name.as_str(), after.roles.as_slice()), ("Amazing Grace", &["ADMIN".to_owned(), "OWNER".to_owned()][..]));
    }

    async fn equals_keep_their_addresses(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let second = world.join(&root, "second@example.org", "OWNER").await;
        let owner = world.join(&root, "owner@example.org", "OWNER").await;
        let guest = world.join(&root, "guest@example.org", "GUEST").await;
        world.peers.known().members.get_mut(&second.user_id).expect("a member").roles.push("ADMIN".to_owned());
        world.access.invalidate_all();
        let (admin, equal) = (world.log_in("second@example.org").await, world.join(&root, "equal@example.org", "OWNER").await);
        let token = world.log_in("owner@example.org").await.access_token;
        for (token, target) in [(&root, &second), (&token, &second), (&token, &equal)] {
            let refused = ask(&world, token, address(&target.user_id, "taken-over@example.org")).await.expect_err("closed");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "EQUAL_PROTECTED"));
            let name = User { user_id: target.user_id.clone(), name: "Renamed".to_owned(), ..Default::default() };
            ask(&world, token, request(name, None)).await.expect("the profile is open");
        }
        ask(&world, &token, address(&guest.user_id, "new-guest@example.org")).await.expect("no equal");
        ask(&world, &admin.access_token, address(&owner.user_id, "new-owner@example.org")).await.expect("an owner is open to ADMIN");
        ask(&world, &token, roles(&equal.user_id, &["GUEST"])).await.expect_err("its sessions ended");
        ask(&world, &root, roles(&second.user_id, &["GUEST"])).await.expect("demoting is allowed");
        assert_eq!(read(&world, &root, &second.user_id).await.roles, ["ADMIN", "GUEST"], "ADMIN is not an organization's to take");
    }

    /// ASVS: V7.5.1
    async fn asvs_v7_5_3_the_address_of_an_owner_is_changed_by_who_proved_lately_who_it_is(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let owner = world.join(&root.access_token, "owner@example.org", "OWNER").await;
        let guest = world.join(&root.access_token, "guest@example.org", "GUEST").await;
        world.clock.advance(Duration::from_mins(6));
        let refresh = RefreshTokensRequest { refresh_token: root.refresh_token, ..Default::default() };
        let late = world.authentication().refresh_tokens(refresh).await.expect("refreshed").into_inner();
        let late = late.tokens.expect("tokens").access_token;
        let before = read(&world, &late, &owner.user_id).await;
        let given = address(&owner.user_id, "new-owner@example.org");
        let whole = everything(&owner.user_id, "new-owner@example.org", "GUEST");
        for given in [given.clone(), UpdateUserRequest { validate_only: true, ..given.clone() }, whole] {
            let refused = ask(&world, &late, given).await.expect_err("too long ago");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "STEP_UP_REQUIRED"));
        }
        let password = SetUserPasswordRequest { user_id: owner.user_id.clone(), ..Default::default() };
        let refused = world.users().set_user_password(bearer(&late, password)).await.expect_err("too long ago");
        assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
        assert_eq!(read(&world, &late, &owner.user_id).await, before);
        assert!(addresses_told(&world).await.is_empty());
        let name = User { user_id: owner.user_id.clone(), name: "Renamed".to_owned(), ..Default::default() };
        ask(&world, &late, request(name, None)).await.expect("a name opens no account");
        ask(&world, &late, address(&guest.user_id, "new-guest@example.org")).await.expect("no owner");
        let proved = world.reauthenticate(&late, PASSWORD, None).await.expect("proved");
        let after = ask(&world, &proved, given).await.expect("proved");
        assert_eq!((after.email.as_str(), after.email_verified), ("new-owner@example.org", false));
        let told = ("owner@example.org".to_owned(), "new-owner@example.org".to_owned());
        assert!(addresses_told(&world).await.contains(&told));
    }

    async fn asvs_v2_3_3_what_is_refused_changes_nothing_at_all(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let before = world.join(&root, "ada@example.org", "GUEST").await;
        let before = read(&world, &root, &before.user_id).await;
        let id = &before.user_id;
        let taken = ask(&world, &root, everything(id, "ROOT@example.org", "OWNER")).await.expect_err("taken");
        assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "EMAIL_TAKEN"));
        let mut late = everything(id, "new@example.org", "OWNER");
        if let Some(user) = &mut late.user {
            "77".clone_into(&mut user.etag);
        }
        let late = ask(&world, &root, late).await.expect_err("late");
        assert_eq!(reason(&late), "ETAG_MISMATCH");
        assert_eq!(late.get_details_error_info().expect("info").metadata.get("etag"), Some(&before.etag));
        for (theirs, ours) in [
            ("ROLE_NOT_GRANTABLE", "ROLE_NOT_GRANTABLE"),
            ("LAST_OWNER", "LAST_HOLDER"),
            ("ACTOR_NOT_ENTITLED", "PERMISSION_MISSING"),
            ("MEMBER_NOT_FOUND", "USER_NOT_FOUND"),
        ] {
            world.peers.known().refuse_roles = Some(theirs);
            let refused = ask(&world, &root, everything(id, "new@example.org", "OWNER")).await.expect_err("refused");
            assert_eq!(reason(&refused), ours);
        }
        let broken = request(User { email: "nobody".to_owned(), roles: vec!["ADMIN".to_owned()], ..Default::default() }, mask(&["email", "roles", "name"]));
        let broken = violations(&ask(&world, &root, broken).await.expect_err("broken"));
        let broken: Vec<&str> = broken.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(broken, ["user.user_id", "user.name", "user.email", "user.roles[0]"]);
        let raised = User { user_id: id.clone(), roles: vec!["ADMIN".to_owned()], ..Default::default() };
        let raised = ask(&world, &root, request(raised, None)).await.expect_err("not for this method to give");
        assert_eq!(violations(&raised), [("user.roles".to_owned(), "ROLE_UNKNOWN".to_owned())]);
        assert_eq!(read(&world, &root, id).await, before);
        assert!(addresses_told(&world).await.is_empty() && fields_told(&world).await.is_empty());
    }

    async fn a_check_changes_nothing_and_refuses_what_the_change_would(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let before = read(&world, &root, &ada.user_id).await;
        let check = |email| UpdateUserRequest { validate_only: true, ..everything(&ada.user_id, email, "OWNER") };
        let shown = ask(&world, &root, check("new@example.org")).await.expect("possible");
        assert_eq!((shown.email.as_str(), shown.roles.as_slice(), &shown.etag), ("new@example.org", &["OWNER".to_owned()][..], &before.etag));
        assert_eq!(reason(&ask(&world, &root, check(ADMIN)).await.expect_err("taken")), "EMAIL_TAKEN");
        world.peers.known().refuse_roles = Some("LAST_OWNER");
        assert_eq!(reason(&ask(&world, &root, check("new@example.org")).await.expect_err("last")), "LAST_HOLDER");
        assert_eq!(read(&world, &root, &ada.user_id).await, before);
    }

    async fn asvs_v2_3_3_roles_are_taken_back_when_the_rest_is_refused_after_all(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        world.peers.known().hold_next.insert("change_member_roles");
        let change = ask(&world, &root, everything(&ada.user_id, "new@example.org", "OWNER"));
        let overtake = async {
            world.peers.until_held("change_member_roles").await;
            world.invite(&root, "new@example.org", "GUEST").await;
            world.peers.known().held.clear();
        };
        let (changed, ()) = tokio::join!(change, overtake);
        assert_eq!(reason(&changed.expect_err("somebody was faster")), "EMAIL_TAKEN");
        let after = read(&world, &root, &ada.user_id).await;
        assert_eq!((after.roles.as_slice(), after.email.as_str()), (&["GUEST".to_owned()][..], "ada@example.org"));
        assert_eq!(world.peers.known().role_changes.get(&ada.user_id), Some(&2));
    }

    async fn a_change_that_was_cut_short_is_ended_by_its_repeat(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let given = UpdateUserRequest { request_id: request_id(&world.clock), ..everything(&ada.user_id, "new@example.org", "OWNER") };
        world.peers.known().down.insert("change_member_roles");
        let refused = ask(&world, &root, given.clone()).await.expect_err("out of reach");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "PEER_UNAVAILABLE"));
        assert_eq!(read(&world, &root, &ada.user_id).await.email, "ada@example.org");
        world.peers.known().down.clear();
        // As after a crash between the two: the roles are changed, and nothing else.
        world.peers.known().members.get_mut(&ada.user_id).expect("a member").roles = vec!["OWNER".to_owned()];
        // Who is an owner by now is closed to all but ADMIN, who is asking.
        let after = ask(&world, &root, given.clone()).await.expect("ended");
        assert_eq!((after.email.as_str(), after.roles.as_slice()), ("new@example.org", &["OWNER".to_owned()][..]));
        let again = ask(&world, &root, given).await.expect("repeated");
        assert_eq!(again, after);
        assert_eq!(addresses_told(&world).await.len(), 1);
    }

    async fn of_parallel_changes_of_roles_with_one_etag_one_wins(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let etag = read(&world, &root, &ada.user_id).await.etag;
        let world = Arc::new(world);
        let wishes = ["DATA_STEWARD", "DATA_SCIENTIST", "OWNER", "DATA_STEWARD", "DATA_SCIENTIST", "OWNER"];
        let answers = at_once(wishes.len(), |index| {
            let (world, root) = (Arc::clone(&world), root.clone());
            let mut given = roles(&ada.user_id, &[wishes[index]]);
            if let Some(user) = &mut given.user {
                user.etag.clone_from(&etag);
            }
            async move { ask(&world, &root, given).await }
        }).await;
        let won: Vec<&User> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert_eq!(won.len(), 1);
        for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(reason(lost), "ETAG_MISMATCH");
        }
        assert_eq!(read(&world, &root, &ada.user_id).await.roles, won[0].roles);
    }

    async fn parallel_repeats_of_a_change_get_its_answer(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let mut given = everything(&ada.user_id, "new@example.org", "OWNER");
        given.request_id = request_id(&world.clock);
        if let Some(user) = &mut given.user {
            user.etag = read(&world, &root, &ada.user_id).await.etag;
        }
        let world = Arc::new(world);
        let answers = at_once(6, |_| {
            let (world, root, given) = (Arc::clone(&world), root.clone(), given.clone());
            async move { ask(&world, &root, given).await.expect("answered") }
        }).await;
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        assert_eq!(addresses_told(&world).await.len(), 1);
    }
}
