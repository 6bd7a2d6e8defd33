//! The own password.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::ChangePasswordRequest;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use secrecy::ExposeSecret as _;

use super::users::USER;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, View};
use crate::secrets::Secrets;

/// Change your own password
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
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let Self::Change { password_stdin } = self;
        let secrets = Secrets::from_flag(password_stdin);
        let wire = connection.signed_in().await?;
        let current = secrets.read("Current password")?;
        let new = secrets.read_new("New password (15 characters or more)")?;
        let request = ChangePasswordRequest {
            request_id: String::new(),
            current_password: current.expose_secret().to_owned(),
            new_password: new.expose_secret().to_owned(),
            new_password_confirmation: new.expose_secret().to_owned(),
        };
        let answer = AccountServiceClient::new(wire).change_password(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.ChangePasswordResponse", &answer, View::One("user", USER))
    }
}
