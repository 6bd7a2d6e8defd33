//! Logging in at the identity provider of an organization.

use clap::Args;
use rolecall_api::identity::v1::BeginSsoLoginRequest;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::begin_sso_login_request::Provider;
use serde_json::json;

use crate::browser::{Browser, BrowserArgs, SINGLE_SIGN_ON, Sent};
use crate::connection::Connection;
use crate::failure::{Failure, printable};
use crate::output::{Answer, View};

/// What `login --sso` takes beside the rest.
#[derive(Debug, Args)]
pub(crate) struct SignOn {
    /// Id of the identity provider, where an address or an organization does not tell
    #[arg(long, conflicts_with_all = ["email", "organization"], value_name = "ID", help_heading = SINGLE_SIGN_ON)]
    provider: Option<String>,
    /// Prove anew who you are, for what asks for that
    #[arg(long, help_heading = SINGLE_SIGN_ON)]
    fresh: bool,
    #[command(flatten)]
    browser: BrowserArgs,
}

impl SignOn {
    /// Refuses what is of no meaning without `--sso`.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        if self.provider.is_some() || self.fresh || self.browser.is_given() {
            return Err(Failure::Usage("--provider, --fresh, --no-browser and --paste go with --sso".to_owned()));
        }
        Ok(())
    }

    pub(super) async fn run(
        self,
        connection: &Connection,
        email: Option<String>,
        organization: String,
        audience: String,
    ) -> Result<Answer, Failure> {
        let browser = Browser::prepare(self.browser).await?;
        let request = BeginSsoLoginRequest {
            provider: Some(target(email, organization, self.provider)?),
            return_url: browser.return_url(),
            audience,
            fresh: self.fresh,
        };
        let begun = AuthenticationServiceClient::new(connection.public()).begin_sso_login(request).await?.into_inner();
        let sent = Sent {
            authorization_url: begun.authorization_url,
            login_token: begun.login_token,
            expires: begun.expire_time,
        };
        let tokens = browser.complete(connection, sent).await?;
        connection.keep(&tokens)?;
        let text = format!("logged in at {} as the user {}", connection.server(), printable(&tokens.user_id));
        let value = json!({ "userId": tokens.user_id, "sessionId": tokens.session_id });
        Ok(Answer::json(value, View::Sentence(text)))
    }
}

fn target(email: Option<String>, organization: String, provider: Option<String>) -> Result<Provider, Failure> {
    let organization = Some(organization).filter(|id| !id.is_empty());
    let by_organization = || organization.map(Provider::OrganizationId);
    let target = email.map(Provider::Email).or_else(|| provider.map(Provider::IdentityProviderId));
    let unknown = || Failure::Usage("--sso takes one of --email, --organization and --provider".to_owned());
    target.or_else(by_organization).ok_or_else(unknown)
}
