//! What an organization demands of the passwords, invitations and sessions of its members.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_api::organization::v1 as organization;
use rolecall_testkit::{TestDatabase, on_each_database};
use tonic::Status;

use crate::authenticator::new_password;
use crate::harness::{ADMIN, PASSWORD, World, bearer, reason};
use crate::profile::violations;

const MIXED: &str = "violet Tram hums 7 times";

async fn world(database: &TestDatabase) -> (World, String, String) {
    let (world, admin) = World::bootstrapped(database).await;
    let token = world.log_in(ADMIN).await.access_token;
    (world, admin.organization_id, token)
}

fn run(world: &World, id: &str, settings: organization::OrganizationSettings) {
    world.peers.known().settings.insert(id.to_owned(), settings);
}

fn passwords(min_characters: i32, require_three_classes: bool) -> organization::OrganizationSettings {
    let policy = organization::PasswordPolicy { min_characters, require_three_classes };
    organization::OrganizationSettings { password_policy: Some(policy), ..Default::default() }
}

const fn lasting(hours: i64) -> prost_types::Duration {
    prost_types::Duration { seconds: hours * 3_600, nanos: 0 }
}

fn limits(idle: i64, absolute: i64) -> organization::OrganizationSettings {
    let limits = organization::SessionLimits { idle: Some(lasting(idle)), absolute: Some(lasting(absolute)) };
    organization::OrganizationSettings { session_limits: Some(limits), ..Default::default() }
}

async fn accept(world: &World, code: &str, password: &str) -> Result<(), Status> {
    let (code, password) = (code.to_owned(), password.to_owned());
    let request = AcceptInvitationRequest { code, password: password.clone(), password_confirmation: password };
    world.registration().accept_invitation(request).await.map(drop)
}

async fn refresh(world: &World, tokens: &Tokens) -> Result<Tokens, Status> {
    let request = RefreshTokensRequest { refresh_token: tokens.refresh_token.clone(), ..Default::default() };
    Ok(world.authentication().refresh_tokens(request).await?.into_inner().tokens.expect("tokens"))
}

fn refused(status: &Status) -> Vec<(String, String)> {
    violations(status)
}

on_each_database! {
    async fn an_invitation_shows_and_holds_what_the_organization_demands_of_passwords(database) {
        let (world, id, token) = world(&database).await;
        run(&world, &id, passwords(20, true));
        let (_, code) = world.invite(&token, "ada@example.org", "GUEST").await;
        let shown = world.registration().get_invitation(GetInvitationRequest { code: code.clone() }).await;
        let policy = shown.expect("shown").into_inner().password_policy.expect("a policy");
        assert_eq!((policy.min_characters, policy.require_three_classes), (20, true));
        for (password, why) in [("violet Tram 7", "PASSWORD_TOO_SHORT"), (PASSWORD, "PASSWORD_CLASSES_MISSING")] {
            let told = accept(&world, &code, password).await.expect_err(why);
            assert_eq!(refused(&told), [("password".to_owned(), why.to_owned())]);
        }
        accept(&world, &code, MIXED).await.expect("long and mixed enough");
    }

    /// ASVS: V6.3.4
    async fn asvs_v6_2_1_every_way_to_a_password_holds_the_same_rules(database) {
        let (world, id, token) = world(&database).await;
        let ada = world.join(&token, "ada@example.org", "GUEST").await;
        run(&world, &id, passwords(0, true));
        let missing = |field: &str| vec![(field.to_owned(), "PASSWORD_CLASSES_MISSING".to_owned())];
        let own = world.log_in("ada@example.org").await.access_token;
        let few = "seven green lamps whistle".to_owned();
        let change = ChangePasswordRequest {
            current_password: PASSWORD.to_owned(),
            new_password: few.clone(),
            new_password_confirmation: few.clone(),
            ..Default::default()
        };
        let told = world.accounts().change_password(bearer(&own, change)).await.expect_err("changed by itself");
        assert_eq!(refused(&told), missing("new_password"));
        let set = SetUserPasswordRequest { user_id: ada.user_id.clone(), password: few.clone(), ..Default::default() };
        let told = world.users().set_user_password(bearer(&token, set)).await.expect_err("set by another");
        assert_eq!(refused(&told), missing("password"));
        let ask = RequestPasswordResetRequest { email: "ada@example.org".to_owned() };
        world.accounts().request_password_reset(ask).await.expect("asked");
        let code = loop {
            if world.rows("one_time_codes").await > 0 {
                break world.code("ada@example.org").await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let reset = ResetPasswordRequest { code, password: few.clone(), password_confirmation: few.clone() };
        let told = world.accounts().reset_password(reset).await.expect_err("reset by mail");
        assert_eq!(refused(&told), missing("password"));
        let set = SetUserPasswordRequest { user_id: ada.user_id, password: MIXED.to_owned(), ..Default::default() };
        world.users().set_user_password(bearer(&token, set)).await.expect("mixed");
        let begun = world.begin_log_in("ada@example.org", MIXED).await.expect("right");
        let challenge = begun.challenge(ChallengeKind::ChangePassword).challenge_token;
        let told = world.answer(&challenge, new_password(&few)).await.expect_err("in a login");
        assert_eq!(refused(&told), missing("new_password.password"));
        let other = "seven green Lamps whistle 4 you";
        world.answer(&challenge, new_password(other)).await.expect("mixed").tokens();
        let credential = create_user_request::Credential::InitialPassword(InitialPassword {
            password: few.clone(),
            ..Default::default()
        });
        let request = CreateUserRequest {
            credential: Some(credential),
            ..crate::harness::create_user("bob@example.org", "GUEST")
        };
        let told = world.users().create_user(bearer(&token, request)).await.expect_err("with an account");
        assert_eq!(refused(&told), missing("initial_password.password"));
    }

    async fn a_password_that_is_too_short_by_now_changes_at_the_next_login(database) {
        let (world, id, _) = world(&database).await;
        run(&world, &id, passwords(30, false));
        let begun = world.begin_log_in(ADMIN, PASSWORD).await.expect("right");
        let challenge = begun.challenge(ChallengeKind::ChangePassword).challenge_token;
        let longer = "seven green lamps whistle every morning";
        world.answer(&challenge, new_password(longer)).await.expect("long enough").tokens();
        world.try_log_in(ADMIN, longer).await.expect("nothing is due any more");
    }

    async fn asvs_v6_3_3_switching_the_second_factor_on_asks_for_one_at_the_next_login(database) {
        let (world, id, _) = world(&database).await;
        world.peers.known().mfa_required.insert(id.clone());
        world.begin_log_in(ADMIN, PASSWORD).await.expect("right").challenge(ChallengeKind::EnrollFactor);
        world.peers.known().mfa_required.remove(&id);
        world.log_in(ADMIN).await;
    }

    async fn a_password_beside_a_second_factor_may_be_as_short_as_eight(database) {
        let (world, id, token) = world(&database).await;
        world.peers.known().mfa_required.insert(id.clone());
        run(&world, &id, passwords(8, false));
        let (_, code) = world.invite(&token, "ada@example.org", "GUEST").await;
        let short = accept(&world, &code, "7 vi0le").await.expect_err("seven");
        assert_eq!(refused(&short), [("password".to_owned(), "PASSWORD_TOO_SHORT".to_owned())]);
        accept(&world, &code, "q7#vi0Lx").await.expect("eight");
        let begun = world.begin_log_in("ada@example.org", "q7#vi0Lx").await.expect("right");
        begun.challenge(ChallengeKind::EnrollFactor);
    }

    async fn an_invitation_lives_as_long_as_the_organization_says(database) {
        let (world, id, token) = world(&database).await;
        let lifetime = organization::OrganizationSettings { invitation_lifetime: Some(lasting(2)), ..Default::default() };
        run(&world, &id, lifetime);
        let now = world.clock_seconds();
        let (user, code) = world.invite(&token, "ada@example.org", "GUEST").await;
        let shown = world.registration().get_invitation(GetInvitationRequest { code: code.clone() }).await;
        let end = shown.expect("shown").into_inner().expire_time.expect("it ends").seconds;
        assert_eq!(end - now, 7_200);
        run(&world, &id, organization::OrganizationSettings::default());
        let again = ResendInvitationRequest { user_id: user.user_id, ..Default::default() };
        world.users().resend_invitation(bearer(&token, again)).await.expect("invited again");
        let code = world.code("ada@example.org").await;
        let shown = world.registration().get_invitation(GetInvitationRequest { code }).await;
        let end = shown.expect("shown").into_inner().expire_time.expect("it ends").seconds;
        assert_eq!(end - now, 7 * 86_400);
    }

    /// ASVS: V7.3.1
    async fn asvs_v7_3_2_sessions_end_when_the_organization_says(database) {
        let (world, id, _) = world(&database).await;
        run(&world, &id, limits(1, 3));
        let tokens = world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_mins(59));
        let tokens = refresh(&world, &tokens).await.expect("within an hour");
        world.clock.advance(Duration::from_hours(1));
        let idle = refresh(&world, &tokens).await.expect_err("an hour later");
        assert_eq!(reason(&idle), "REFRESH_TOKEN_REFUSED");
        let mut tokens = world.log_in(ADMIN).await;
        for _ in 0..5 {
            world.clock.advance(Duration::from_mins(30));
            tokens = refresh(&world, &tokens).await.expect("used again and again");
        }
        world.clock.advance(Duration::from_mins(30));
        refresh(&world, &tokens).await.expect_err("after three hours");
    }

    async fn shorter_sessions_begin_with_the_next_refresh_and_longer_ones_never(database) {
        let (world, id, _) = world(&database).await;
        let tokens = world.log_in(ADMIN).await;
        run(&world, &id, limits(1, 2));
        world.clock.advance(Duration::from_hours(10));
        let tokens = refresh(&world, &tokens).await.expect("it was begun for a day");
        run(&world, &id, limits(24, 168));
        world.clock.advance(Duration::from_mins(61));
        refresh(&world, &tokens).await.expect_err("an hour unused");
        let tokens = world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_hours(24));
        refresh(&world, &tokens).await.expect_err("never longer than the instance says");
    }
}
