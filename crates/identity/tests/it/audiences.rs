//! For whom access tokens are: Rolecall itself, or one backend that it was told of.

use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::{
    ChallengeKind, GetAccountRequest, IntrospectTokenRequest, LogInRequest, RefreshTokensRequest, Tokens,
};
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::authenticator::{claims, totp};
use crate::harness::{ADMIN, BACKEND, PASSWORD, World, bearer, reason};

fn request(audience: &str) -> LogInRequest {
    let (email, password, audience) = (ADMIN.to_owned(), PASSWORD.to_owned(), audience.to_owned());
    LogInRequest { email, password, audience, ..Default::default() }
}

async fn log_in(world: &World, audience: &str) -> Result<Tokens, Status> {
    let answer = world.authentication().log_in(request(audience)).await?.into_inner();
    let Some(Outcome::Tokens(tokens)) = answer.outcome else { panic!("tokens") };
    Ok(tokens)
}

async fn refresh(world: &World, token: &str, audience: &str) -> Result<Tokens, Status> {
    let request = RefreshTokensRequest { refresh_token: token.to_owned(), audience: audience.to_owned() };
    Ok(world.authentication().refresh_tokens(request).await?.into_inner().tokens.expect("tokens"))
}

on_each_database! {
    /// ASVS: V9.2.4
    async fn asvs_v9_2_3_a_token_for_a_backend_names_it_and_rolecall_refuses_it(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for own in ["", "rolecall"] {
            let tokens = log_in(&world, own).await.expect("logged in");
            assert_eq!(claims(&tokens.access_token)["aud"], "rolecall");
            assert!(world.is_let_in(&tokens.access_token).await);
        }
        let tokens = log_in(&world, BACKEND).await.expect("logged in");
        assert_eq!(claims(&tokens.access_token)["aud"], BACKEND);
        let refused = world.accounts().get_account(bearer(&tokens.access_token, GetAccountRequest {})).await;
        let refused = refused.expect_err("for somebody else");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));
    }

    async fn asvs_v9_2_4_a_backend_that_nobody_registered_gets_no_tokens(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for unknown in ["elsewhere", "Compute", "compute ", "rolecall,compute"] {
            let refused = log_in(&world, unknown).await.expect_err("unknown");
            let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
            assert_eq!((told[0].field.as_str(), told[0].reason.as_str()), ("audience", "AUDIENCE_UNKNOWN"), "{unknown}");
        }
    }

    async fn the_audience_of_a_login_stays_through_every_refresh(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let backend = log_in(&world, BACKEND).await.expect("logged in");
        for other in ["rolecall", "elsewhere"] {
            let refused = refresh(&world, &backend.refresh_token, other).await.expect_err("another");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "AUDIENCE_REFUSED"));
        }
        let first = refresh(&world, &backend.refresh_token, "").await.expect("the same");
        let second = refresh(&world, &first.refresh_token, BACKEND).await.expect("the same");
        for tokens in [&first, &second] {
            assert_eq!(claims(&tokens.access_token)["aud"], BACKEND);
        }
        let own = log_in(&world, "").await.expect("logged in");
        assert_eq!(reason(&refresh(&world, &own.refresh_token, BACKEND).await.expect_err("another")), "AUDIENCE_REFUSED");
        let own = refresh(&world, &own.refresh_token, "rolecall").await.expect("the same");
        assert!(world.is_let_in(&own.access_token).await);
    }

    async fn the_audience_is_kept_while_a_second_factor_is_asked_for(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let (app, _) = world.enroll(&world.log_in(ADMIN).await.access_token).await;
        world.next_step();
        let begun = world.authentication().log_in(request(BACKEND)).await.expect("begun").into_inner();
        let Some(Outcome::Challenge(challenge)) = begun.outcome else { panic!("a challenge") };
        assert_eq!(challenge.kind(), ChallengeKind::Factor);
        let code = totp(app.code(rolecall_kernel::time::Clock::now(&world.clock)));
        let tokens = world.answer(&challenge.challenge_token, code).await.expect("answered").tokens();
        assert_eq!(claims(&tokens.access_token)["aud"], BACKEND);
    }

    async fn a_backend_asks_whether_a_token_for_it_is_good(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let backend = log_in(&world, BACKEND).await.expect("logged in").access_token;
        let request = bearer(&root, IntrospectTokenRequest { token: backend });
        let told = world.tokens().introspect_token(request).await.expect("told").into_inner();
        assert_eq!((told.active, told.audience.as_str()), (true, BACKEND));
    }
}
