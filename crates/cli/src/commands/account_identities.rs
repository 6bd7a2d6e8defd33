//! The identities at providers that open the own account.

use clap::Subcommand;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::{LinkIdentityRequest, ListLinkedIdentitiesRequest, UnlinkIdentityRequest};
use serde_json::json;

use crate::browser::{Browser, BrowserArgs, Sent};
use crate::connection::Connection;
use crate::failure::{Failure, printable};
use crate::output::{Answer, Column, View};

const LIST: &[Column] = &[
    Column("LINK", "linkedIdentityId", ""),
    Column("ISSUER", "issuer", ""),
    Column("KNOWS YOU AS", "subject", ""),
    Column("PROVIDER", "identityProviderId", ""),
    Column("LINKED", "createTime", ""),
];

/// The commands about linked identities.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the identities at identity providers that open your account
    #[command(after_help = "Examples:
  rolecall account list-identities")]
    ListIdentities,
    /// Let an identity provider of your organization open your account
    #[command(after_help = "You log in there with your browser, and are signed in here again at the end. It needs a
fresh proof of who you are: `rolecall reauthenticate`.

Examples:
  rolecall account link-identity 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall account link-identity 01890a5d-ac96-774b-bcce-b302099a8057 --no-browser")]
    LinkIdentity {
        /// Id of the identity provider
        identity_provider_id: String,
        #[command(flatten)]
        browser: BrowserArgs,
    },
    /// End a link; the provider opens your account no more
    #[command(after_help = "The last thing that opens your account stays. It needs a fresh proof of who you are:
`rolecall reauthenticate`.

Examples:
  rolecall account unlink-identity 01890a5d-ac96-774b-bcce-b302099a8057")]
    UnlinkIdentity {
        /// Id of the link, from `rolecall account list-identities`
        linked_identity_id: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::ListIdentities => list(connection).await,
            Self::LinkIdentity { identity_provider_id, browser } => {
                link(connection, identity_provider_id, browser).await
            }
            Self::UnlinkIdentity { linked_identity_id } => unlink(connection, linked_identity_id).await,
        }
    }
}

async fn list(connection: &Connection) -> Result<Answer, Failure> {
    let mut client = AccountServiceClient::new(connection.signed_in().await?);
    let answer = client.list_linked_identities(ListLinkedIdentitiesRequest {}).await?.into_inner();
    let view = View::List("linkedIdentities", LIST);
    Answer::message("rolecall.identity.v1.ListLinkedIdentitiesResponse", &answer, view)
}

async fn link(connection: &Connection, provider: String, browser: BrowserArgs) -> Result<Answer, Failure> {
    let mut client = AccountServiceClient::new(connection.signed_in().await?);
    let browser = Browser::prepare(browser).await?;
    let request = LinkIdentityRequest { identity_provider_id: provider, return_url: browser.return_url() };
    let begun = client.link_identity(request).await?.into_inner();
    let sent =
        Sent { authorization_url: begun.authorization_url, login_token: begun.login_token, expires: begun.expire_time };
    let tokens = browser.complete(connection, sent).await?;
    connection.keep(&tokens)?;
    let text = format!("linked, and logged in as the user {}", printable(&tokens.user_id));
    let value = json!({ "userId": tokens.user_id, "sessionId": tokens.session_id });
    Ok(Answer::json(value, View::Sentence(text)))
}

async fn unlink(connection: &Connection, linked_identity_id: String) -> Result<Answer, Failure> {
    let mut client = AccountServiceClient::new(connection.signed_in().await?);
    let sentence = format!("ended the link {}", printable(&linked_identity_id));
    client.unlink_identity(UnlinkIdentityRequest { linked_identity_id, ..Default::default() }).await?;
    Ok(Answer::sentence(sentence))
}
