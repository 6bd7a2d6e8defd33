//! Invitations, from the side of the one who is invited.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::registration_service_client::RegistrationServiceClient;
use rolecall_api::identity::v1::{AcceptInvitationRequest, GetInvitationRequest};
use secrecy::ExposeSecret as _;

use super::users::USER;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};
use crate::secrets::Secrets;

const INVITATION: &[Column] = &[
    Column("organization", "organizationName", ""),
    Column("invited by", "inviterName", ""),
    Column("e-mail", "email", ""),
    Column("name", "name", ""),
    Column("roles", "roles", ""),
    Column("until", "expireTime", ""),
    Column("password, characters", "passwordPolicy.minCharacters", ""),
];

/// Look at an invitation and accept it, with the code from the mail
#[derive(Debug, Args)]
pub struct Invitations {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show who invites, into what, and until when; changes nothing
    #[command(after_help = "Examples:
  rolecall invitations show
  rolecall invitations show --code-stdin < code.txt")]
    Show {
        /// Read the code from standard input, one line
        #[arg(long)]
        code_stdin: bool,
    },
    /// Accept the invitation: choose a password and activate the account
    #[command(
        after_help = "The code and the new password are asked for, or read from standard input in this order, one line each.

Examples:
  rolecall invitations accept
  rolecall invitations accept --password-stdin < secrets.txt"
    )]
    Accept {
        /// Read the code and the password from standard input, one line each
        #[arg(long)]
        password_stdin: bool,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = RegistrationServiceClient::new(connection.public());
        match self {
            Self::Show { code_stdin } => {
                let code = Secrets::from_flag(code_stdin).read("Code from the mail")?;
                let request = GetInvitationRequest { code: code.expose_secret().trim().to_owned() };
                let answer = client.get_invitation(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetInvitationResponse", &answer, View::One("", INVITATION))
            }
            Self::Accept { password_stdin } => {
                let secrets = Secrets::from_flag(password_stdin);
                let code = secrets.read("Code from the mail")?;
                let password = secrets.read_new("New password (15 characters or more)")?;
                let request = AcceptInvitationRequest {
                    code: code.expose_secret().trim().to_owned(),
                    password: password.expose_secret().to_owned(),
                    password_confirmation: password.expose_secret().to_owned(),
                };
                let answer = client.accept_invitation(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.AcceptInvitationResponse", &answer, View::One("user", USER))
            }
        }
    }
}
