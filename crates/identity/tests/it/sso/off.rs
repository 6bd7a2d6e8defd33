//! Providers that serve no longer, and the people who logged in there.

use rolecall_api::identity::v1::begin_sso_login_request::Provider as Where;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;

use super::{Stage, ada, change};
use crate::harness::{PASSWORD, bearer, bytes, reason};
use crate::mailbox::mails;

const ADA: &str = "ada@acme.example";

impl Stage {
    /// Tries every way in that Ada had, with a login that was under way.
    async fn expect_no_way_in(&self, begun: &BeginSsoLoginResponse, tokens: &Tokens) {
        let (state, code) = self.provider.log_in(&begun.authorization_url, ada());
        let late = self.complete(&begun.login_token, &state, &code).await.expect_err("under way");
        assert_eq!(reason(&late), "SSO_REFUSED");
        for at in [Where::Email(ADA.to_owned()), Where::IdentityProviderId(self.connected.identity_provider_id.clone())]
        {
            let refused = self.try_begin(at).await.expect_err("no provider serves");
            assert_eq!(reason(&refused), "IDENTITY_PROVIDER_NOT_FOUND");
        }
        assert!(!self.world.is_let_in(&tokens.access_token).await, "what began there ended");
        let refresh = RefreshTokensRequest { refresh_token: tokens.refresh_token.clone(), ..Default::default() };
        self.world.authentication().refresh_tokens(refresh).await.expect_err("ended");
        let (known, unknown) = (
            self.world.try_log_in(ADA, PASSWORD).await.expect_err("no password"),
            self.world.try_log_in("nobody@acme.example", PASSWORD).await.expect_err("nobody"),
        );
        assert_eq!(bytes(&known), bytes(&unknown), "nobody learns whose account that is");
        let request = RequestPasswordResetRequest { email: ADA.to_owned() };
        self.world.accounts().request_password_reset(request).await.expect("always the same");
        assert!(mails(&self.world, ADA, "password_reset").await.is_empty(), "nothing could be set");
    }

    fn without_passwords(&self) {
        let keeper = self.user_id("OWNER");
        self.switch(&keeper);
    }
}

on_each_database! {
    async fn asvs_v6_3_4_a_provider_that_is_switched_off_leaves_its_people_no_way_in(database) {
        let stage = Stage::set(&database).await;
        let tokens = stage.log_in(ada()).await.expect("logged in");
        stage.without_passwords();
        let begun = stage.begin().await;
        let off = IdentityProvider { enabled: false, ..stage.connected.clone() };
        change(&stage.world, &stage.owner, off, &["enabled"]).await.expect("switched off");
        stage.expect_no_way_in(&begun, &tokens).await;
    }

    async fn asvs_v6_3_4_a_provider_that_is_deleted_leaves_its_people_no_way_in(database) {
        let stage = Stage::set(&database).await;
        let tokens = stage.log_in(ada()).await.expect("logged in");
        stage.without_passwords();
        let begun = stage.begin().await;
        let identity_provider_id = stage.connected.identity_provider_id.clone();
        let request = DeleteIdentityProviderRequest { identity_provider_id, ..Default::default() };
        stage.world.providers().delete_identity_provider(bearer(&stage.owner, request)).await.expect("deleted");
        stage.expect_no_way_in(&begun, &tokens).await;
    }
}
