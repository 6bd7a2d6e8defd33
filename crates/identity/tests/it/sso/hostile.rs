//! What hostile providers and browsers try.

use std::time::Duration;

use rolecall_testkit::on_each_database;
use serde_json::json;

use super::provider::{CLIENT, Provider, Signature};
use super::{Stage, ada, ada_with, connect, described};
use crate::harness::reason;

const WRONG: &str = "SSO_REFUSED";

on_each_database! {
    /// ASVS: V10.5.2
    async fn attack_t12_an_address_that_is_not_verified_or_not_of_a_proven_domain_links_nothing(database) {
        let stage = Stage::set(&database).await;
        for claims in [
            json!({ "email_verified": false }), json!({ "email_verified": null }), json!({ "email_verified": "true" }),
            json!({ "email_verified": 1 }), json!({ "email": null }), json!({ "email": "root@example.org" }),
            json!({ "email": "ada@sub.acme.example" }), json!({ "email": "ada@acme.example.org" }),
            json!({ "email": "ada@acme.example@evil.example" }), json!({ "email": "ada@evil.example, ada@acme.example" }),
        ] {
            let refused = stage.log_in(ada_with(claims.clone())).await.expect_err("refused");
            assert_eq!(reason(&refused), WRONG, "{claims}");
        }
        assert_eq!(stage.world.rows("users").await, 1);
        assert_eq!(stage.world.rows("linked_identities").await, 0);
    }

    async fn asvs_v6_8_2_signatures_are_always_checked(database) {
        let stage = Stage::set(&database).await;
        for signature in [
            Signature::OtherKey, Signature::Missing, Signature::AlgNone, Signature::SharedSecret, Signature::PublicKey,
            Signature::Cut,
        ] {
            stage.provider.script().signature = signature;
            assert_eq!(reason(&stage.log_in(ada()).await.expect_err("refused")), WRONG, "{signature:?}");
        }
        assert_eq!(stage.world.rows("users").await, 1);
        stage.provider.script().signature = Signature::Right;
        stage.log_in(ada()).await.expect("logged in");
    }

    /// ASVS: V10.5.4
    async fn asvs_v10_5_1_tokens_of_another_login_client_issuer_or_time_are_refused(database) {
        let stage = Stage::set(&database).await;
        for claims in [
            json!({ "nonce": "another" }), json!({ "nonce": null }), json!({ "aud": "somebody-else" }),
            json!({ "aud": [CLIENT, "somebody-else"] }), json!({ "azp": "somebody-else" }), json!({ "aud": null }),
            json!({ "iss": "https://other.example" }), json!({ "iss": format!("{}/", stage.provider.issuer) }),
            json!({ "exp": 1_767_225_590 }), json!({ "exp": null }), json!({ "iat": 1_767_229_200 }),
            json!({ "sub": "" }), json!({ "sub": null }), json!({ "sub": "s".repeat(256) }),
        ] {
            let refused = stage.log_in(ada_with(claims.clone())).await.expect_err("refused");
            assert_eq!(reason(&refused), WRONG, "{claims}");
        }
        assert_eq!(stage.world.rows("users").await, 1);
    }

    /// ASVS: V10.1.2, V7.6.2, V10.2.1
    async fn attack_t14_state_code_and_token_serve_once_together_and_in_time(database) {
        let stage = Stage::set(&database).await;
        let (mine, theirs) = (stage.begin().await, stage.begin().await);
        let (my_state, my_code) = stage.provider.log_in(&mine.authorization_url, ada());
        let (their_state, their_code) = stage.provider.log_in(&theirs.authorization_url, ada());
        // Login CSRF: somebody else's answer for my login; it ends both, and nobody is logged in.
        for (token, state, code) in [
            (&mine.login_token, &their_state, &their_code),
            (&mine.login_token, &my_state, &my_code),
            (&theirs.login_token, &their_state, &my_code),
            (&theirs.login_token, &their_state, &their_code),
        ] {
            assert_eq!(reason(&stage.complete(token, state, code).await.expect_err("refused")), WRONG);
        }
        let used = stage.begin().await;
        let (state, code) = stage.provider.log_in(&used.authorization_url, ada());
        stage.complete(&used.login_token, &state, &code).await.expect("logged in");
        assert_eq!(reason(&stage.complete(&used.login_token, &state, &code).await.expect_err("used")), WRONG);
        let late = stage.begin().await;
        let (state, code) = stage.provider.log_in(&late.authorization_url, ada());
        stage.world.clock.advance(Duration::from_mins(10));
        assert_eq!(reason(&stage.complete(&late.login_token, &state, &code).await.expect_err("late")), WRONG);
        for token in ["", "rcs_", "nonsense"] {
            assert_eq!(reason(&stage.complete(token, &state, &code).await.expect_err("none")), WRONG);
        }
        assert_eq!(stage.world.rows("sso_sessions").await, 1);
    }

    /// ASVS: V10.2.2
    async fn attack_t14_one_provider_does_not_answer_for_another(database) {
        let stage = Stage::set(&database).await;
        let evil = Provider::start(8).await;
        connect(&stage.world, &stage.owner, described(&evil.issuer)).await.expect("connected");
        let calls = stage.provider.script().token_calls;
        for iss in [evil.issuer.as_str(), "", "https://other.example"] {
            let begun = stage.begin().await;
            let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
            let refused = stage.complete_from(&begun.login_token, &state, &code, iss).await.expect_err("mixed up");
            assert_eq!(reason(&refused), WRONG, "{iss}");
        }
        assert_eq!(stage.provider.script().token_calls, calls, "no code leaves for the wrong provider");
    }

    async fn asvs_v10_2_1_a_code_without_its_verifier_is_worth_nothing(database) {
        let stage = Stage::set(&database).await;
        let (begun, other) = (stage.begin().await, stage.begin().await);
        let (state, _) = stage.provider.log_in(&begun.authorization_url, ada());
        let (_, stolen) = stage.provider.log_in(&other.authorization_url, ada());
        assert_eq!(reason(&stage.complete(&begun.login_token, &state, &stolen).await.expect_err("injected")), WRONG);
    }

    async fn attack_t15_no_provider_speaks_for_administrators_of_the_instance(database) {
        let stage = Stage::set(&database).await;
        super::prove(&stage.world, &stage.dns, &stage.owner, "example.org").await;
        let root = ada_with(json!({ "sub": "root", "email": "root@example.org" }));
        assert_eq!(reason(&stage.log_in(root).await.expect_err("refused")), "SSO_ACCOUNT_NOT_LINKED");
    }
}
