//! Step-up: proving once more who calls.

use std::time::Duration;

use rolecall_api::identity::v1::reauthenticate_request::Factor as Shown;
use rolecall_api::identity::v1::*;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic_types::StatusExt as _;

use crate::authenticator::claims;
use crate::harness::{ADMIN, PASSWORD, World, bearer, reason};

on_each_database! {
    async fn a_proof_gives_a_fresh_token_of_the_same_session_and_refreshing_keeps_its_time(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let before = claims(&tokens.access_token);
        world.clock.advance(Duration::from_mins(4));
        let proved = claims(&world.reauthenticate(&tokens.access_token, PASSWORD, None).await.expect("proved"));
        assert_eq!(proved["sid"], before["sid"]);
        assert_eq!(proved["auth_time"].as_i64(), before["auth_time"].as_i64().map(|time| time + 240));
        assert_eq!(proved["amr"], serde_json::json!(["pwd"]));
        world.clock.advance(Duration::from_mins(1));
        let request = RefreshTokensRequest { refresh_token: tokens.refresh_token, ..Default::default() };
        let refreshed = world.authentication().refresh_tokens(request).await.expect("refreshed").into_inner();
        assert_eq!(claims(&refreshed.tokens.expect("tokens").access_token)["auth_time"], proved["auth_time"]);
        assert!(world.told().await.contains(&"identity.reauthenticated".to_owned()));
    }

    async fn wrong_passwords_are_counted_by_session_apart_from_those_of_strangers(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        for _ in 0..6 {
            let refused = world.reauthenticate(&token, "not this one at all", None).await.expect_err("wrong");
            assert_eq!(reason(&refused), "CREDENTIALS_REFUSED");
        }
        let refused = world.reauthenticate(&token, PASSWORD, None).await.expect_err("too early");
        assert_eq!(reason(&refused), "CREDENTIALS_REFUSED");
        let other = world.log_in(ADMIN).await.access_token;
        world.reauthenticate(&other, PASSWORD, None).await.expect("another session");
        world.clock.advance(Duration::from_secs(30));
        world.reauthenticate(&token, PASSWORD, None).await.expect("in time");
        for _ in 0..6 {
            world.try_log_in(ADMIN, "not this one at all").await.expect_err("wrong");
        }
        world.try_log_in(ADMIN, PASSWORD).await.expect_err("too early");
        world.reauthenticate(&token, PASSWORD, None).await.expect("whoever has a session does not wait for strangers");
    }

    async fn who_has_a_factor_shows_it_and_wrong_codes_count(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let unknown = Shown::TotpCode("000000".to_owned());
        let refused = world.reauthenticate(&token, PASSWORD, Some(unknown)).await.expect_err("no factor");
        assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        let (app, codes) = world.enroll(&token).await;
        let missing = world.reauthenticate(&token, PASSWORD, None).await.expect_err("missing");
        let told = missing.get_details_bad_request().expect("BadRequest").field_violations;
        assert_eq!((told[0].field.as_str(), told[0].reason.as_str()), ("factor", "REQUIRED"));
        for _ in 0..6 {
            let wrong = Shown::TotpCode(app.wrong_code(world.clock.now()));
            let refused = world.reauthenticate(&token, PASSWORD, Some(wrong)).await.expect_err("wrong");
            assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        }
        let early = Shown::TotpCode(app.code(world.clock.now()));
        let refused = world.reauthenticate(&token, PASSWORD, Some(early)).await.expect_err("too early");
        assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        let recovery = Shown::RecoveryCode(codes[0].clone());
        let proved = world.reauthenticate(&token, PASSWORD, Some(recovery.clone())).await.expect("counted apart");
        assert_eq!(claims(&proved)["amr"], serde_json::json!(["pwd", "otp"]));
        let again = world.reauthenticate(&token, PASSWORD, Some(recovery)).await.expect_err("used");
        assert_eq!(reason(&again), "FACTOR_CODE_REFUSED");
    }

    async fn a_wrong_password_uses_no_code_up(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let (_, codes) = world.enroll(&token).await;
        let code = Shown::RecoveryCode(codes[0].clone());
        let refused = world.reauthenticate(&token, "not this one at all", Some(code.clone())).await;
        assert_eq!(reason(&refused.expect_err("wrong")), "CREDENTIALS_REFUSED");
        world.reauthenticate(&token, PASSWORD, Some(code)).await.expect("the code is still good");
    }

    async fn a_session_that_has_ended_is_not_prolonged_by_a_proof(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.authentication().log_out(bearer(&tokens.access_token, LogOutRequest {})).await.expect("logged out");
        let refused = world.reauthenticate(&tokens.access_token, PASSWORD, None).await.expect_err("over");
        assert_eq!(reason(&refused), "SESSION_ENDED");
    }
}
