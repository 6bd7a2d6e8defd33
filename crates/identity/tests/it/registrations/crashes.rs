//! Every state in which a crash can leave a registration behind, and what becomes of it.

use std::time::Duration;

use rolecall_testkit::on_each_database;

use super::{ADA, count, open_world, registered, typed, verify};
use crate::harness::{ADMIN, PASSWORD, World, bearer, create_user, reason};
use crate::mailbox::mails;

/// Longer than the lease of unfinished work.
const LEASE: Duration = Duration::from_secs(21);

async fn cut(world: &World, code: &str) {
    let cut = tokio::time::timeout(Duration::from_millis(700), verify(world, code, typed(PASSWORD))).await;
    assert!(cut.is_err(), "the worker never comes back");
}

on_each_database! {
    async fn a_verification_that_died_before_its_commit_can_be_tried_again(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        world.peers.known().stuck.insert("register_member");
        cut(&world, &code).await;
        world.peers.known().stuck.clear();
        assert_eq!(reason(&verify(&world, &code, typed(PASSWORD)).await.expect_err("claimed")), "CODE_NOT_FOUND");
        assert_eq!(world.identity.recover().await, 0, "the lease still runs");
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        verify(&world, &code, typed(PASSWORD)).await.expect("opened again");
        assert_eq!(world.peers.known().members.len(), 2);
    }

    async fn a_verification_that_died_after_its_commit_is_finished_with_one_welcome(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        world.peers.known().down.insert("confirm_member");
        let refused = verify(&world, &code, typed(PASSWORD)).await.expect_err("cut");
        assert_eq!(reason(&refused), "PEER_UNAVAILABLE");
        world.try_log_in(ADA, PASSWORD).await.expect_err("nobody is half there");
        world.peers.known().down.clear();
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        world.access.invalidate_all();
        world.log_in(ADA).await;
        assert_eq!(mails(&world, ADA, "welcome").await.len(), 1);
        assert_eq!(count(&world, "identity.user_registered").await, 1);
    }

    async fn a_member_that_cannot_be_added_leaves_nothing_and_the_code_good(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        world.peers.known().down.extend(["register_member", "remove_member"]);
        assert_eq!(reason(&verify(&world, &code, typed(PASSWORD)).await.expect_err("cut")), "PEER_UNAVAILABLE");
        world.peers.known().down.clear();
        verify(&world, &code, typed(PASSWORD)).await.expect("at once, before the recovery");
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1, "the first try is undone");
        world.access.invalidate_all();
        world.log_in(ADA).await;
    }

    async fn a_worker_that_comes_back_late_makes_no_second_account(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        world.peers.known().hold_next.insert("register_member");
        let meanwhile = async {
            world.peers.until_held("register_member").await;
            world.clock.advance(LEASE);
            assert_eq!(world.identity.recover().await, 1, "undone, and opened again");
            verify(&world, &code, typed(PASSWORD)).await.expect("another worker");
            world.peers.known().held.clear();
        };
        let (late, ()) = tokio::join!(verify(&world, &code, typed(PASSWORD)), meanwhile);
        assert!(["EMAIL_TAKEN", "STORE_UNAVAILABLE"].contains(&reason(&late.expect_err("too late")).as_str()));
        assert_eq!(count(&world, "identity.user_registered").await, 1);
        world.access.invalidate_all();
        world.log_in(ADA).await;
    }

    async fn the_membership_of_an_account_that_yielded_ends_also_after_a_crash(database) {
        let (world, _) = open_world(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let invited = world.users().create_user(bearer(&token, create_user(ADA, "GUEST"))).await.expect("invited");
        let old = invited.into_inner().user.expect("a user").user_id;
        let code = registered(&world, ADA).await;
        world.peers.known().down.insert("yield_member");
        verify(&world, &code, typed(PASSWORD)).await.expect("the new account does not wait for the old one");
        assert!(world.peers.known().members.contains_key(&old));
        world.peers.known().down.clear();
        world.clock.advance(LEASE);
        assert_eq!(world.identity.recover().await, 1);
        assert!(!world.peers.known().members.contains_key(&old));
    }
}
