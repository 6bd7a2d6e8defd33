//! What hostile providers and browsers try.

use std::time::Duration;

use rolecall_api::identity::v1::begin_sso_login_request::Provider as ByProvider;
use rolecall_api::identity::v1::{BeginSsoLoginRequest, IdentityProvider};
use rolecall_testkit::on_each_database;
use serde_json::json;
use url::Url;

use super::provider::{CLIENT, Discovery, Provider, Signature};
use super::{Stage, ada, ada_with, change, connect, described};
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
            let honest = ByProvider::IdentityProviderId(stage.connected.identity_provider_id.clone());
            let begun = stage.try_begin(honest).await.expect("begun");
            assert!(begun.authorization_url.starts_with(&stage.provider.issuer), "{}", begun.authorization_url);
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

    /// ASVS: T16
    async fn asvs_v6_8_1_the_same_subject_at_two_providers_is_two_people(database) {
        let stage = Stage::set(&database).await;
        let first = stage.log_in(ada()).await.expect("logged in");
        let other = Provider::start(8).await;
        let connected = connect(&stage.world, &stage.owner, described(&other.issuer)).await.expect("connected");
        let log_in_at = async |registered: &IdentityProvider, provider: &Provider, claims| {
            let id = ByProvider::IdentityProviderId(registered.identity_provider_id.clone());
            let begun = stage.try_begin(id).await.expect("begun");
            let (state, code) = provider.log_in(&begun.authorization_url, claims);
            stage.complete_from(&begun.login_token, &state, &code, &provider.issuer).await
        };
        let log_in = async |claims| log_in_at(&connected, &other, claims).await;
        // Its subject alone makes nobody Ada, nor does her address.
        assert_eq!(reason(&log_in(ada()).await.expect_err("another's address")), "SSO_ACCOUNT_NOT_LINKED");
        let eva = ada_with(json!({ "email": "eva@acme.example", "name": "Eva" }));
        let second = log_in(eva.clone()).await.expect("somebody else");
        assert_ne!(second.user_id, first.user_id);
        assert_eq!(stage.world.rows("linked_identities").await, 2);
        let (again, hers) = (log_in_at(&stage.connected, &stage.provider, ada()).await.expect("Ada"), log_in(eva).await.expect("Eva"));
        assert_eq!((again.user_id, hers.user_id), (first.user_id, second.user_id));
    }

    async fn asvs_v10_2_3_no_more_is_asked_of_a_provider_than_its_owner_configured(database) {
        let stage = Stage::set(&database).await;
        let asked = async || {
            let begun = stage.begin().await;
            let url = Url::parse(&begun.authorization_url).expect("an address");
            let scope = url.query_pairs().find(|(name, _)| name == "scope").expect("scopes").1.into_owned();
            let mut scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
            scopes.sort();
            scopes
        };
        assert_eq!(asked().await, ["email", "openid", "profile"]);
        for (configured, expected) in [
            (&["email"][..], &["email", "openid"][..]),
            (&["email", "groups"], &["email", "groups", "openid"]),
        ] {
            let scopes = configured.iter().map(|scope| (*scope).to_owned()).collect();
            let wanted = IdentityProvider { scopes, etag: String::new(), ..stage.connected.clone() };
            change(&stage.world, &stage.owner, wanted, &["scopes"]).await.expect("changed");
            assert_eq!(asked().await, expected);
        }
    }

    async fn asvs_v10_5_3_a_configuration_that_names_another_issuer_logs_nobody_in(database) {
        let stage = Stage::set(&database).await;
        let issuer = stage.provider.issuer.clone();
        for other in [
            "https://other.example".to_owned(),
            format!("{issuer}/"),
            issuer.replace("127.0.0.1", "localhost"),
            issuer.to_uppercase(),
            String::new(),
        ] {
            stage.provider.script().discovery = Discovery::Issuer(other.clone());
            // Another process remembers nothing of the time when all was right.
            let fresh = stage.replica(&database).await;
            let email = ByProvider::Email("somebody@acme.example".to_owned());
            let request = BeginSsoLoginRequest { provider: Some(email), ..Default::default() };
            let refused = fresh.authentication().begin_sso_login(request).await.expect_err("another issuer");
            assert_eq!(reason(&refused), "PROVIDER_UNUSABLE", "{other}");
        }
        let calls = stage.provider.script().token_calls;
        assert_eq!((calls, stage.world.rows("users").await), (0, 1));
    }

    async fn attack_t15_no_provider_speaks_for_administrators_of_the_instance(database) {
        let stage = Stage::set(&database).await;
        super::prove(&stage.world, &stage.dns, &stage.owner, "example.org").await;
        let root = ada_with(json!({ "sub": "root", "email": "root@example.org" }));
        assert_eq!(reason(&stage.log_in(root).await.expect_err("refused")), "SSO_ACCOUNT_NOT_LINKED");
    }
}
