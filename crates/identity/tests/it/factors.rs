//! Own second factors, and those that somebody lost.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::*;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Status};

use crate::authenticator::{Authenticator, totp};
use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, reason, request_id};

const GUEST: &str = "ada@example.org";

async fn list(world: &World, token: &str) -> ListFactorsResponse {
    let listed = world.accounts().list_factors(bearer(token, ListFactorsRequest {})).await;
    listed.expect("listed").into_inner()
}

async fn begin(world: &World, token: &str) -> Result<TotpEnrollment, Status> {
    let begun = world.accounts().enroll_totp(bearer(token, EnrollTotpRequest::default())).await?;
    Ok(begun.into_inner().enrollment.expect("an enrolment"))
}

async fn confirm(world: &World, token: &str, factor_id: &str, code: String) -> Result<ConfirmTotpResponse, Status> {
    let request = ConfirmTotpRequest { factor_id: factor_id.to_owned(), code };
    Ok(world.accounts().confirm_totp(bearer(token, request)).await?.into_inner())
}

async fn remove(world: &World, token: &str, factor_id: &str) -> Result<(), Status> {
    let request = RemoveFactorRequest { factor_id: factor_id.to_owned(), ..Default::default() };
    world.accounts().remove_factor(bearer(token, request)).await.map(drop)
}

async fn reset(world: &World, token: &str, user_id: &str) -> Result<(), Status> {
    let request = ResetUserFactorsRequest { user_id: user_id.to_owned(), ..Default::default() };
    world.users().reset_user_factors(bearer(token, request)).await.map(drop)
}

on_each_database! {
    async fn asvs_v7_4_3_a_factor_counts_once_its_app_shows_a_code_and_all_other_sessions_end(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let (mine, other) = (world.log_in(ADMIN).await, world.log_in(ADMIN).await);
        let request = EnrollTotpRequest { name: "Phone".to_owned() };
        let begun = world.accounts().enroll_totp(bearer(&mine.access_token, request)).await.expect("begun");
        let enrollment = begun.into_inner().enrollment.expect("an enrolment");
        let app = Authenticator::new(&enrollment);
        assert!(list(&world, &mine.access_token).await.factors.is_empty());
        assert!(world.is_let_in(&other.access_token).await);
        let wrong = app.wrong_code(world.clock.now());
        let refused = confirm(&world, &mine.access_token, &enrollment.factor_id, wrong).await.expect_err("wrong");
        assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        let right = app.code(world.clock.now());
        let done = confirm(&world, &mine.access_token, &enrollment.factor_id, right).await.expect("right");
        assert_eq!(done.recovery_codes.len(), 10);
        let factor = done.factor.expect("a factor");
        assert_eq!((factor.name.as_str(), factor.kind()), ("Phone", FactorKind::Totp));
        assert!(world.is_let_in(&mine.access_token).await && !world.is_let_in(&other.access_token).await);
        let listed = list(&world, &mine.access_token).await;
        assert_eq!((listed.factors, listed.recovery_codes_left), (vec![factor], 10));
        assert!(world.told().await.contains(&"identity.factor_added".to_owned()));
        // The code that confirmed it was used.
        let begun = world.begin_log_in(ADMIN, PASSWORD).await.expect("right").challenge(ChallengeKind::Factor);
        let code = totp(app.code(world.clock.now()));
        let refused = world.answer(&begun.challenge_token, code).await.expect_err("used");
        assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        world.log_in_with(ADMIN, &app).await;
        assert!(list(&world, &mine.access_token).await.factors[0].last_used_time.is_some());
    }

    async fn what_was_not_begun_was_replaced_or_took_too_long_is_not_confirmed(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let token = &tokens.access_token;
        let replaced = begin(&world, token).await.expect("begun");
        let late = begin(&world, token).await.expect("begun");
        let unknown = request_id(&world.clock);
        for (factor_id, app) in [(&replaced.factor_id, &replaced), (&unknown, &late)] {
            let code = Authenticator::new(app).code(world.clock.now());
            let refused = confirm(&world, token, factor_id, code).await.expect_err("no such factor");
            assert_eq!(reason(&refused), "FACTOR_NOT_FOUND");
        }
        world.clock.advance(Duration::from_mins(10));
        let token = world.log_in(ADMIN).await.access_token;
        let code = Authenticator::new(&late).code(world.clock.now());
        let refused = confirm(&world, &token, &late.factor_id, code).await.expect_err("too late");
        assert_eq!(reason(&refused), "FACTOR_NOT_FOUND");
    }

    async fn asvs_v2_3_2_a_person_has_five_apps_at_most_and_one_set_of_recovery_codes(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let mut apps = Vec::new();
        for index in 0..5 {
            let (app, codes) = world.enroll(&tokens.access_token).await;
            assert_eq!(codes.len(), if index == 0 { 10 } else { 0 });
            apps.push(app);
        }
        let refused = begin(&world, &tokens.access_token).await.expect_err("too many");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "FACTOR_LIMIT_REACHED"));
        for app in &apps {
            world.log_in_with(ADMIN, app).await;
        }
        assert_eq!(list(&world, &tokens.access_token).await.factors.len(), 5);
    }

    /// ASVS: V7.4.3
    async fn asvs_v6_5_6_a_factor_is_removed_with_the_recovery_codes_and_the_other_sessions(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let first = world.log_in(ADMIN).await;
        let (app, codes) = world.enroll(&first.access_token).await;
        let other = world.log_in_with(ADMIN, &app).await;
        let factor_id = list(&world, &first.access_token).await.factors[0].factor_id.clone();
        let request =
            RemoveFactorRequest { factor_id: factor_id.clone(), request_id: request_id(&world.clock) };
        for _ in 0..2 {
            let request = bearer(&first.access_token, request.clone());
            world.accounts().remove_factor(request).await.expect("removed, and repeated");
        }
        assert!(!world.is_let_in(&other.access_token).await);
        assert_eq!(list(&world, &first.access_token).await, ListFactorsResponse::default());
        let refused = remove(&world, &first.access_token, &factor_id).await.expect_err("gone");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "FACTOR_NOT_FOUND"));
        let request = bearer(&first.access_token, RegenerateRecoveryCodesRequest {});
        let refused = world.accounts().regenerate_recovery_codes(request).await.expect_err("for what");
        assert_eq!(reason(&refused), "FACTOR_NOT_FOUND");
        assert_eq!(codes.len(), 10);
        world.begin_log_in(ADMIN, PASSWORD).await.expect("right").tokens();
        let told = world.told().await;
        assert_eq!(told.iter().filter(|topic| *topic == "identity.factor_removed").count(), 1);
    }

    async fn the_last_factor_stays_while_the_organization_demands_one(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.enroll(&tokens.access_token).await;
        world.enroll(&tokens.access_token).await;
        world.require_mfa();
        let listed = list(&world, &tokens.access_token).await.factors;
        let (world, token) = (Arc::new(world), tokens.access_token);
        let answers = at_once(2, |index| {
            let (world, token, id) = (Arc::clone(&world), token.clone(), listed[index].factor_id.clone());
            async move { remove(&world, &token, &id).await }
        }).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.iter().map(reason).collect::<Vec<_>>(), ["FACTOR_REQUIRED"]);
        let left = list(&world, &token).await;
        assert_eq!((left.factors.len(), left.recovery_codes_left), (1, 10));
    }

    async fn new_recovery_codes_end_the_old_ones(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, old) = world.enroll(&tokens.access_token).await;
        let request = bearer(&tokens.access_token, RegenerateRecoveryCodesRequest {});
        let new = world.accounts().regenerate_recovery_codes(request).await.expect("new codes").into_inner();
        assert_eq!(new.recovery_codes.len(), 10);
        let begun = world.begin_log_in(ADMIN, PASSWORD).await.expect("right").challenge(ChallengeKind::Factor);
        let refused = world.answer(&begun.challenge_token, Answer::RecoveryCode(old[0].clone())).await;
        assert_eq!(reason(&refused.expect_err("ended")), "FACTOR_CODE_REFUSED");
        let answer = Answer::RecoveryCode(new.recovery_codes[0].clone());
        world.answer(&begun.challenge_token, answer).await.expect("right").tokens();
        assert!(world.told().await.contains(&"identity.recovery_codes_regenerated".to_owned()));
    }

    /// ASVS: V6.5.6
    async fn asvs_v6_4_4_who_lost_its_factors_gets_them_reset_and_loses_its_sessions(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let admin = world.log_in(ADMIN).await;
        let guest = world.join(&admin.access_token, GUEST, "GUEST").await;
        let tokens = world.log_in(GUEST).await;
        let (app, codes) = world.enroll(&tokens.access_token).await;
        world.next_step();
        let begun = world.begin_log_in(GUEST, PASSWORD).await.expect("right").challenge(ChallengeKind::Factor);
        let admin = world.log_in(ADMIN).await.access_token;
        reset(&world, &admin, &guest.user_id).await.expect("reset");
        assert!(!world.is_let_in(&tokens.access_token).await);
        for answer in [totp(app.code(world.clock.now())), Answer::RecoveryCode(codes[0].clone())] {
            let refused = world.answer(&begun.challenge_token, answer).await.expect_err("ended");
            assert_eq!(reason(&refused), "CHALLENGE_REFUSED");
        }
        world.begin_log_in(GUEST, PASSWORD).await.expect("right").tokens();
        world.require_mfa();
        world.begin_log_in(GUEST, PASSWORD).await.expect("right").challenge(ChallengeKind::EnrollFactor);
        assert!(world.told().await.contains(&"identity.factors_reset".to_owned()));
    }

    async fn asvs_v6_4_4_equals_do_not_reset_each_others_factors(database) {
        let (world, root) = World::bootstrapped(&database).await;
        let admin = world.log_in(ADMIN).await.access_token;
        let owner = world.join(&admin, "olga@example.org", "OWNER").await;
        let peer = world.join(&admin, "otto@example.org", "OWNER").await;
        let guest = world.join(&admin, GUEST, "GUEST").await;
        let (_, stranger) = world.second_organization("charles@example.net").await;
        let olga = world.log_in("olga@example.org").await.access_token;
        let nobody = request_id(&world.clock);
        for (token, user_id, expected) in [
            (&olga, &owner.user_id, "SELF_REFUSED"),
            (&olga, &peer.user_id, "EQUAL_PROTECTED"),
            (&olga, &root.user_id, "EQUAL_PROTECTED"),
            (&admin, &root.user_id, "SELF_REFUSED"),
            (&stranger.access_token, &guest.user_id, "USER_NOT_FOUND"),
            (&admin, &nobody, "USER_NOT_FOUND"),
        ] {
            assert_eq!(reason(&reset(&world, token, user_id).await.expect_err("refused")), expected);
        }
        let guest_token = world.log_in(GUEST).await.access_token;
        let refused = reset(&world, &guest_token, &owner.user_id).await.expect_err("no permission");
        assert_eq!(reason(&refused), "PERMISSION_MISSING");
        reset(&world, &admin, &owner.user_id).await.expect("an administrator may");
        reset(&world, &olga, &guest.user_id).await.expect_err("its session ended with its factors");
        let olga = world.log_in("olga@example.org").await.access_token;
        reset(&world, &olga, &guest.user_id).await.expect("an owner may");
    }

    async fn asvs_v7_5_1_credentials_are_changed_only_within_five_minutes_of_a_proof(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (app, _) = world.enroll(&tokens.access_token).await;
        world.clock.advance(Duration::from_secs(299));
        let request = RefreshTokensRequest { refresh_token: tokens.refresh_token.clone(), ..Default::default() };
        let refreshed = world.authentication().refresh_tokens(request).await.expect("refreshed").into_inner();
        let token = refreshed.tokens.expect("tokens").access_token;
        begin(&world, &token).await.expect("fresh enough");
        world.clock.advance(Duration::from_secs(6));
        let refused = begin(&world, &token).await.expect_err("too old");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "STEP_UP_REQUIRED"));
        world.next_step();
        let code = reauthenticate_request::Factor::TotpCode(app.code(world.clock.now()));
        let proved = world.reauthenticate(&token, PASSWORD, Some(code)).await.expect("proved");
        begin(&world, &proved).await.expect("fresh again");
    }

    /// ASVS: V14.2.4, T40
    async fn asvs_v6_5_2_the_secret_of_an_app_is_sealed_for_its_factor_and_codes_are_stored_as_hashes(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let enrollment = begin(&world, &tokens.access_token).await.expect("begun");
        let app = Authenticator::new(&enrollment);
        let code = app.code(world.clock.now());
        let done = confirm(&world, &tokens.access_token, &enrollment.factor_id, code).await.expect("right");
        let reader = world.db.reader();
        let read = async |text: &str| {
            let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await;
            let rows = rows.expect("read").into_iter();
            rows.map(|row| row.try_get_by_index::<Vec<u8>>(0).expect("bytes")).collect::<Vec<_>>()
        };
        let secret = data_encoding::BASE32_NOPAD.decode(enrollment.secret.as_bytes()).expect("Base32");
        let sealed = read("SELECT sealed_secret FROM factors").await;
        assert!(sealed.iter().all(|sealed| !sealed.windows(secret.len()).any(|part| part == secret)));
        let hashes = read("SELECT code_hash FROM recovery_codes").await;
        let spelled = done.recovery_codes[0].replace('-', "").to_uppercase();
        let plain = data_encoding::BASE32_NOPAD.decode(spelled.as_bytes()).expect("Base32");
        assert!(hashes.iter().all(|hash| hash.len() == 32 && !hash.starts_with(&plain)));
        // A secret that somebody moved to another factor does not open.
        world.next_step();
        world.enroll(&tokens.access_token).await;
        world.execute("UPDATE factors SET sealed_secret = (SELECT sealed_secret FROM factors ORDER BY factor_id LIMIT 1)").await;
        world.next_step();
        let begun = world.begin_log_in(ADMIN, PASSWORD).await.expect("right").challenge(ChallengeKind::Factor);
        let wrong = totp(app.wrong_code(world.clock.now()));
        let broken = world.answer(&begun.challenge_token, wrong).await.expect_err("it does not open");
        assert_eq!(reason(&broken), "INTERNAL");
    }
}
