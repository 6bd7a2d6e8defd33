//! Logging in and out, and who is logged in.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::{GetAccountRequest, LogOutRequest};
use serde_json::json;

use super::impersonate::Impersonate;
use super::login::Login;
use super::reauthenticate::Reauthenticate;
use super::users::USER;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, View};

/// The session of this machine's user.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in with e-mail address, password and second factor, or by single sign-on; the tokens are kept for what follows
    #[command(
        after_help = "With `--sso` your browser opens at the identity provider and comes back to an address of this machine.
Where there is no browser, `--paste` takes the text that its last page shows, from a browser anywhere.

Examples:
  rolecall login --email ada@example.org
  rolecall login --email ada@example.org --password-stdin < password.txt
  rolecall login --email ada@example.org --password-stdin --totp-stdin < secrets.txt
  rolecall login --sso --email ada@example.org
  rolecall login --sso --organization 01890a5d-ac96-774b-bcce-b302099a8057 --no-browser
  rolecall login --sso --provider 01890a5d-ac96-774b-bcce-b302099a8057 --paste
  rolecall login --sso --email ada@example.org --fresh
  rolecall login --guest"
    )]
    Login(Login),
    /// Prove once more who you are; what changes credentials asks for it every five minutes
    #[command(after_help = "Examples:
  rolecall reauthenticate
  rolecall reauthenticate --password-stdin --totp-stdin < secrets.txt")]
    Reauthenticate(Reauthenticate),
    /// Log out: end the session everywhere and forget its tokens
    #[command(after_help = "Examples:
  rolecall logout")]
    Logout(Bare),
    /// Show the account that is logged in
    #[command(after_help = "Examples:
  rolecall whoami
  rolecall whoami --output json")]
    Whoami(Bare),
    /// Act as somebody else: print an access token that opens what that person may, as far as you could reach it
    #[command(
        after_help = "It ends by itself; `rolecall sessions revoke --user <id> <session id>` ends it earlier. Your own login stays.

Examples:
  rolecall impersonate --user 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"cannot find the dataset\"
  rolecall impersonate --guest-of 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"what strangers see\" --minutes 5"
    )]
    Impersonate(Impersonate),
    /// Print the access token of the user that is logged in, fresh enough to be used at once
    #[command(after_help = "Examples:
  rolecall token")]
    Token(Bare),
}

/// A command without arguments of its own.
#[derive(Debug, Args)]
pub struct Bare {
    #[command(flatten)]
    remote: RemoteArgs,
}

impl Command {
    pub(crate) fn remote(&self) -> &RemoteArgs {
        match self {
            Self::Login(login) => &login.remote,
            Self::Reauthenticate(command) => &command.remote,
            Self::Impersonate(command) => &command.remote,
            Self::Logout(bare) | Self::Whoami(bare) | Self::Token(bare) => &bare.remote,
        }
    }

    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Login(login) => login.run(connection).await,
            Self::Reauthenticate(command) => command.run(connection).await,
            Self::Impersonate(command) => command.run(connection).await,
            Self::Logout(_) => log_out(connection).await,
            Self::Whoami(_) => who_am_i(connection).await,
            Self::Token(_) => {
                let token = connection.access_token().await?;
                Ok(Answer::json(json!({ "accessToken": token }), View::Sentence(token)))
            }
        }
    }
}

async fn log_out(connection: &Connection) -> Result<Answer, Failure> {
    let ended = match connection.signed_in().await {
        Ok(wire) => AuthenticationServiceClient::new(wire).log_out(LogOutRequest {}).await,
        Err(Failure::LoggedOut(_)) => return Ok(Answer::sentence("nobody was logged in")),
        Err(failure) => return Err(failure),
    };
    match ended {
        // A session that has ended already is as good as logged out.
        Err(status) if status.code() != tonic::Code::Unauthenticated => Err(status.into()),
        _ => {
            connection.forget()?;
            Ok(Answer::sentence(format!("logged out at {}", connection.server())))
        }
    }
}

async fn who_am_i(connection: &Connection) -> Result<Answer, Failure> {
    let mut client = AccountServiceClient::new(connection.signed_in().await?);
    let answer = client.get_account(GetAccountRequest {}).await?.into_inner();
    Answer::message("rolecall.identity.v1.GetAccountResponse", &answer, View::One("user", USER))
}
