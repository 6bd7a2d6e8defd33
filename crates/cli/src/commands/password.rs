//! The own password.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::{ChangePasswordRequest, RequestPasswordResetRequest, ResetPasswordRequest};
use secrecy::ExposeSecret as _;

use super::users::USER;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, View};
use crate::secrets::Secrets;

const NEW: &str = "New password (15 characters or more)";

/// Change or reset your own password
#[derive(Debug, Args)]
pub struct Password {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Change your own password; all your other sessions end
    #[command(
        after_help = "The current and the new password are asked for, or read from standard input in this order, one line each.

Examples:
  rolecall password change
  rolecall password change --password-stdin < passwords.txt"
    )]
    Change {
        /// Read the current and the new password from standard input, one line each
        #[arg(long)]
        password_stdin: bool,
    },
    /// Ask for a mail with a code that sets a new password
    #[command(after_help = "The answer is the same whether the address opens an account or not.

Examples:
  rolecall password forgot ada@example.org")]
    Forgot {
        /// The address of the account
        email: String,
    },
    /// Set a new password with the code from the mail; all your sessions end
    #[command(
        after_help = "The code and the new password are asked for, or read from standard input in this order, one line each.

Examples:
  rolecall password reset
  rolecall password reset --code-stdin < secrets.txt"
    )]
    Reset {
        /// Read the code and the new password from standard input, one line each
        #[arg(long)]
        code_stdin: bool,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Change { password_stdin } => change(Secrets::from_flag(password_stdin), connection).await,
            Self::Forgot { email } => {
                let request = RequestPasswordResetRequest { email };
                AccountServiceClient::new(connection.public()).request_password_reset(request).await?;
                Ok(Answer::sentence(
                    "If the address opens an account, a mail with a code is on its way; give it to `rolecall password reset`.",
                ))
            }
            Self::Reset { code_stdin } => {
                let secrets = Secrets::from_flag(code_stdin);
                let (code, password) = (secrets.read("Code from the mail")?, secrets.read_new(NEW)?);
                let request = ResetPasswordRequest {
                    code: code.expose_secret().trim().to_owned(),
                    password: password.expose_secret().to_owned(),
                    password_confirmation: password.expose_secret().to_owned(),
                };
                AccountServiceClient::new(connection.public()).reset_password(request).await?;
                Ok(Answer::sentence("The password is set, and every session has ended; log in with the new one."))
            }
        }
    }
}

async fn change(secrets: Secrets, connection: &Connection) -> Result<Answer, Failure> {
    let wire = connection.signed_in().await?;
    let current = secrets.read("Current password")?;
    let new = secrets.read_new(NEW)?;
    let request = ChangePasswordRequest {
        request_id: String::new(),
        current_password: current.expose_secret().to_owned(),
        new_password: new.expose_secret().to_owned(),
        new_password_confirmation: new.expose_secret().to_owned(),
    };
    let answer = AccountServiceClient::new(wire).change_password(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.ChangePasswordResponse", &answer, View::One("user", USER))
}
