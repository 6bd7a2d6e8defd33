//! Logins against strangers who fail: whoever is known goes on, whoever is not waits, and nobody is locked out.

use std::time::Duration;

use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::{ChallengeKind, LogInRequest, SetUserPasswordRequest, Tokens};
use rolecall_testkit::on_each_database;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::authenticator::totp;
use crate::harness::{ADMIN, COMES_FROM, PASSWORD, World, bearer, bytes, reason};
use crate::mailbox::{mails, told, wait_for_mails};

const WRONG: &str = "not this one at all";
const NEW_DEVICE: &str = "identity.new_device_used";

fn request(email: &str, password: &str) -> LogInRequest {
    LogInRequest { email: email.to_owned(), password: password.to_owned(), ..Default::default() }
}

fn on_device(token: &str, password: &str) -> LogInRequest {
    LogInRequest { device_token: token.to_owned(), ..request(ADMIN, password) }
}

fn with_code(code: &str, password: &str) -> LogInRequest {
    LogInRequest { login_code: code.to_owned(), ..request(ADMIN, password) }
}

async fn try_with(world: &World, request: impl tonic::IntoRequest<LogInRequest>) -> Result<Tokens, Status> {
    let answer = world.authentication().log_in(request).await?.into_inner();
    let Some(Outcome::Tokens(tokens)) = answer.outcome else { panic!("tokens") };
    Ok(tokens)
}

fn from(address: &str, message: LogInRequest) -> Request<LogInRequest> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(COMES_FROM, address.parse().expect("ascii"));
    request
}

/// Fails so often, each try in its time.
async fn fail(world: &World, email: &str, times: usize) {
    for _ in 0..times {
        world.try_log_in(email, WRONG).await.expect_err("wrong");
        world.clock.advance(Duration::from_hours(1));
    }
}

on_each_database! {
    async fn asvs_v6_1_1_a_known_device_does_not_wait_for_what_strangers_did(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let device = world.log_in(ADMIN).await.device_token;
        assert!(device.starts_with("rcd_") && device.len() == 47, "{device}");
        for _ in 0..8 {
            world.try_log_in(ADMIN, WRONG).await.expect_err("wrong");
        }
        let stranger = world.try_log_in(ADMIN, PASSWORD).await.expect_err("a stranger waits");
        let tokens = try_with(&world, on_device(&device, PASSWORD)).await.expect("a known device does not");
        assert!(tokens.device_token.is_empty(), "it keeps the token that it has");
        let still = world.try_log_in(ADMIN, PASSWORD).await.expect_err("strangers wait on");
        assert_eq!(bytes(&still), bytes(&stranger));
    }

    async fn a_device_waits_for_its_own_failures_and_makes_nobody_else_wait(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let (one, two) = (world.log_in(ADMIN).await.device_token, world.log_in(ADMIN).await.device_token);
        for _ in 0..6 {
            try_with(&world, on_device(&one, WRONG)).await.expect_err("wrong");
        }
        let early = try_with(&world, on_device(&one, PASSWORD)).await.expect_err("too early");
        assert_eq!(reason(&early), "CREDENTIALS_REFUSED");
        try_with(&world, on_device(&two, PASSWORD)).await.expect("another device");
        world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_secs(30));
        try_with(&world, on_device(&one, PASSWORD)).await.expect("in time");
    }

    async fn a_device_is_known_to_its_own_account_for_ninety_days_after_its_last_login(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        world.join(&root.access_token, "ada@example.org", "GUEST").await;
        let foreign = world.log_in("ada@example.org").await.device_token;
        for _ in 0..6 {
            world.try_log_in(ADMIN, WRONG).await.expect_err("wrong");
        }
        for unknown in [foreign.as_str(), "rcd_", "nonsense", &root.device_token[..46], &root.refresh_token] {
            try_with(&world, on_device(unknown, PASSWORD)).await.expect_err(unknown);
        }
        let day = Duration::from_hours(24);
        for _ in 0..2 {
            world.clock.advance(day * 89);
            let tokens = try_with(&world, on_device(&root.device_token, PASSWORD)).await.expect("known");
            assert!(tokens.device_token.is_empty());
        }
        world.clock.advance(day * 90);
        let tokens = try_with(&world, on_device(&root.device_token, PASSWORD)).await.expect("as a stranger");
        assert!(!tokens.device_token.is_empty(), "it is a new device now");
        world.identity.sweep().await.expect("swept");
    }

    async fn asvs_v6_3_5_a_new_device_is_told_by_mail_but_for_the_first_of_all(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let device = world.log_in(ADMIN).await.device_token;
        assert_eq!(told(&world, NEW_DEVICE).await, 0);
        try_with(&world, on_device(&device, PASSWORD)).await.expect("known");
        assert_eq!(told(&world, NEW_DEVICE).await, 0);
        world.log_in(ADMIN).await;
        assert_eq!(told(&world, NEW_DEVICE).await, 1);
        world.try_log_in(ADMIN, WRONG).await.expect_err("wrong");
        assert_eq!(told(&world, NEW_DEVICE).await, 1);
    }

    async fn a_device_is_known_once_every_factor_was_shown(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let first = world.log_in(ADMIN).await;
        let (app, _) = world.enroll(&first.access_token).await;
        world.next_step();
        let begun = world.authentication().log_in(on_device(&first.device_token, PASSWORD)).await.expect("begun");
        let Some(Outcome::Challenge(challenge)) = begun.into_inner().outcome else { panic!("a challenge") };
        assert_eq!(challenge.kind(), ChallengeKind::Factor);
        let answer = totp(app.code(rolecall_kernel::time::Clock::now(&world.clock)));
        let known = world.answer(&challenge.challenge_token, answer).await.expect("answered").tokens();
        assert!(known.device_token.is_empty());
        let unknown = world.log_in_with(ADMIN, &app).await;
        assert!(unknown.device_token.starts_with("rcd_"));
        assert_eq!(told(&world, NEW_DEVICE).await, 1);
    }

    async fn a_person_has_twenty_devices_and_the_one_unused_for_longest_gives_way(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let mut devices = Vec::new();
        for _ in 0..21 {
            devices.push(world.log_in(ADMIN).await.device_token);
            world.clock.advance(Duration::from_secs(1));
        }
        for (index, device) in [(1, true), (20, true), (0, false)] {
            let tokens = try_with(&world, on_device(&devices[index], PASSWORD)).await.expect("right");
            assert_eq!(tokens.device_token.is_empty(), device, "{index}");
        }
    }

    async fn a_password_that_somebody_else_set_makes_strangers_of_all_devices(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        let device = world.log_in("ada@example.org").await.device_token;
        let set = SetUserPasswordRequest {
            user_id: ada.user_id,
            password: PASSWORD.to_owned(),
            change: rolecall_api::identity::v1::PasswordChange::Advised.into(),
            ..Default::default()
        };
        world.users().set_user_password(bearer(&root, set)).await.expect("set");
        let again = LogInRequest { device_token: device, ..request("ada@example.org", PASSWORD) };
        assert!(!try_with(&world, again).await.expect("right").device_token.is_empty());
    }

    /// ASVS: V6.3.6
    async fn asvs_v6_3_1_after_a_hundred_failures_a_stranger_needs_the_mailed_code_and_a_device_does_not(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let device = world.log_in(ADMIN).await.device_token;
        fail(&world, ADMIN, 99).await;
        world.clock.advance(Duration::from_hours(1));
        assert!(mails(&world, ADMIN, "login_code").await.is_empty());
        fail(&world, ADMIN, 1).await;
        wait_for_mails(&world, ADMIN, "login_code", 1).await;
        let code = world.code(ADMIN).await;
        assert!(code.starts_with("rcl_"));
        let refused = world.try_log_in(ADMIN, PASSWORD).await.expect_err("the password is not enough");
        let unknown = world.try_log_in("nobody@example.org", PASSWORD).await.expect_err("unknown");
        assert_eq!(bytes(&refused), bytes(&unknown), "nothing tells that it was right");
        try_with(&world, on_device(&device, PASSWORD)).await.expect("a known device goes on");
        try_with(&world, with_code("rcl_", PASSWORD)).await.expect_err("no code");
        try_with(&world, with_code(&code, WRONG)).await.expect_err("a wrong password");
        let known = try_with(&world, with_code(&code, PASSWORD)).await.expect("the code lets it try").device_token;
        try_with(&world, with_code(&code, PASSWORD)).await.expect_err("the code serves once");
        try_with(&world, on_device(&known, PASSWORD)).await.expect("known from now on");
    }

    async fn a_login_code_is_mailed_once_a_day_however_often_strangers_try(database) {
        let (world, _) = World::bootstrapped(&database).await;
        world.log_in(ADMIN).await;
        fail(&world, ADMIN, 100).await;
        wait_for_mails(&world, ADMIN, "login_code", 1).await;
        let code = world.code(ADMIN).await;
        for _ in 0..20 {
            world.try_log_in(ADMIN, WRONG).await.expect_err("locked");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(mails(&world, ADMIN, "login_code").await.len(), 1);
        world.clock.advance(Duration::from_hours(23));
        try_with(&world, with_code(&code, PASSWORD)).await.expect_err("a day is over");
        wait_for_mails(&world, ADMIN, "login_code", 2).await;
        try_with(&world, with_code(&world.code(ADMIN).await, PASSWORD)).await.expect("the new one works");
        fail(&world, "nobody@example.org", 101).await;
        assert!(mails(&world, "nobody@example.org", "login_code").await.is_empty());
    }

    /// ASVS: V6.3.1
    async fn asvs_v6_1_1_a_thousand_failures_of_a_stranger_keep_nobody_out(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let device = world.log_in(ADMIN).await.device_token;
        for _ in 0..1_000 {
            world.try_log_in(ADMIN, WRONG).await.expect_err("wrong");
            world.clock.advance(Duration::from_mins(1));
        }
        try_with(&world, on_device(&device, PASSWORD)).await.expect("known");
        let root = try_with(&world, on_device(&device, PASSWORD)).await.expect("known").access_token;
        world.reauthenticate(&root, PASSWORD, None).await.expect("by its session");
    }

    async fn guessing_with_a_device_makes_a_stranger_of_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let device = world.log_in(ADMIN).await.device_token;
        for _ in 0..100 {
            try_with(&world, on_device(&device, WRONG)).await.expect_err("wrong");
            world.clock.advance(Duration::from_hours(1));
        }
        let tokens = try_with(&world, on_device(&device, PASSWORD)).await.expect("as a stranger");
        assert!(!tokens.device_token.is_empty());
    }

    /// ASVS: T04
    async fn asvs_v6_3_1_a_network_fails_twenty_times_a_minute_over_all_accounts_and_known_devices_pass(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let device = world.log_in(ADMIN).await.device_token;
        for index in 0..20 {
            let stranger = request(&format!("somebody{index}@example.org"), WRONG);
            let refused = try_with(&world, from("2001:db8::1", stranger)).await.expect_err("unknown");
            assert_eq!(reason(&refused), "CREDENTIALS_REFUSED", "{index}");
        }
        let right = request(ADMIN, PASSWORD);
        let refused = try_with(&world, from("2001:db8::2", right.clone())).await.expect_err("the network waits");
        assert_eq!(reason(&refused), "NETWORK_THROTTLED");
        let wait = refused.get_details_retry_info().and_then(|info| info.retry_delay).expect("RetryInfo");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(3), "{wait:?}");
        try_with(&world, from("2001:db8::2", on_device(&device, PASSWORD))).await.expect("a known device passes");
        try_with(&world, from("2001:db8:0:1::1", right.clone())).await.expect("another network");
        world.clock.advance(wait);
        try_with(&world, from("2001:db8::2", right)).await.expect("in time");
    }

    async fn who_logs_in_elsewhere_does_not_end_the_wait_of_a_network_that_guessed(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for _ in 0..6 {
            try_with(&world, from("192.0.2.1", request(ADMIN, WRONG))).await.expect_err("wrong");
        }
        world.clock.advance(Duration::from_secs(29));
        try_with(&world, from("198.51.100.1", request(ADMIN, PASSWORD))).await.expect_err("the account waits");
        world.clock.advance(Duration::from_secs(1));
        try_with(&world, from("192.0.2.1", request(ADMIN, WRONG))).await.expect_err("wrong");
        world.clock.advance(Duration::from_secs(59));
        try_with(&world, from("198.51.100.1", request(ADMIN, PASSWORD))).await.expect_err("the account waits");
        world.clock.advance(Duration::from_secs(1));
        try_with(&world, from("198.51.100.1", request(ADMIN, PASSWORD))).await.expect("the account does not wait");
        for _ in 0..2 {
            try_with(&world, from("192.0.2.1", request(ADMIN, WRONG))).await.expect_err("wrong");
        }
        try_with(&world, from("192.0.2.1", request(ADMIN, PASSWORD))).await.expect_err("the guesser waits");
        try_with(&world, from("198.51.100.1", request(ADMIN, PASSWORD))).await.expect("the account does not wait");
    }
}
