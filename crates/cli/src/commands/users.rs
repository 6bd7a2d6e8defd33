//! Accounts of people.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::identity::v1::{CreateUserRequest, GetUserRequest, ListUsersRequest, ResendInvitationRequest};

use super::{NameArgs, PageArgs};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

/// What is shown of one account.
pub(crate) const USER: &[Column] = &[
    Column("user id", "userId", ""),
    Column("e-mail", "email", ""),
    Column("name", "name", ""),
    Column("institution", "institution", ""),
    Column("organization", "organizationId", ""),
    Column("state", "state", "USER_STATE_"),
    Column("roles", "roles", ""),
    Column("blocked", "blocked", ""),
    Column("last login", "lastLoginTime", ""),
];

const LIST: &[Column] = &[
    Column("USER ID", "userId", ""),
    Column("E-MAIL", "email", ""),
    Column("NAME", "name", ""),
    Column("STATE", "state", "USER_STATE_"),
    Column("ROLES", "roles", ""),
    Column("BLOCKED", "blocked", ""),
];

pub(crate) const INVITATION: &[Column] =
    &[Column("invitation", "invitationId", ""), Column("user id", "userId", ""), Column("ends", "expireTime", "")];

/// Create, read and list accounts
#[derive(Debug, Args)]
pub struct Users {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an account and invite its person by mail
    #[command(after_help = "Examples:
  rolecall users create --email grace@example.org --given-name Grace --family-name Hopper --role DATA_STEWARD --role DATA_SCIENTIST
  rolecall users create --organization 01890a5d-ac96-774b-bcce-b302099a8057 --email joan@example.org --given-name Joan --family-name Clarke --role GUEST --validate-only")]
    Create(Box<Create>),
    /// Show one account
    #[command(after_help = "Examples:
  rolecall users get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the account
        user_id: String,
    },
    /// List accounts in order of creation
    #[command(after_help = "Examples:
  rolecall users list
  rolecall users list --organization - --page-size 100 --output json")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Send a new invitation to somebody who has not accepted yet; the code sent before ends
    #[command(after_help = "Examples:
  rolecall users resend-invitation 01890a5d-ac96-774b-bcce-b302099a8057")]
    ResendInvitation {
        /// Id of the account
        user_id: String,
    },
}

/// What `users create` takes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Id of the organization; your own when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    organization: String,
    /// E-mail address
    #[arg(long)]
    email: String,
    #[command(flatten)]
    name: NameArgs,
    /// Where the person works
    #[arg(long, default_value = "", hide_default_value = true)]
    institution: String,
    /// Web address of the person
    #[arg(long, default_value = "", hide_default_value = true)]
    website: String,
    /// A role to hold: OWNER, `DATA_STEWARD`, `DATA_SCIENTIST` or GUEST; may be repeated
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// Check everything and change nothing
    #[arg(long)]
    validate_only: bool,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = UserServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Create(create) => {
                let answer = client.create_user(create.into_request()).await?.into_inner();
                Answer::message("rolecall.identity.v1.CreateUserResponse", &answer, View::One("user", USER))
            }
            Self::Get { user_id } => {
                let answer = client.get_user(GetUserRequest { user_id }).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetUserResponse", &answer, View::One("user", USER))
            }
            Self::List { organization, page } => {
                let PageArgs { page_size, page_token } = page;
                let request = ListUsersRequest { organization_id: organization, page_size, page_token };
                let answer = client.list_users(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.ListUsersResponse", &answer, View::List("users", LIST))
            }
            Self::ResendInvitation { user_id } => {
                let request = ResendInvitationRequest { user_id, ..Default::default() };
                let answer = client.resend_invitation(request).await?.into_inner();
                let view = View::One("invitation", INVITATION);
                Answer::message("rolecall.identity.v1.ResendInvitationResponse", &answer, view)
            }
        }
    }
}

impl Create {
    fn into_request(self) -> CreateUserRequest {
        CreateUserRequest {
            request_id: String::new(),
            organization_id: self.organization,
            email: self.email,
            name: self.name.name,
            given_name: self.name.given_name,
            family_name: self.name.family_name,
            institution: self.institution,
            website: self.website,
            roles: self.roles,
            validate_only: self.validate_only,
        }
    }
}
