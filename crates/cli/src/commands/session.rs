//! Logging in and out, and who is logged in.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::{GetAccountRequest, LogInRequest, LogOutRequest};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::users::USER;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, View};
use crate::secrets::Secrets;

/// The session of this machine's user.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in with e-mail address and password; the tokens are kept for the commands that follow
    #[command(after_help = "Examples:
  rolecall login --email ada@example.org
  rolecall login --email ada@example.org --password-stdin < password.txt")]
    Login(Login),
    /// Log out: end the session everywhere and forget its tokens
    #[command(after_help = "Examples:
  rolecall logout")]
    Logout(Bare),
    /// Show the account that is logged in
    #[command(after_help = "Examples:
  rolecall whoami
  rolecall whoami --output json")]
    Whoami(Bare),
    /// Print the access token of the user that is logged in, fresh enough to be used at once
    #[command(after_help = "Examples:
  rolecall token")]
    Token(Bare),
}

/// What `login` takes.
#[derive(Debug, Args)]
pub struct Login {
    /// E-mail address
    #[arg(long)]
    email: String,
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    remote: RemoteArgs,
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
            Self::Logout(bare) | Self::Whoami(bare) | Self::Token(bare) => &bare.remote,
        }
    }

    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Login(login) => log_in(login, connection).await,
            Self::Logout(_) => log_out(connection).await,
            Self::Whoami(_) => who_am_i(connection).await,
            Self::Token(_) => {
                let token = connection.access_token().await?;
                Ok(Answer::json(json!({ "accessToken": token }), View::Sentence(token)))
            }
        }
    }
}

async fn log_in(login: Login, connection: &Connection) -> Result<Answer, Failure> {
    let password = Secrets::from_flag(login.password_stdin).read("Password")?;
    let request = LogInRequest { email: login.email.clone(), password: password.expose_secret().to_owned() };
    let answer = AuthenticationServiceClient::new(connection.public()).log_in(request).await?.into_inner();
    let Some(Outcome::Tokens(tokens)) = answer.outcome else {
        return Err(Failure::Local(
            "the server asks for something that this version does not know; update it".to_owned(),
        ));
    };
    connection.keep(&tokens)?;
    let text = format!("logged in at {} as {}", connection.server(), login.email);
    let value = json!({ "userId": tokens.user_id, "sessionId": tokens.session_id, "email": login.email });
    Ok(Answer::json(value, View::Sentence(text)))
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
