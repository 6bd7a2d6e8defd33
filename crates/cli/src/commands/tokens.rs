//! Tokens: one's own for programs, and those that others show.

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::token_service_client::TokenServiceClient;
use rolecall_api::identity::v1::{
    CreateAccessTokenRequest, IntrospectTokenRequest, ListAccessTokensRequest, RevokeAccessTokenRequest,
};
use secrecy::ExposeSecret as _;

use super::{PageArgs, parse_time};
use crate::connection::{Connection, RemoteArgs, Wire};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};
use crate::secrets::Secrets;

const NEW: &[Column] = &[
    Column("token id", "accessToken.accessTokenId", ""),
    Column("permissions", "accessToken.permissions", ""),
    Column("ends", "accessToken.expireTime", ""),
    Column("token, shown once", "secret", ""),
];

const TOKENS: &[Column] = &[
    Column("TOKEN ID", "accessTokenId", ""),
    Column("NAME", "name", ""),
    Column("PERMISSIONS", "permissions", ""),
    Column("ENDS", "expireTime", ""),
    Column("LAST USED", "lastUsedTime", ""),
];

const INTROSPECTED: &[Column] = &[
    Column("good", "active", ""),
    Column("subject", "subjectId", ""),
    Column("service account", "serviceAccount", ""),
    Column("organization", "organizationId", ""),
    Column("session", "sessionId", ""),
    Column("audience", "audience", ""),
    Column("proved by", "authenticationMethods", ""),
    Column("narrowed to", "permissions", ""),
    Column("ends", "expireTime", ""),
];

/// Personal access tokens for your own programs, and tokens that others show
#[derive(Debug, Args)]
pub struct Tokens {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a personal access token; it is shown once
    #[command(after_help = "It needs a login of the last five minutes, and it ends with a change of your password.

Examples:
  rolecall tokens create --name \"Nightly export\"
  rolecall tokens create --name Deploy --permission identity.users.list --until 2027-01-31T12:00:00Z")]
    Create {
        /// What you call it
        #[arg(long)]
        name: String,
        /// A permission of yours that it may use; may be repeated; all that only read when absent
        #[arg(long = "permission")]
        permissions: Vec<String>,
        /// When it ends; 30 days from now when absent, 365 at most
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        until: Option<Timestamp>,
    },
    /// List your personal access tokens, without the tokens themselves
    #[command(after_help = "Examples:
  rolecall tokens list")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// End a personal access token, at once and everywhere
    #[command(after_help = "Examples:
  rolecall tokens revoke 01890a5d-ac96-774b-bcce-b302099a8057")]
    Revoke {
        /// Id of the token
        access_token_id: String,
    },
    /// Tell whether an access token is good, and whose it is
    #[command(after_help = "The access token is asked for, or read from standard input.

Examples:
  rolecall tokens introspect
  rolecall tokens introspect --token-stdin < token.txt")]
    Introspect {
        /// Read the access token from standard input
        #[arg(long)]
        token_stdin: bool,
    },
}

type Account = AccountServiceClient<Wire>;

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Introspect { token_stdin } => introspect(token_stdin, connection).await,
            Self::Create { name, permissions, until } => {
                create(AccountServiceClient::new(connection.signed_in().await?), name, permissions, until).await
            }
            Self::List { page: PageArgs { page_size, page_token } } => {
                let mut client = AccountServiceClient::new(connection.signed_in().await?);
                let request = ListAccessTokensRequest { page_size, page_token };
                let answer = client.list_access_tokens(request).await?.into_inner();
                let view = View::List("accessTokens", TOKENS);
                Answer::message("rolecall.identity.v1.ListAccessTokensResponse", &answer, view)
            }
            Self::Revoke { access_token_id } => {
                let mut client = AccountServiceClient::new(connection.signed_in().await?);
                let sentence = format!("revoked the token {access_token_id}");
                let request = RevokeAccessTokenRequest { access_token_id, ..Default::default() };
                client.revoke_access_token(request).await?;
                Ok(Answer::sentence(sentence))
            }
        }
    }
}

async fn create(
    mut client: Account,
    name: String,
    permissions: Vec<String>,
    until: Option<Timestamp>,
) -> Result<Answer, Failure> {
    let request = CreateAccessTokenRequest { request_id: String::new(), name, permissions, expire_time: until };
    let answer = client.create_access_token(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.CreateAccessTokenResponse", &answer, View::One("", NEW))
}

async fn introspect(token_stdin: bool, connection: &Connection) -> Result<Answer, Failure> {
    let mut client = TokenServiceClient::new(connection.signed_in().await?);
    let token = Secrets::from_flag(token_stdin).read("Access token")?;
    let request = IntrospectTokenRequest { token: token.expose_secret().trim().to_owned() };
    let answer = client.introspect_token(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.IntrospectTokenResponse", &answer, View::One("", INTROSPECTED))
}
