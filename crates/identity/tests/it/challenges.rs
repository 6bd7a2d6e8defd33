//! Logins that ask for more than a password.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::*;
use rolecall_testkit::{TestDatabase, on_each_database};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::authenticator::{Authenticator, Step, claims, new_password, totp};
use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, reason};
use rolecall_kernel::time::Clock as _;

const NEW: &str = "seven green lamps whistle";

/// An administrator with an app, at the beginning of a new step.
async fn with_app(database: &TestDatabase) -> (World, Authenticator, Vec<String>) {
    let (world, _) = World::bootstrapped(database).await;
    let tokens = world.log_in(ADMIN).await;
    let (app, codes) = world.enroll(&tokens.access_token).await;
    world.next_step();
    (world, app, codes)
}

async fn challenge(world: &World, kind: ChallengeKind) -> String {
    let begun = world.begin_log_in(ADMIN, PASSWORD).await.expect("the password is right");
    begun.challenge(kind).challenge_token
}

async fn refresh(world: &World, token: &str) -> Result<Tokens, tonic::Status> {
    let request = RefreshTokensRequest { refresh_token: token.to_owned(), ..Default::default() };
    Ok(world.authentication().refresh_tokens(request).await?.into_inner().tokens.expect("tokens"))
}

fn violation(status: &tonic::Status) -> (String, String) {
    assert_eq!(reason(status), "REQUEST_INVALID");
    let told = status.get_details_bad_request().expect("BadRequest").field_violations;
    (told[0].field.clone(), told[0].reason.clone())
}

on_each_database! {
    /// ASVS: V16.3.1
    async fn asvs_v6_3_3_an_organization_that_demands_a_factor_gets_one_at_the_first_login(database) {
        let world = World::start(&database).await;
        let request = BootstrapRequest { mfa_policy: MfaPolicy::Unspecified.into(), ..world.bootstrap_request() };
        world.instance().bootstrap(request).await.expect("bootstrapped");
        let token = challenge(&world, ChallengeKind::EnrollFactor).await;
        let unasked = world.answer(&token, totp("123456".to_owned())).await.expect_err("nothing was begun");
        assert_eq!(violation(&unasked), ("answer".to_owned(), "ANSWER_UNEXPECTED".to_owned()));
        let begin = Answer::BeginTotp(BeginTotp { name: "Old phone".to_owned() });
        world.answer(&token, begin).await.expect("begun").challenge(ChallengeKind::EnrollFactor);
        let begin = Answer::BeginTotp(BeginTotp { name: "Phone".to_owned() });
        let shown = world.answer(&token, begin).await.expect("begun").challenge(ChallengeKind::EnrollFactor);
        assert_eq!(shown.challenge_token, token);
        let enrollment = shown.totp_enrollment.expect("an enrolment");
        assert!(enrollment.otpauth_uri.starts_with("otpauth://totp/Rolecall:root%40example.org?secret="));
        assert!(enrollment.otpauth_uri.contains(&enrollment.secret));
        assert_eq!(&enrollment.qr_code_png[..8], b"\x89PNG\r\n\x1a\n");
        let app = Authenticator::new(&enrollment);
        let wrong = totp(app.wrong_code(world.clock.now()));
        assert_eq!(reason(&world.answer(&token, wrong).await.expect_err("wrong")), "FACTOR_CODE_REFUSED");
        let right = totp(app.code(world.clock.now()));
        let (step, codes) = world.answer_with_codes(&token, right).await.expect("right");
        assert_eq!(codes.len(), 10);
        let tokens = step.tokens();
        assert_eq!(claims(&tokens.access_token)["amr"], serde_json::json!(["pwd", "otp"]));
        let listed = world.accounts().list_factors(bearer(&tokens.access_token, ListFactorsRequest {})).await;
        let listed = listed.expect("listed").into_inner();
        assert_eq!((listed.factors.len(), listed.factors[0].name.as_str()), (1, "Phone"));
        assert_eq!(listed.recovery_codes_left, 10);
        let told = world.told().await;
        let end = told.iter().rev().take(2).map(String::as_str).collect::<Vec<_>>();
        assert_eq!(end, ["identity.login_succeeded", "identity.factor_added"]);
    }

    /// ASVS: V6.3.3, V6.5.5, T05
    async fn asvs_v6_5_1_who_has_a_factor_shows_it_and_no_code_serves_twice(database) {
        let (world, app, _) = with_app(&database).await;
        let code = app.code(world.clock.now());
        let first = challenge(&world, ChallengeKind::Factor).await;
        let tokens = world.answer(&first, totp(code.clone())).await.expect("right").tokens();
        assert!(world.is_let_in(&tokens.access_token).await);
        let refreshed = refresh(&world, &tokens.refresh_token).await.expect("refreshed");
        assert_eq!(claims(&refreshed.access_token)["amr"], serde_json::json!(["pwd", "otp"]));
        let second = challenge(&world, ChallengeKind::Factor).await;
        assert_eq!(reason(&world.answer(&second, totp(code)).await.expect_err("used")), "FACTOR_CODE_REFUSED");
        world.next_step();
        let code = app.code(world.clock.now());
        world.next_step();
        world.answer(&second, totp(code.clone())).await.expect("the code of the step before").tokens();
        world.clock.advance(Duration::from_mins(2));
        let code = app.code(world.clock.now());
        world.clock.advance(Duration::from_mins(1));
        let third = challenge(&world, ChallengeKind::Factor).await;
        assert_eq!(reason(&world.answer(&third, totp(code)).await.expect_err("too old")), "FACTOR_CODE_REFUSED");
    }

    async fn asvs_v6_5_1_a_recovery_code_stands_in_for_the_app_once(database) {
        let (world, _, codes) = with_app(&database).await;
        let first = challenge(&world, ChallengeKind::Factor).await;
        let typed = codes[3].to_uppercase().replace('-', " ");
        let tokens = world.answer(&first, Answer::RecoveryCode(typed)).await.expect("right").tokens();
        assert_eq!(claims(&tokens.access_token)["amr"], serde_json::json!(["pwd", "otp"]));
        let second = challenge(&world, ChallengeKind::Factor).await;
        let again = world.answer(&second, Answer::RecoveryCode(codes[3].clone())).await.expect_err("used");
        assert_eq!(reason(&again), "FACTOR_CODE_REFUSED");
        world.answer(&second, Answer::RecoveryCode(codes[9].clone())).await.expect("another").tokens();
        let listed = world.accounts().list_factors(bearer(&tokens.access_token, ListFactorsRequest {})).await;
        assert_eq!(listed.expect("listed").into_inner().recovery_codes_left, 8);
        let used = world.told().await.into_iter().filter(|topic| topic == "identity.recovery_code_used").count();
        assert_eq!(used, 2);
    }

    /// ASVS: V2.3.1
    async fn attack_t06_an_answer_to_what_was_not_asked_leaves_the_challenge_as_it_is(database) {
        let (world, app, _) = with_app(&database).await;
        let token = challenge(&world, ChallengeKind::Factor).await;
        for answer in [new_password(NEW), Answer::BeginTotp(BeginTotp::default())] {
            let refused = world.answer(&token, answer).await.expect_err("not asked");
            assert_eq!(violation(&refused), ("answer".to_owned(), "ANSWER_UNEXPECTED".to_owned()));
        }
        for (answer, field) in [
            (totp("12345".to_owned()), "totp_code"),
            (Answer::RecoveryCode("abc".to_owned()), "recovery_code"),
            (new_password("short"), "new_password.password"),
        ] {
            assert_eq!(violation(&world.answer(&token, answer).await.expect_err("malformed")).0, field);
        }
        let request = AnswerChallengeRequest { challenge_token: token.clone(), answer: None };
        let empty = world.authentication().answer_challenge(request).await.expect_err("empty");
        assert_eq!(violation(&empty), ("answer".to_owned(), "REQUIRED".to_owned()));
        world.answer(&token, totp(app.code(world.clock.now()))).await.expect("right").tokens();
    }

    /// ASVS: V7.2.4
    async fn attack_t07_a_challenge_ends_with_its_answer_after_ten_minutes_and_is_unknown_by_any_other_name(database) {
        let (world, app, _) = with_app(&database).await;
        let answered = challenge(&world, ChallengeKind::Factor).await;
        let late = challenge(&world, ChallengeKind::Factor).await;
        let last = challenge(&world, ChallengeKind::Factor).await;
        world.answer(&answered, totp(app.code(world.clock.now()))).await.expect("right").tokens();
        world.clock.advance(Duration::from_secs(599));
        world.answer(&last, totp(app.code(world.clock.now()))).await.expect("in time").tokens();
        world.clock.advance(Duration::from_secs(1));
        let code = app.code(world.clock.now());
        let mut refusals = Vec::new();
        for token in [answered.as_str(), &late, "", "rcc_", "rcr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            refusals.push(bytes(&world.answer(token, totp(code.clone())).await.expect_err("over")));
        }
        assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:?}");
        assert_eq!(refusals[0].0, Code::Unauthenticated);
        assert!(world.identity.sweep().await.expect("swept") >= 1);
    }

    async fn attack_t06_a_challenge_ends_when_what_was_proved_changes(database) {
        let (world, app, codes) = with_app(&database).await;
        let session = world.log_in_with(ADMIN, &app).await;
        let old = challenge(&world, ChallengeKind::Factor).await;
        let request = ChangePasswordRequest {
            current_password: PASSWORD.to_owned(),
            new_password: NEW.to_owned(),
            ..Default::default()
        };
        world.accounts().change_password(bearer(&session.access_token, request)).await.expect("changed");
        let answer = || Answer::RecoveryCode(codes[0].clone());
        let refused = world.answer(&old, answer()).await.expect_err("the password is another");
        assert_eq!(reason(&refused), "CHALLENGE_REFUSED");
        let begun = world.begin_log_in(ADMIN, NEW).await.expect("the password is right");
        let moved = begun.challenge(ChallengeKind::Factor).challenge_token;
        world.execute("UPDATE users SET email = 'other@example.org', email_key = 'other@example.org'").await;
        assert_eq!(reason(&world.answer(&moved, answer()).await.expect_err("another address")), "CHALLENGE_REFUSED");
        world.execute("UPDATE users SET email = 'root@example.org', email_key = 'root@example.org'").await;
        world.answer(&moved, answer()).await.expect("a refused answer uses no code up").tokens();
    }

    /// ASVS: T11
    async fn asvs_v6_3_4_a_challenge_ends_when_its_person_is_blocked(database) {
        let (world, app, _) = with_app(&database).await;
        let token = challenge(&world, ChallengeKind::Factor).await;
        let set = |blocked: bool| {
            world.peers.known().members.values_mut().for_each(|member| member.blocked = blocked);
        };
        set(true);
        let code = app.code(world.clock.now());
        let refused = world.answer(&token, totp(code.clone())).await.expect_err("blocked");
        assert_eq!(reason(&refused), "CHALLENGE_REFUSED");
        set(false);
        world.answer(&token, totp(code)).await.expect("unblocked in time").tokens();
    }

    /// ASVS: T05
    async fn asvs_v6_6_3_the_sixth_wrong_code_waits_thirty_seconds_and_the_right_password_changes_nothing_about_it(database) {
        let (world, app, codes) = with_app(&database).await;
        let token = challenge(&world, ChallengeKind::Factor).await;
        for _ in 0..6 {
            let wrong = totp(app.wrong_code(world.clock.now()));
            assert_eq!(reason(&world.answer(&token, wrong).await.expect_err("wrong")), "FACTOR_CODE_REFUSED");
        }
        let token = challenge(&world, ChallengeKind::Factor).await;
        let code = totp(app.code(world.clock.now()));
        assert_eq!(reason(&world.answer(&token, code).await.expect_err("too early")), "FACTOR_CODE_REFUSED");
        world.clock.advance(Duration::from_secs(30));
        world.answer(&token, totp(app.code(world.clock.now()))).await.expect("in time").tokens();
        let token = challenge(&world, ChallengeKind::Factor).await;
        world.answer(&token, Answer::RecoveryCode(codes[0].clone())).await.expect("counted apart").tokens();
        let wrong = world.told().await.into_iter().filter(|topic| topic == "identity.login_failed").count();
        assert_eq!(wrong, 7, "the throttled try is told too");
    }

    /// ASVS: V6.6.3
    async fn attack_t05_fifty_wrong_codes_switch_the_apps_off_and_twenty_the_recovery_codes(database) {
        let (world, app, codes) = with_app(&database).await;
        for index in 0..50 {
            world.clock.advance(Duration::from_hours(1));
            let token = challenge(&world, ChallengeKind::Factor).await;
            let wrong = totp(app.wrong_code(world.clock.now()));
            assert_eq!(reason(&world.answer(&token, wrong).await.expect_err("wrong")), "FACTOR_CODE_REFUSED", "{index}");
        }
        world.clock.advance(Duration::from_hours(1));
        let token = challenge(&world, ChallengeKind::Factor).await;
        let code = totp(app.code(world.clock.now()));
        assert_eq!(reason(&world.answer(&token, code).await.expect_err("switched off")), "FACTOR_CODE_REFUSED");
        let tokens = world.answer(&token, Answer::RecoveryCode(codes[0].clone())).await.expect("right").tokens();
        let (second, none) = world.enroll(&tokens.access_token).await;
        assert!(none.is_empty(), "not the first factor");
        world.log_in_with(ADMIN, &second).await;
        for _ in 0..20 {
            world.clock.advance(Duration::from_hours(1));
            let token = challenge(&world, ChallengeKind::Factor).await;
            let wrong = Answer::RecoveryCode("aaaaa-aaaaa-aaaaa-aaaaa-aaaaaa".to_owned());
            assert_eq!(reason(&world.answer(&token, wrong).await.expect_err("wrong")), "FACTOR_CODE_REFUSED");
        }
        world.clock.advance(Duration::from_hours(1));
        let token = challenge(&world, ChallengeKind::Factor).await;
        let code = Answer::RecoveryCode(codes[1].clone());
        assert_eq!(reason(&world.answer(&token, code).await.expect_err("switched off")), "FACTOR_CODE_REFUSED");
        let tokens = world.log_in_with(ADMIN, &second).await;
        let request = bearer(&tokens.access_token, RegenerateRecoveryCodesRequest {});
        let fresh = world.accounts().regenerate_recovery_codes(request).await.expect("new codes").into_inner();
        let token = challenge(&world, ChallengeKind::Factor).await;
        let code = Answer::RecoveryCode(fresh.recovery_codes[0].clone());
        world.answer(&token, code).await.expect("new codes work").tokens();
    }

    /// ASVS: T05
    async fn asvs_v6_6_3_a_right_password_forgets_no_failures_before_the_whole_login_passed(database) {
        let (world, app, _) = with_app(&database).await;
        for _ in 0..5 {
            world.try_log_in(ADMIN, "not this one at all").await.expect_err("wrong");
        }
        let token = challenge(&world, ChallengeKind::Factor).await;
        world.try_log_in(ADMIN, "not this one at all").await.expect_err("the sixth");
        assert_eq!(reason(&world.begin_log_in(ADMIN, PASSWORD).await.expect_err("too early")), "CREDENTIALS_REFUSED");
        world.answer(&token, totp(app.code(world.clock.now()))).await.expect("the whole login").tokens();
        challenge(&world, ChallengeKind::Factor).await;
    }

    /// ASVS: T03
    async fn asvs_v6_3_8_unknown_wrong_and_blocked_get_the_same_bytes_where_a_factor_is_demanded(database) {
        let (world, _, _) = with_app(&database).await;
        world.require_mfa();
        let mut answers = vec![
            world.begin_log_in("nobody@example.org", PASSWORD).await,
            world.begin_log_in(ADMIN, "not this one at all").await,
        ];
        world.peers.known().members.values_mut().for_each(|member| member.blocked = true);
        answers.push(world.begin_log_in(ADMIN, PASSWORD).await);
        let statuses: Vec<_> = answers.into_iter().map(|answer| bytes(&answer.expect_err("refused"))).collect();
        assert!(statuses.windows(2).all(|pair| pair[0] == pair[1]), "{statuses:?}");
    }

    async fn a_new_password_is_set_after_the_factor_and_before_the_tokens(database) {
        let (world, app, _) = with_app(&database).await;
        let other = world.log_in_with(ADMIN, &app).await;
        world.execute("UPDATE credentials SET change_required = true").await;
        world.next_step();
        let token = challenge(&world, ChallengeKind::Factor).await;
        let step = world.answer(&token, totp(app.code(world.clock.now()))).await.expect("right");
        let due = step.challenge(ChallengeKind::ChangePassword).challenge_token;
        assert_ne!(due, token);
        for (weak, why) in [
            (PASSWORD, "PASSWORD_UNCHANGED"),
            ("passwordpassword", "PASSWORD_GUESSABLE"),
            ("analytical engines", "PASSWORD_CONTEXT_WORD"),
            ("two lamps, hm", "PASSWORD_TOO_SHORT"),
        ] {
            let refused = world.answer(&due, new_password(weak)).await.expect_err("refused");
            assert_eq!(violation(&refused), ("new_password.password".to_owned(), why.to_owned()));
        }
        assert!(world.is_let_in(&other.access_token).await);
        let tokens = world.answer(&due, new_password(NEW)).await.expect("set").tokens();
        assert_eq!(claims(&tokens.access_token)["amr"], serde_json::json!(["pwd", "otp"]));
        assert!(!world.is_let_in(&other.access_token).await, "sessions of the old password are over");
        assert!(world.is_let_in(&tokens.access_token).await);
        assert_eq!(reason(&world.answer(&due, new_password(PASSWORD)).await.expect_err("used")), "CHALLENGE_REFUSED");
        world.begin_log_in(ADMIN, PASSWORD).await.expect_err("the old password");
        world.begin_log_in(ADMIN, NEW).await.expect("the new one").challenge(ChallengeKind::Factor);
        assert!(world.told().await.contains(&"identity.password_changed".to_owned()));
    }

    async fn a_password_that_was_long_enough_beside_a_factor_is_replaced_when_it_stands_alone(database) {
        let world = World::start(&database).await;
        let short = "zebra kiosk 42";
        let request = |policy: MfaPolicy| BootstrapRequest {
            password: short.to_owned(),
            mfa_policy: policy.into(),
            ..world.bootstrap_request()
        };
        let refused = world.instance().bootstrap(request(MfaPolicy::Optional)).await.expect_err("too short alone");
        assert_eq!(violation(&refused).1, "PASSWORD_TOO_SHORT");
        world.instance().bootstrap(request(MfaPolicy::Required)).await.expect("bootstrapped");
        world.begin_log_in(ADMIN, short).await.expect("right").challenge(ChallengeKind::EnrollFactor);
        world.peers.known().mfa_required.clear();
        let begun = world.begin_log_in(ADMIN, short).await.expect("right");
        let due = begun.challenge(ChallengeKind::ChangePassword).challenge_token;
        world.answer(&due, new_password(NEW)).await.expect("set").tokens();
        world.begin_log_in(ADMIN, NEW).await.expect("right").tokens();
    }

    async fn an_invitation_shows_the_password_policy_of_its_organization(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        let policy = async || {
            let request = GetInvitationRequest { code: code.clone() };
            let shown = world.registration().get_invitation(request).await.expect("shown").into_inner();
            shown.password_policy.expect("a policy").min_characters
        };
        assert_eq!(policy().await, 15);
        world.require_mfa();
        assert_eq!(policy().await, 12);
        let password = "zebra kiosk 42".to_owned();
        let request = AcceptInvitationRequest { code: code.clone(), password, ..Default::default() };
        world.registration().accept_invitation(request).await.expect("long enough");
    }

    /// ASVS: V7.3.2, V10.4.8
    async fn asvs_v7_3_1_a_login_with_a_factor_ends_after_an_idle_hour_and_after_twelve_hours(database) {
        let (world, app, _) = with_app(&database).await;
        let idle = world.log_in_with(ADMIN, &app).await;
        world.clock.advance(Duration::from_hours(1));
        refresh(&world, &idle.refresh_token).await.expect_err("idle too long");
        let mut token = world.log_in_with(ADMIN, &app).await.refresh_token;
        for _ in 0..23 {
            world.clock.advance(Duration::from_mins(31));
            token = refresh(&world, &token).await.expect("busy").refresh_token;
        }
        world.clock.advance(Duration::from_mins(7));
        refresh(&world, &token).await.expect_err("twelve hours are over");
    }

    /// ASVS: V6.5.1
    async fn attack_t05_of_sixty_four_logins_with_one_code_exactly_one_succeeds(database) {
        let (world, app, _) = with_app(&database).await;
        let mut tokens = Vec::new();
        for _ in 0..64 {
            tokens.push(challenge(&world, ChallengeKind::Factor).await);
        }
        let code = app.code(world.clock.now());
        assert_eq!(race(world, tokens, |_| totp(code.clone())).await, ["FACTOR_CODE_REFUSED"; 63]);
    }

    /// ASVS: V6.5.1
    async fn attack_t05_of_sixty_four_logins_with_one_recovery_code_exactly_one_succeeds(database) {
        let (world, _, codes) = with_app(&database).await;
        let mut tokens = Vec::new();
        for _ in 0..64 {
            tokens.push(challenge(&world, ChallengeKind::Factor).await);
        }
        let code = codes[0].clone();
        assert_eq!(race(world, tokens, |_| Answer::RecoveryCode(code.clone())).await, ["FACTOR_CODE_REFUSED"; 63]);
    }

    /// ASVS: V7.2.4
    async fn attack_t07_of_sixty_four_answers_to_one_challenge_exactly_one_succeeds(database) {
        let (world, app, codes) = with_app(&database).await;
        let token = challenge(&world, ChallengeKind::Factor).await;
        let code = app.code(world.clock.now());
        let answer = |index: usize| if index == 0 { totp(code.clone()) } else { Answer::RecoveryCode(codes[index % 10].clone()) };
        assert_eq!(race(world, vec![token; 64], answer).await, ["CHALLENGE_REFUSED"; 63]);
    }

    async fn of_sixty_four_new_passwords_exactly_one_is_set(database) {
        let (world, _) = World::bootstrapped(&database).await;
        world.execute("UPDATE credentials SET change_required = true").await;
        let token = challenge(&world, ChallengeKind::ChangePassword).await;
        let answer = |index: usize| new_password(&format!("{NEW} {index}"));
        assert_eq!(race(world, vec![token; 64], answer).await, ["CHALLENGE_REFUSED"; 63]);
    }
}

/// Sends as many answers at once and returns the reasons of those that were refused.
async fn race(world: World, tokens: Vec<String>, answer: impl Fn(usize) -> Answer) -> Vec<String> {
    let world = Arc::new(world);
    let calls: Vec<_> = tokens.into_iter().enumerate().map(|(index, token)| (token, answer(index))).collect();
    let answers = at_once(calls.len(), |index| {
        let (world, (token, answer)) = (Arc::clone(&world), calls[index].clone());
        async move { world.answer(&token, answer).await }
    })
    .await;
    let refused = answers.into_iter().filter_map(|answer| match answer {
        Ok(step) => {
            assert!(matches!(step, Step::Tokens(_)));
            None
        }
        Err(status) => Some(reason(&status)),
    });
    refused.collect()
}
