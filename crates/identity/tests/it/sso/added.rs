//! People who are added to log in at their provider alone, and what everybody is told by mail.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::{Stage, ada, change, connect, described};
use crate::harness::{COMES_FROM, bearer, create_user, reason};
use crate::mailbox::{mails, told};
use crate::proven_addresses::proofs;

const ADA: &str = "ada@acme.example";

fn sso_only(email: &str) -> CreateUserRequest {
    let credential = create_user_request::Credential::SsoOnly(SsoOnlyCredential {});
    CreateUserRequest { credential: Some(credential), ..create_user(email, "DATA_SCIENTIST") }
}

impl Stage {
    async fn add(&self, request: CreateUserRequest) -> Result<User, Status> {
        let answer = self.world.users().create_user(bearer(&self.owner, request)).await?;
        Ok(answer.into_inner().user.expect("a user"))
    }

    async fn begin_from(&self, network: &str) -> Result<BeginSsoLoginResponse, Status> {
        let provider = begin_sso_login_request::Provider::Email(ADA.to_owned());
        let mut request = tonic::Request::new(BeginSsoLoginRequest { provider: Some(provider), ..Default::default() });
        request.metadata_mut().insert(COMES_FROM, network.parse().expect("ascii"));
        Ok(self.world.authentication().begin_sso_login(request).await?.into_inner())
    }
}

on_each_database! {
    async fn who_is_added_for_single_sign_on_is_told_by_mail_and_logs_in_at_the_provider(database) {
        let stage = Stage::set(&database).await;
        let trial = CreateUserRequest { validate_only: true, ..sso_only(ADA) };
        stage.add(trial).await.expect("it would");
        let user = stage.add(sso_only(ADA)).await.expect("added");
        assert!(!user.email_verified && user.state() == UserState::Active, "{user:?}");
        let ordered = mails(&stage.world, ADA, "sign_in").await;
        assert_eq!(ordered.len(), 1);
        assert_eq!(ordered[0].variables["organization_name"], "Analytical Engines");
        assert!(ordered[0].sealed_secret.is_empty(), "nobody needs a code");
        let tokens = stage.log_in(ada()).await.expect("logged in");
        let same = stage.whoami(&tokens).await.expect("signed in");
        assert_eq!((same.user_id.clone(), same.roles, same.email_verified), (user.user_id, vec!["DATA_SCIENTIST".to_owned()], true));
        stage.log_in(super::ada_with(serde_json::json!({ "sub": "bea", "email": "bea@acme.example" }))).await.expect("just in time");
        assert!(mails(&stage.world, "bea@acme.example", "sign_in").await.is_empty(), "who is there needs no mail");
        let proven: Vec<String> = proofs(&stage.world).await.into_iter().map(|(_, user_id)| user_id).collect();
        assert_eq!(proven.len(), 2, "both by their provider: {proven:?}");
        assert_eq!(proven[0], same.user_id);
    }

    async fn nobody_is_added_who_could_never_log_in(database) {
        let stage = Stage::set(&database).await;
        let refused = stage.add(sso_only("ada@elsewhere.example")).await.expect_err("no proven domain");
        assert_eq!(reason(&refused), "SSO_NOT_AVAILABLE");
        let off = IdentityProvider { enabled: false, ..stage.connected.clone() };
        change(&stage.world, &stage.owner, off, &["enabled"]).await.expect("switched off");
        let refused = stage.add(sso_only(ADA)).await.expect_err("no provider serves");
        assert_eq!(reason(&refused), "SSO_NOT_AVAILABLE");
        let (_, other) = stage.world.second_organization("charles@example.org").await;
        connect(&stage.world, &other.access_token, described(&stage.provider.issuer)).await.expect("connected");
        let foreign = bearer(&other.access_token, sso_only(ADA));
        let refused = stage.world.users().create_user(foreign).await.expect_err("a domain of others");
        assert_eq!(reason(&refused), "SSO_NOT_AVAILABLE");
    }

    /// ASVS: V6.3.7
    async fn asvs_v6_3_7_the_person_is_told_when_a_provider_is_linked_or_unlinked(database) {
        let stage = Stage::set(&database).await;
        stage.world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        let own = stage.world.log_in(ADA).await.access_token;
        let id = stage.connected.identity_provider_id.clone();
        let request = LinkIdentityRequest { identity_provider_id: id, ..Default::default() };
        let begun = stage.world.accounts().link_identity(bearer(&own, request)).await.expect("begun").into_inner();
        let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
        stage.complete(&begun.login_token, &state, &code).await.expect("linked");
        assert_eq!(told(&stage.world, "identity.identity_linked").await, 1);
        let list = stage.world.accounts().list_linked_identities(bearer(&own, ListLinkedIdentitiesRequest {})).await;
        let linked_identity_id = list.expect("listed").into_inner().linked_identities[0].linked_identity_id.clone();
        let unlink = UnlinkIdentityRequest { linked_identity_id, ..Default::default() };
        stage.world.accounts().unlink_identity(bearer(&own, unlink)).await.expect("unlinked");
        assert_eq!(told(&stage.world, "identity.identity_unlinked").await, 1);
    }

    /// ASVS: T38, V2.4.1
    async fn asvs_v2_4_1_a_network_begins_twenty_single_sign_ons_a_minute(database) {
        let stage = Stage::set(&database).await;
        for _ in 0..20 {
            stage.begin_from("192.0.2.7").await.expect("begun");
        }
        let refused = stage.begin_from("192.0.2.7").await.expect_err("too many");
        assert_eq!(reason(&refused), "NETWORK_THROTTLED");
        let wait = refused.get_details_retry_info().and_then(|info| info.retry_delay).expect("a wait");
        let id = stage.connected.identity_provider_id.clone();
        let mut link = bearer(&stage.owner, LinkIdentityRequest { identity_provider_id: id, ..Default::default() });
        link.metadata_mut().insert(COMES_FROM, "192.0.2.7".parse().expect("ascii"));
        let refused = stage.world.accounts().link_identity(link).await.expect_err("it sends to a provider as well");
        assert_eq!(reason(&refused), "NETWORK_THROTTLED");
        stage.begin_from("198.51.100.7").await.expect("another network");
        stage.begin().await;
        stage.world.clock.advance(wait.max(Duration::from_millis(1)));
        stage.begin_from("192.0.2.7").await.expect("after the wait");
    }
}
