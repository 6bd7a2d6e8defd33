//! Invitations, from both sides.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::registration_service_client::RegistrationServiceClient;
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::identity::v1::{
    AcceptInvitationRequest, GetInvitationRequest, ListInvitationsRequest, ResendInvitationRequest,
    RevokeInvitationRequest,
};
use secrecy::ExposeSecret as _;

use super::PageArgs;
use super::new_user::delivery;
use super::users::USER;
use crate::connection::{Connection, RemoteArgs, Wire};
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

const LIST: &[Column] = &[
    Column("INVITATION", "invitationId", ""),
    Column("E-MAIL", "email", ""),
    Column("USER ID", "userId", ""),
    Column("INVITED BY", "inviterId", ""),
    Column("UNTIL", "expireTime", ""),
];

const SENT: &[Column] = &[
    Column("invitation", "invitation.invitationId", ""),
    Column("e-mail", "invitation.email", ""),
    Column("until", "invitation.expireTime", ""),
];

const RETURNED: &[Column] = &[
    Column("invitation", "invitation.invitationId", ""),
    Column("e-mail", "invitation.email", ""),
    Column("until", "invitation.expireTime", ""),
    Column("code", "invitationCode", ""),
];

/// Look at an invitation and accept it with its code; list, repeat and end those that wait for an answer
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
    /// List the invitations that wait for an answer, in order of creation
    #[command(after_help = "Examples:
  rolecall invitations list
  rolecall invitations list --organization - --output json")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Invite somebody anew who has not accepted yet; the code before ends
    #[command(after_help = "Examples:
  rolecall invitations resend 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall invitations resend 01890a5d-ac96-774b-bcce-b302099a8057 --return-code")]
    Resend {
        /// Id of the account
        user_id: String,
        /// Show the code instead of mailing it, for you to pass on
        #[arg(long = "return-code")]
        returned: bool,
    },
    /// End an invitation; the account stays and can be invited anew
    #[command(after_help = "Examples:
  rolecall invitations revoke 01890a5d-ac96-774b-bcce-b302099a8057")]
    Revoke {
        /// Id of the invitation
        invitation_id: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Show { code_stdin } => show(Secrets::from_flag(code_stdin), connection).await,
            Self::Accept { password_stdin } => accept(Secrets::from_flag(password_stdin), connection).await,
            Self::List { organization, page } => {
                let PageArgs { page_size, page_token } = page;
                let request = ListInvitationsRequest { organization_id: organization, page_size, page_token };
                let answer = inviter(connection).await?.list_invitations(request).await?.into_inner();
                let view = View::List("invitations", LIST);
                Answer::message("rolecall.identity.v1.ListInvitationsResponse", &answer, view)
            }
            Self::Resend { user_id, returned } => {
                let delivery = delivery(returned);
                let request = ResendInvitationRequest { user_id, delivery, ..Default::default() };
                let answer = inviter(connection).await?.resend_invitation(request).await?.into_inner();
                let view = View::One("", if returned { RETURNED } else { SENT });
                Answer::message("rolecall.identity.v1.ResendInvitationResponse", &answer, view)
            }
            Self::Revoke { invitation_id } => {
                let request = RevokeInvitationRequest { invitation_id, ..Default::default() };
                inviter(connection).await?.revoke_invitation(request).await?;
                Ok(Answer::sentence("the invitation has ended"))
            }
        }
    }
}

async fn inviter(connection: &Connection) -> Result<UserServiceClient<Wire>, Failure> {
    Ok(UserServiceClient::new(connection.signed_in().await?))
}

async fn show(secrets: Secrets, connection: &Connection) -> Result<Answer, Failure> {
    let code = secrets.read("Code from the mail")?;
    let request = GetInvitationRequest { code: code.expose_secret().trim().to_owned() };
    let mut client = RegistrationServiceClient::new(connection.public());
    let answer = client.get_invitation(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.GetInvitationResponse", &answer, View::One("", INVITATION))
}

async fn accept(secrets: Secrets, connection: &Connection) -> Result<Answer, Failure> {
    let code = secrets.read("Code from the mail")?;
    let password = secrets.read_new("New password (15 characters or more)")?;
    let request = AcceptInvitationRequest {
        code: code.expose_secret().trim().to_owned(),
        password: password.expose_secret().to_owned(),
        password_confirmation: password.expose_secret().to_owned(),
    };
    let mut client = RegistrationServiceClient::new(connection.public());
    let answer = client.accept_invitation(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.AcceptInvitationResponse", &answer, View::One("user", USER))
}
