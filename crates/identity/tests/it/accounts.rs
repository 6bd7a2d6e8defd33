use rolecall_api::identity::v1::{ChangePasswordRequest, GetAccountRequest};
use rolecall_testkit::on_each_database;
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, PASSWORD, World, bearer, reason, request_id};

const NEW: &str = "seven green lamps whistle";

fn change(current: &str, new: &str) -> ChangePasswordRequest {
    ChangePasswordRequest {
        current_password: current.to_owned(),
        new_password: new.to_owned(),
        new_password_confirmation: new.to_owned(),
        ..Default::default()
    }
}

on_each_database! {
    /// ASVS: V7.4.3
    async fn asvs_v6_2_2_changing_the_password_ends_every_other_session(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let (mine, other) = (world.log_in(ADMIN).await, world.log_in(ADMIN).await);
        let done = world.accounts().change_password(bearer(&mine.access_token, change(PASSWORD, NEW))).await.expect("changed");
        assert_eq!(done.into_inner().user.expect("a user").roles, ["ADMIN", "OWNER"]);
        let account = |token: String| {
            let mut accounts = world.accounts();
            async move { accounts.get_account(bearer(&token, GetAccountRequest {})).await }
        };
        assert_eq!(account(mine.access_token).await.expect("read").into_inner().user.expect("a user").email, ADMIN);
        account(other.access_token).await.expect_err("over");
        world.try_log_in(ADMIN, PASSWORD).await.expect_err("the old password");
        world.try_log_in(ADMIN, NEW).await.expect("the new password");
        world.identity.relay().drain().await;
        let told: Vec<_> = world.peers.known().mail.iter().map(|event| event.topic.clone()).collect();
        assert_eq!(told.iter().filter(|topic| *topic == "identity.password_changed").count(), 1);
    }

    async fn a_password_that_is_changed_while_a_login_is_under_way_opens_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let mine = world.log_in(ADMIN).await;
        world.peers.known().hold_next.insert("get_subject_access");
        let change = async {
            world.peers.until_held("get_subject_access").await;
            // Verifying the old password goes on beside the held call.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let changed = world.accounts().change_password(bearer(&mine.access_token, change(PASSWORD, NEW))).await;
            world.peers.known().held.clear();
            changed.expect("changed");
        };
        let (login, ()) = tokio::join!(world.try_log_in(ADMIN, PASSWORD), change);
        assert_eq!(reason(&login.expect_err("the old password")), "CREDENTIALS_REFUSED");
        world.try_log_in(ADMIN, NEW).await.expect("the new password");
    }

    async fn asvs_v6_2_3_a_wrong_current_password_counts_as_a_failure_of_its_session(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        for _ in 0..6 {
            let request = bearer(&tokens.access_token, change("not this one at all", NEW));
            let refused = world.accounts().change_password(request).await.expect_err("refused");
            assert_eq!(reason(&refused), "CREDENTIALS_REFUSED");
        }
        let request = bearer(&tokens.access_token, change(PASSWORD, NEW));
        assert_eq!(reason(&world.accounts().change_password(request).await.expect_err("too early")), "CREDENTIALS_REFUSED");
        world.clock.advance(std::time::Duration::from_secs(30));
        let request = bearer(&tokens.access_token, change(PASSWORD, NEW));
        world.accounts().change_password(request).await.expect("in time");
    }

    async fn asvs_v6_2_11_a_weak_new_password_is_refused_with_its_reason(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        for (weak, why) in [
            ("short", "PASSWORD_TOO_SHORT"),
            ("passwordpassword", "PASSWORD_GUESSABLE"),
            ("analytical engines", "PASSWORD_CONTEXT_WORD"),
            (PASSWORD, "PASSWORD_UNCHANGED"),
        ] {
            let request = bearer(&tokens.access_token, change(PASSWORD, weak));
            let refused = world.accounts().change_password(request).await.expect_err("refused");
            let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
            assert_eq!((told[0].field.as_str(), told[0].reason.as_str()), ("new_password", why));
        }
        world.log_in(ADMIN).await;
    }

    async fn a_repeated_change_is_answered_and_not_done_again(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let mut request = change(PASSWORD, NEW);
        request.request_id = request_id(&world.clock);
        let once = world.accounts().change_password(bearer(&tokens.access_token, request.clone())).await.expect("changed");
        let twice = world.accounts().change_password(bearer(&tokens.access_token, request.clone())).await.expect("repeated");
        assert_eq!(once.into_inner(), twice.into_inner());
        "another green lamp whistles".clone_into(&mut request.new_password);
        request.new_password_confirmation.clear();
        let reused = world.accounts().change_password(bearer(&tokens.access_token, request)).await.expect_err("refused");
        assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    }
}
