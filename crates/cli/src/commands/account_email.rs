//! The address of the own account.

use clap::Subcommand;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::{ChangeEmailRequest, ConfirmEmailChangeRequest};
use secrecy::ExposeSecret as _;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Answer, Column, View};
use crate::secrets::Secrets;

const ASKED: &[Column] = &[Column("the mailed code works until", "expireTime", "")];
const MOVED: &[Column] = &[Column("e-mail", "email", "")];

/// The commands about the address.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask to move your account to another address; a mail there carries a code
    #[command(after_help = "Nothing changes until the code is given to `rolecall account confirm-email`.

Examples:
  rolecall account change-email ada@example.org")]
    ChangeEmail {
        /// The new address
        email: String,
    },
    /// Move your account to the address whose code you have; you are signed out everywhere
    #[command(after_help = "The code is asked for, or read from standard input.

Examples:
  rolecall account confirm-email
  rolecall account confirm-email --code-stdin < code.txt")]
    ConfirmEmail {
        /// Read the code from standard input, one line
        #[arg(long)]
        code_stdin: bool,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::ChangeEmail { email } => {
                let mut client = AccountServiceClient::new(connection.signed_in().await?);
                let request = ChangeEmailRequest { request_id: String::new(), email };
                let answer = client.change_email(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.ChangeEmailResponse", &answer, View::One("", ASKED))
            }
            Self::ConfirmEmail { code_stdin } => {
                let code = Secrets::from_flag(code_stdin).read("Code from the mail")?;
                let request = ConfirmEmailChangeRequest { code: code.expose_secret().trim().to_owned() };
                let mut client = AccountServiceClient::new(connection.public());
                let answer = client.confirm_email_change(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.ConfirmEmailChangeResponse", &answer, View::One("", MOVED))
            }
        }
    }
}
