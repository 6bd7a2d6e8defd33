//! Honest logins: who comes in, as whom, and with what roles.

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use serde_json::json;

use super::{Stage, ada, ada_with, change};
use crate::harness::{bearer, create_user, reason};

on_each_database! {
    async fn asvs_v10_5_2_a_stranger_of_a_proven_domain_becomes_a_guest_and_is_known_by_its_subject(database) {
        let stage = Stage::set(&database).await;
        let tokens = stage.log_in(ada()).await.expect("logged in");
        let user = stage.whoami(&tokens).await.expect("signed in");
        assert_eq!((user.email.as_str(), user.name.as_str()), ("ada@acme.example", "Ada Lovelace"));
        assert!(user.email_verified, "the provider vouches for the address");
        assert_eq!(user.roles, ["GUEST"]);
        let again = stage.log_in(ada_with(json!({ "email": "countess@acme.example" }))).await.expect("logged in");
        assert_eq!(again.user_id, user.user_id, "another address is the same person");
        assert_eq!(stage.whoami(&again).await.expect("signed in").email, "ada@acme.example");
        assert_eq!(stage.world.rows("linked_identities").await, 1);
        let refresh = RefreshTokensRequest { refresh_token: again.refresh_token, ..Default::default() };
        stage.world.authentication().refresh_tokens(refresh).await.expect("goes on");
        assert_eq!(reason(&stage.world.try_log_in("ada@acme.example", "").await.expect_err("refused")), "REQUEST_INVALID");
    }

    async fn attack_t15_claims_give_mapped_roles_at_each_login_and_never_make_an_owner(database) {
        let stage = Stage::set(&database).await;
        let mapping = |value: &str, role: &str| RoleMapping { value: value.to_owned(), role: role.to_owned() };
        let mut wanted = IdentityProvider {
            role_source: RoleSource::Claims.into(),
            role_claim: "groups".to_owned(),
            role_mappings: vec![mapping("science", "DATA_SCIENTIST"), mapping("data", "DATA_STEWARD")],
            ..stage.connected.clone()
        };
        let paths = ["role_source", "role_claim", "role_mappings"];
        change(&stage.world, &stage.owner, wanted.clone(), &paths).await.expect("changed");
        for (groups, roles) in [
            (json!(["science", "data"]), vec!["DATA_SCIENTIST", "DATA_STEWARD"]),
            (json!("data"), vec!["DATA_STEWARD"]),
            (json!(["OWNER", "ADMIN"]), vec!["GUEST"]),
            (json!(null), vec!["GUEST"]),
        ] {
            let tokens = stage.log_in(ada_with(json!({ "groups": groups }))).await.expect("logged in");
            assert_eq!(stage.whoami(&tokens).await.expect("signed in").roles, roles, "{groups}");
        }
        wanted.role_mappings = vec![mapping("boss", "OWNER")];
        let refused = change(&stage.world, &stage.owner, wanted, &paths).await.expect_err("never");
        assert_eq!(reason(&refused), "REQUEST_INVALID");
    }

    /// ASVS: V10.5.2
    async fn attack_t12_who_has_a_password_links_the_provider_itself(database) {
        let stage = Stage::set(&database).await;
        let user = stage.world.join(&stage.owner, "ada@acme.example", "DATA_SCIENTIST").await;
        let refused = stage.log_in(ada()).await.expect_err("the address alone proves nothing");
        assert_eq!(reason(&refused), "SSO_ACCOUNT_NOT_LINKED");
        let own = stage.world.log_in("ada@acme.example").await.access_token;
        let id = stage.connected.identity_provider_id.clone();
        let request = LinkIdentityRequest { identity_provider_id: id, ..Default::default() };
        let begun = stage.world.accounts().link_identity(bearer(&own, request)).await.expect("begun").into_inner();
        let other = ada_with(json!({ "email": "private@elsewhere.example", "email_verified": false }));
        let (state, code) = stage.provider.log_in(&begun.authorization_url, other);
        let tokens = stage.complete(&begun.login_token, &state, &code).await.expect("linked");
        assert_eq!(tokens.user_id, user.user_id);
        assert_eq!(stage.log_in(ada()).await.expect("logged in").user_id, user.user_id);

        let list = stage.world.accounts().list_linked_identities(bearer(&own, ListLinkedIdentitiesRequest {})).await;
        let links = list.expect("listed").into_inner().linked_identities;
        assert_eq!((links.len(), links[0].subject.as_str()), (1, "ada-1815"));
        let unlink = UnlinkIdentityRequest {
            linked_identity_id: links[0].linked_identity_id.clone(),
            ..Default::default()
        };
        stage.world.accounts().unlink_identity(bearer(&own, unlink.clone())).await.expect("unlinked");
        let refused = stage.world.accounts().unlink_identity(bearer(&own, unlink)).await.expect_err("gone");
        assert_eq!(reason(&refused), "LINKED_IDENTITY_NOT_FOUND");
        stage.whoami(&tokens).await.expect_err("what began there ended");
        stage.world.accounts().get_account(bearer(&own, GetAccountRequest {})).await.expect("the own session goes on");
    }

    async fn the_last_thing_that_opens_an_account_stays(database) {
        let stage = Stage::set(&database).await;
        let tokens = stage.log_in(ada_with(json!({ "auth_time": 1_767_225_600 }))).await.expect("logged in");
        let list = bearer(&tokens.access_token, ListLinkedIdentitiesRequest {});
        let links = stage.world.accounts().list_linked_identities(list).await.expect("listed").into_inner();
        let linked_identity_id = links.linked_identities[0].linked_identity_id.clone();
        let request = UnlinkIdentityRequest { linked_identity_id, ..Default::default() };
        let refused = stage.world.accounts().unlink_identity(bearer(&tokens.access_token, request)).await;
        assert_eq!(reason(&refused.expect_err("refused")), "LAST_CREDENTIAL");
    }

    async fn without_just_in_time_nobody_becomes_a_member(database) {
        let stage = Stage::set(&database).await;
        let off = IdentityProvider { just_in_time: false, ..stage.connected.clone() };
        change(&stage.world, &stage.owner, off, &["just_in_time"]).await.expect("changed");
        assert_eq!(reason(&stage.log_in(ada()).await.expect_err("refused")), "SSO_ACCOUNT_MISSING");
        assert_eq!(stage.world.rows("users").await, 1);
    }

    async fn asvs_v6_8_4_the_strength_that_the_organization_wants_is_verified(database) {
        let stage = Stage::set(&database).await;
        let strict = IdentityProvider {
            required_acr_values: vec!["gold".to_owned()],
            required_amr_values: vec!["otp".to_owned()],
            ..stage.connected.clone()
        };
        let paths = ["required_acr_values", "required_amr_values"];
        change(&stage.world, &stage.owner, strict, &paths).await.expect("changed");
        for weak in [json!({}), json!({ "acr": "gold" }), json!({ "acr": "tin", "amr": ["otp"] }), json!({ "amr": ["otp"] })] {
            assert_eq!(reason(&stage.log_in(ada_with(weak)).await.expect_err("too weak")), "SSO_REFUSED");
        }
        let strong = json!({ "acr": "gold", "amr": ["pwd", "otp", "mfa"] });
        stage.log_in(ada_with(strong)).await.expect("strong enough");
    }

    /// ASVS: V6.8.4, V7.6.1
    async fn asvs_v7_5_1_a_login_that_the_provider_saw_long_ago_is_no_step_up(database) {
        let stage = Stage::set(&database).await;
        let tokens = stage.log_in(ada()).await.expect("logged in");
        let request = LinkIdentityRequest {
            identity_provider_id: stage.connected.identity_provider_id.clone(),
            ..Default::default()
        };
        let refused = stage.world.accounts().link_identity(bearer(&tokens.access_token, request)).await;
        assert_eq!(reason(&refused.expect_err("nobody told when")), "STEP_UP_REQUIRED");
    }

    async fn attack_t12_an_invited_address_is_not_taken_by_a_login(database) {
        let stage = Stage::set(&database).await;
        let request = create_user("ada@acme.example", "OWNER");
        stage.world.users().create_user(bearer(&stage.owner, request)).await.expect("invited");
        assert_eq!(reason(&stage.log_in(ada()).await.expect_err("refused")), "SSO_ACCOUNT_NOT_LINKED");
    }
}
