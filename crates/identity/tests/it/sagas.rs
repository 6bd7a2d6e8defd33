//! Every state in which a crash can leave work behind, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::GetUserRequest;
use rolecall_db::Error;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::harness::{ADMIN, World, bearer, create_user, reason};
use crate::peers::{FakeMember, State};

/// Longer than the lease of unfinished work.
const LEASE: Duration = Duration::from_secs(21);

async fn leave_saga(world: &World, id: uuid::Uuid, kind: &str, state: &str) {
    let until = world.clock.now().plus(Duration::from_secs(10)).as_micros();
    world
        .db
        .write(|tx| async move {
            let text = "INSERT INTO sagas (saga_id, kind, state, lease_until) VALUES ($1, $2, $3, $4)";
            let values = vec![id.into(), kind.into(), state.into(), until.into()];
            tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await?;
            Ok::<_, Error>(())
        })
        .await
        .expect("stored");
}

async fn set_state(world: &World, email: &str, state: &str) {
    world
        .db
        .write(|tx| async move {
            let text = "UPDATE users SET state = $1 WHERE email = $2";
            let values = [state.into(), email.into()];
            tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await?;
            Ok::<_, Error>(())
        })
        .await
        .expect("stored");
}

fn hidden(organization_id: &str) -> FakeMember {
    FakeMember {
        organization_id: organization_id.to_owned(),
        roles: vec!["GUEST".to_owned()],
        state: State::Hidden,
        blocked: false,
    }
}

on_each_database! {
    async fn a_creation_that_died_before_its_commit_is_undone_after_its_lease(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        for (number, state) in ["STARTED", "ABORTING"].into_iter().enumerate() {
            let id = uuid::Uuid::from_u128(7 + number as u128);
            leave_saga(&world, id, "CREATE_USER", state).await;
            world.peers.known().members.insert(id.to_string(), hidden(&admin.organization_id));
        }
        assert_eq!(world.identity.recover().await, 0, "the lease still runs");
        world.clock.advance(LEASE);
        world.peers.known().down.insert("remove_member");
        assert_eq!(world.identity.recover().await, 0, "organization is out of reach");
        world.peers.known().down.clear();
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 2);
        assert_eq!(world.peers.known().members.len(), 1);
        assert_eq!(world.identity.recover().await, 0);
    }

    async fn a_creation_that_died_after_its_commit_is_finished_and_seen_only_then(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.peers.known().down.insert("confirm_member");
        let request = bearer(&tokens.access_token, create_user("ada@example.org", "GUEST"));
        let cut = world.users().create_user(request).await.expect_err("cut");
        assert_eq!(reason(&cut), "PEER_UNAVAILABLE");
        let user_id = world.peers.known().members.iter().find(|(_, member)| member.state == State::Hidden).map(|(id, _)| id.clone());
        let get = || bearer(&tokens.access_token, GetUserRequest { user_id: user_id.clone().expect("hidden") });
        world.users().get_user(get()).await.expect_err("not half visible");
        world.peers.known().down.clear();
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        assert!(world.users().get_user(get()).await.is_ok());
        let code = world.code("ada@example.org").await;
        assert_eq!(world.peers.known().mail.len(), 1, "one mail");
        world.accept(&code).await.expect("accepted");
    }

    async fn an_invitation_is_accepted_even_while_its_creation_is_being_finished(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.peers.known().down.insert("confirm_member");
        let request = bearer(&tokens.access_token, create_user("ada@example.org", "GUEST"));
        world.users().create_user(request).await.expect_err("cut");
        world.peers.known().down.clear();
        world.accept(&world.code("ada@example.org").await).await.expect("accepted");
        assert_eq!(world.identity.recover().await, 0);
    }

    async fn a_creation_whose_member_cannot_be_added_leaves_nothing_once_organization_is_back(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.peers.known().down.extend(["add_member", "remove_member"]);
        let request = bearer(&tokens.access_token, create_user("ada@example.org", "GUEST"));
        let cut = world.users().create_user(request).await.expect_err("cut");
        assert_eq!(reason(&cut), "PEER_UNAVAILABLE");
        world.peers.known().down.clear();
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
    }

    async fn an_acceptance_that_died_is_carried_through_with_its_password(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().stuck.insert("activate_member");
        let world = Arc::new(world);
        let cut = tokio::time::timeout(Duration::from_millis(500), world.accept(&code)).await;
        assert!(cut.is_err(), "the worker never comes back");
        assert_eq!(world.identity.recover().await, 0, "the lease still runs");
        world.peers.known().stuck.clear();
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        world.access.invalidate_all();
        world.log_in("ada@example.org").await;
        world.identity.relay().drain().await;
        let accepted = world.peers.topics().into_iter().filter(|topic| topic == "identity.invitation_accepted").count();
        assert_eq!(accepted, 1);
    }

    async fn an_acceptance_that_died_is_void_when_the_inviter_lost_the_right_meanwhile(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().stuck.insert("activate_member");
        assert!(tokio::time::timeout(Duration::from_millis(500), world.accept(&code)).await.is_err());
        world.peers.known().stuck.clear();
        world.peers.known().inviter_lost_rights = true;
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        assert_eq!(reason(&world.accept(&code).await.expect_err("void")), "INVITATION_NOT_FOUND");
    }

    async fn a_worker_that_comes_back_late_does_not_answer_for_the_acceptance_of_another(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().hold_next.insert("activate_member");
        let meanwhile = async {
            world.peers.until_held("activate_member").await;
            world.clock.advance(LEASE);
            world.peers.known().down.insert("activate_member");
            assert_eq!(world.identity.recover().await, 0, "opened again");
            world.peers.known().down.clear();
            world.accept(&code).await.expect("accepted");
            world.peers.known().held.clear();
        };
        let (late, ()) = tokio::join!(world.accept(&code), meanwhile);
        assert_eq!(reason(&late.expect_err("its password is not the account's")), "INVITATION_NOT_FOUND");
        world.access.invalidate_all();
        world.log_in("ada@example.org").await;
    }

    async fn an_acceptance_of_an_account_that_is_not_invited_ends(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().hold_next.insert("activate_member");
        let meanwhile = async {
            world.peers.until_held("activate_member").await;
            set_state(&world, "ada@example.org", "ACTIVE").await;
            world.peers.known().held.clear();
        };
        let (late, ()) = tokio::join!(world.accept(&code), meanwhile);
        assert_eq!(reason(&late.expect_err("void")), "INVITATION_NOT_FOUND");
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 0, "nothing is left");
        let (_, code) = world.invite(&world.log_in(ADMIN).await.access_token, "eva@example.org", "GUEST").await;
        set_state(&world, "eva@example.org", "ACTIVE").await;
        assert_eq!(reason(&world.accept(&code).await.expect_err("not claimed")), "INVITATION_NOT_FOUND");
    }

    async fn an_acceptance_while_organization_is_out_of_reach_can_be_tried_again(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().down.insert("activate_member");
        assert_eq!(reason(&world.accept(&code).await.expect_err("cut")), "PEER_UNAVAILABLE");
        world.peers.known().down.clear();
        world.accept(&code).await.expect("accepted");
    }

    async fn service_accounts_that_were_half_made_or_half_deleted_lose_their_permissions(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let cases = [("CREATE_SERVICE_ACCOUNT", "STARTED"), ("DELETE_SERVICE_ACCOUNT", "COMMITTED")];
        for (number, (kind, state)) in cases.into_iter().enumerate() {
            let id = uuid::Uuid::from_u128(70 + number as u128);
            leave_saga(&world, id, kind, state).await;
            world.peers.known().service_accounts.insert(id.to_string(), (String::new(), Vec::new()));
        }
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 2);
        assert!(world.peers.known().service_accounts.is_empty());
    }

    async fn asvs_v14_2_7_what_has_served_its_time_is_deleted(database) {
        let (world, _) = World::bootstrapped(&database).await;
        world.log_in(ADMIN).await;
        world.try_log_in("nobody@example.org", "not this one at all").await.expect_err("refused");
        assert_eq!(world.identity.sweep().await.expect("swept"), 0);
        world.clock.advance(Duration::from_hours(40 * 24));
        assert_eq!(world.identity.sweep().await.expect("swept"), 2);
    }
}
