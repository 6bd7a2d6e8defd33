//! Accounts that are deleted: gone at once and everywhere, whatever happens in between.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_db::Error;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, create_user, reason, request_id};
use crate::peers::State;

/// Longer than the lease of unfinished work.
const LEASE: Duration = Duration::from_secs(21);

fn by_id(user: &User) -> DeleteUserRequest {
    DeleteUserRequest { user_id: user.user_id.clone(), ..Default::default() }
}

async fn delete(world: &World, token: &str, request: DeleteUserRequest) -> Result<(), Status> {
    world.users().delete_user(bearer(token, request)).await.map(drop)
}

async fn refused(world: &World, token: &str, request: DeleteUserRequest) -> String {
    reason(&delete(world, token, request).await.expect_err("refused"))
}

async fn is_there(world: &World, token: &str, user: &User) -> bool {
    let get = GetUserRequest { user_id: user.user_id.clone() };
    let got = world.users().get_user(bearer(token, get)).await;
    let list = world.users().list_users(bearer(token, ListUsersRequest::default())).await.expect("listed").into_inner();
    let is_listed = list.users.iter().any(|listed| listed.user_id == user.user_id);
    assert_eq!(got.is_ok(), is_listed);
    is_listed
}

async fn count(world: &World, table: &str) -> i64 {
    let reader = world.db.reader();
    let text = format!("SELECT count(*) AS n FROM {table}");
    let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), text)).await;
    row.expect("read").expect("a row").try_get("", "n").expect("a number")
}

/// Reads what was told of deletions.
async fn outbox(world: &World, topic: &str) -> Vec<UserDeleted> {
    let reader = world.db.reader();
    let text = format!("SELECT payload FROM outbox WHERE topic = '{topic}'");
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await.expect("read");
    let told = rows.iter().map(|row| {
        let payload: Vec<u8> = row.try_get("", "payload").expect("a payload");
        match DomainEvent::decode(payload.as_slice()).expect("an event").event {
            Some(domain_event::Event::UserDeleted(deleted)) => deleted,
            other => panic!("{other:?}"),
        }
    });
    told.collect()
}

/// Leaves the deletion of an account behind as a crash would.
async fn leave(world: &World, user: &User, actor: &User, request: Option<(&str, &[u8])>) {
    let id = |text: &str| uuid::Uuid::parse_str(text).expect("an id");
    let (user_id, actor_id) = (id(&user.user_id), id(&actor.user_id));
    let until = rolecall_kernel::time::Clock::now(&world.clock).plus(Duration::from_secs(10)).as_micros();
    let (request_id, fingerprint) = (request.map(|(name, _)| id(name)), request.map(|(_, bytes)| bytes.to_vec()));
    let values = vec![user_id.into(), until.into(), actor_id.into(), request_id.into(), fingerprint.into()];
    let values = &values;
    world
        .db
        .write(|tx| async move {
            let text = "INSERT INTO sagas (saga_id, kind, state, lease_until, actor_id, request_id, fingerprint)
                VALUES ($1, 'DELETE_USER', 'STARTED', $2, $3, $4, $5)";
            tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values.clone())).await?;
            Ok::<_, Error>(())
        })
        .await
        .expect("stored");
}

on_each_database! {
    /// ASVS: T26
    async fn asvs_v7_4_2_a_deleted_person_is_gone_with_everything_that_opened_its_account(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let ada = world.join(&root.access_token, "ada@example.org", "GUEST").await;
        let session = world.log_in("ada@example.org").await;
        delete(&world, &root.access_token, by_id(&ada)).await.expect("deleted");
        assert!(!is_there(&world, &root.access_token, &ada).await);
        // Each of the two ways in which a token ends is enough: no cache was told of the other.
        let own = world.accounts().get_account(bearer(&session.access_token, GetAccountRequest {})).await;
        assert_eq!(own.expect_err("ended").code(), Code::Unauthenticated);
        let refresh = RefreshTokensRequest { refresh_token: session.refresh_token, ..Default::default() };
        let refresh = world.authentication().refresh_tokens(refresh).await.expect_err("ended");
        assert_eq!(reason(&refresh), "REFRESH_TOKEN_REFUSED");
        assert_eq!(count(&world, "credentials").await, 1);
        world.identity.relay().drain().await;
        let topics = world.peers.topics();
        for topic in ["identity.user_deleted", "identity.session_ended"] {
            assert!(topics.iter().any(|told| told == topic), "{topic}: {topics:?}");
        }
        assert_eq!(refused(&world, &root.access_token, by_id(&ada)).await, "USER_NOT_FOUND");
    }

    /// ASVS: T03
    async fn asvs_v6_3_8_a_login_with_a_deleted_address_is_refused_like_one_with_an_unknown_address(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let ada = world.join(&root.access_token, "ada@example.org", "GUEST").await;
        delete(&world, &root.access_token, by_id(&ada)).await.expect("deleted");
        let gone = world.try_log_in("ada@example.org", PASSWORD).await.expect_err("refused");
        let unknown = world.try_log_in("eve@example.org", PASSWORD).await.expect_err("refused");
        assert_eq!((reason(&gone).as_str(), bytes(&gone)), ("CREDENTIALS_REFUSED", bytes(&unknown)));
    }

    /// ASVS: V10.3.3
    async fn attack_t16_a_deleted_address_stays_reserved_until_the_account_is_purged(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let ada = world.join(&root.access_token, "ada@example.org", "GUEST").await;
        delete(&world, &root.access_token, by_id(&ada)).await.expect("deleted");
        let again = create_user("ADA@example.org", "GUEST");
        let taken = world.users().create_user(bearer(&root.access_token, again.clone())).await.expect_err("reserved");
        assert_eq!(reason(&taken), "EMAIL_TAKEN");
        world.clock.advance(Duration::from_hours(29 * 24));
        world.identity.sweep().await.expect("swept");
        assert_eq!(count(&world, "users").await, 2);
        world.clock.advance(Duration::from_hours(2 * 24));
        world.identity.sweep().await.expect("swept");
        assert_eq!(count(&world, "users").await, 1);
        let root = world.log_in(ADMIN).await;
        world.users().create_user(bearer(&root.access_token, again)).await.expect("free again");
    }

    async fn who_is_erased_is_gone_from_the_tables_at_once_and_the_audit_log_is_told(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        world.log_in("ada@example.org").await;
        let request = DeleteUserRequest { erase: true, request_id: request_id(&world.clock), ..by_id(&ada) };
        delete(&world, &token, request.clone()).await.expect("deleted");
        assert_eq!(count(&world, "users").await, 1);
        delete(&world, &token, request.clone()).await.expect("repeated");
        let other = DeleteUserRequest { erase: false, ..request };
        assert_eq!(refused(&world, &token, other).await, "REQUEST_ID_REUSED");
        world.users().create_user(bearer(&token, create_user("ada@example.org", "GUEST"))).await.expect("free again");
        assert_eq!(outbox(&world, "identity.user_deleted").await, [UserDeleted { erased: true }]);
    }

    async fn an_erasure_that_was_left_behind_is_carried_on(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        leave(&world, &ada, &admin, None).await;
        let kind = "UPDATE sagas SET kind = 'ERASE_USER'";
        world.db.write(|tx| async move { Ok::<_, Error>(tx.execute_unprepared(kind).await.map(drop)?) }).await.expect("stored");
        assert!(is_there(&world, &token, &ada).await, "as long as it is not done");
        world.clock.advance(LEASE);
        world.identity.recover().await;
        assert_eq!(count(&world, "users").await, 1);
        assert_eq!(outbox(&world, "identity.user_deleted").await, [UserDeleted { erased: true }]);
    }

    async fn what_is_purged_is_told_to_the_audit_log(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        delete(&world, &token, by_id(&ada)).await.expect("deleted");
        world.clock.advance(Duration::from_hours(31 * 24));
        world.identity.sweep().await.expect("swept");
        world.identity.relay().drain().await;
        assert_eq!(world.peers.topics().iter().filter(|topic| *topic == "identity.user_erased").count(), 1);
    }

    async fn a_deleted_person_that_was_invited_accepts_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let (ada, code) = world.invite(&root.access_token, "ada@example.org", "GUEST").await;
        delete(&world, &root.access_token, by_id(&ada)).await.expect("deleted");
        assert_eq!(reason(&world.accept(&code).await.expect_err("ended")), "INVITATION_NOT_FOUND");
        let list = ListInvitationsRequest::default();
        let list = world.users().list_invitations(bearer(&root.access_token, list)).await.expect("listed");
        assert!(list.into_inner().invitations.is_empty());
    }

    async fn an_acceptance_that_meets_a_deletion_ends(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let (user, code) = world.invite(&root.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().hold_next.insert("activate_member");
        let meanwhile = async {
            world.peers.until_held("activate_member").await;
            delete(&world, &root.access_token, by_id(&user)).await.expect("deleted");
            world.peers.known().held.clear();
        };
        let (accepted, ()) = tokio::join!(world.accept(&code), meanwhile);
        assert_eq!(reason(&accepted.expect_err("ended")), "INVITATION_NOT_FOUND");
        assert!(!is_there(&world, &root.access_token, &user).await);
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 0, "nothing is left");
        assert_eq!(count(&world, "credentials").await, 1);
    }

    async fn attack_t26_nobody_deletes_itself_or_somebody_above_it_or_the_last_in_charge(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        assert_eq!(refused(&world, &root.access_token, by_id(&admin)).await, "SELF_REFUSED");
        let (_, owner) = world.second_organization("owner@example.org").await;
        let own = GetAccountRequest {};
        let boss = world.accounts().get_account(bearer(&owner.access_token, own)).await.expect("read").into_inner();
        assert_eq!(refused(&world, &root.access_token, by_id(&boss.user.expect("a user"))).await, "LAST_HOLDER");
        let housemate = world.join(&root.access_token, "second@example.org", "OWNER").await;
        let second = world.log_in("second@example.org").await;
        assert_eq!(refused(&world, &second.access_token, by_id(&admin)).await, "EQUAL_PROTECTED");
        assert_eq!(refused(&world, &owner.access_token, by_id(&housemate)).await, "USER_NOT_FOUND");
        let guest = world.join(&root.access_token, "guest@example.org", "GUEST").await;
        let token = world.log_in("guest@example.org").await.access_token;
        let denied = delete(&world, &token, by_id(&guest)).await.expect_err("refused");
        assert_eq!(denied.code(), Code::PermissionDenied);
        for user in [&admin, &housemate, &guest] {
            assert!(is_there(&world, &root.access_token, user).await);
        }
        assert_eq!(count(&world, "sagas").await, 0, "what is refused leaves nothing behind");
    }

    async fn an_actor_that_lost_its_rights_a_moment_ago_deletes_nobody(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let owner = world.join(&root.access_token, "owner@example.org", "OWNER").await;
        let guest = world.join(&root.access_token, "guest@example.org", "GUEST").await;
        let token = world.log_in("owner@example.org").await.access_token;
        is_there(&world, &token, &guest).await;
        // The access cache still knows it as an owner; organization does not.
        world.peers.known().members.get_mut(&owner.user_id).expect("a member").roles = vec!["GUEST".to_owned()];
        let denied = delete(&world, &token, by_id(&guest)).await.expect_err("refused");
        assert_eq!((denied.code(), reason(&denied).as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
        let metadata = denied.get_details_error_info().expect("ErrorInfo").metadata;
        assert_eq!(metadata.get("permission").map(String::as_str), Some("identity.users.delete"));
        assert!(is_there(&world, &root.access_token, &guest).await);
    }

    async fn an_etag_that_is_not_the_current_one_is_refused_with_the_current_one(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let ada = world.join(&root.access_token, "ada@example.org", "GUEST").await;
        let late = DeleteUserRequest { etag: "no such version".to_owned(), ..by_id(&ada) };
        let late = delete(&world, &root.access_token, late).await.expect_err("late");
        assert_eq!((late.code(), reason(&late).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
        let metadata = late.get_details_error_info().expect("ErrorInfo").metadata;
        assert_eq!(metadata.get("etag"), Some(&ada.etag));
        delete(&world, &root.access_token, DeleteUserRequest { etag: ada.etag.clone(), ..by_id(&ada) }).await.expect("deleted");
    }

    async fn a_deletion_is_repeated_by_its_request_id(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        let eva = world.join(&token, "eva@example.org", "GUEST").await;
        let request = DeleteUserRequest { request_id: request_id(&world.clock), ..by_id(&ada) };
        let world = Arc::new(world);
        let answers = at_once(8, |_| {
            let (world, token, request) = (Arc::clone(&world), token.clone(), request.clone());
            async move { delete(&world, &token, request).await }
        }).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        delete(&world, &token, request.clone()).await.expect("repeated");
        let other = DeleteUserRequest { user_id: eva.user_id.clone(), ..request };
        assert_eq!(refused(&world, &token, other).await, "REQUEST_ID_REUSED");
        assert!(is_there(&world, &token, &eva).await);
    }

    async fn parallel_deletions_of_one_account_delete_it_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        let world = Arc::new(world);
        let answers = at_once(16, |_| {
            let (world, token, request) = (Arc::clone(&world), token.clone(), by_id(&ada));
            async move { delete(&world, &token, request).await.map_err(|status| reason(&status)) }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(refused, "USER_NOT_FOUND");
        }
        world.identity.relay().drain().await;
        let told = world.peers.topics().into_iter().filter(|topic| topic == "identity.user_deleted").count();
        assert_eq!(told, 1);
    }

    async fn a_deletion_whose_worker_is_gone_is_carried_on(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        // Before and after organization ended the member.
        for (email, is_ended) in [("ada@example.org", false), ("eva@example.org", true)] {
            let user = world.join(&token, email, "GUEST").await;
            leave(&world, &user, &admin, None).await;
            if is_ended {
                world.peers.known().members.remove(&user.user_id);
            }
            assert_eq!(world.identity.recover().await, 0, "its worker may come back");
            world.clock.advance(LEASE);
            assert_eq!(world.identity.recover().await, 1);
            assert!(!is_there(&world, &world.log_in(ADMIN).await.access_token, &user).await);
            assert!(!world.peers.known().members.contains_key(&user.user_id));
        }
        assert_eq!(count(&world, "sagas").await, 0);
    }

    async fn a_deletion_that_is_refused_after_a_crash_leaves_the_account_as_it_is(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let guest = world.join(&token, "guest@example.org", "GUEST").await;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        leave(&world, &ada, &guest, None).await;
        world.clock.advance(LEASE);
        world.identity.recover().await;
        assert!(is_there(&world, &world.log_in(ADMIN).await.access_token, &ada).await);
        assert_eq!(count(&world, "sagas").await, 0);
    }

    async fn a_repeat_finds_a_deletion_that_a_crash_interrupted(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        let request = DeleteUserRequest { request_id: request_id(&world.clock), ..by_id(&ada) };
        let key = world.master.keyed_hash(rolecall_kernel::key::Purpose::RequestFingerprint);
        let encoded = prost::Message::encode_to_vec(&request);
        let fingerprint = rolecall_db::idempotency::Fingerprint::new(&key, "UserService/DeleteUser", &encoded);
        leave(&world, &ada, &admin, Some((&request.request_id, fingerprint.as_bytes()))).await;
        world.peers.known().members.remove(&ada.user_id);
        world.clock.advance(LEASE);
        let token = world.log_in(ADMIN).await.access_token;
        delete(&world, &token, request.clone()).await.expect("carried on by the repeat itself");
        delete(&world, &token, request).await.expect("repeated");
        assert!(!is_there(&world, &token, &ada).await);
    }

    async fn a_deletion_while_organization_is_out_of_reach_can_be_tried_again_at_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        world.peers.known().down.insert("end_member");
        assert_eq!(refused(&world, &token, by_id(&ada)).await, "PEER_UNAVAILABLE");
        assert!(is_there(&world, &token, &ada).await, "nobody ended it");
        world.peers.known().down.clear();
        delete(&world, &token, by_id(&ada)).await.expect("whoever tries again carries on what was begun");
        assert!(!is_there(&world, &token, &ada).await);
        assert_eq!(world.peers.known().members.values().filter(|member| member.state == State::Active).count(), 1);
    }
}
