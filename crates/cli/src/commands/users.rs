//! Accounts of people.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::identity::v1::{
    DeleteUserRequest, GetUserRequest, ListUsersRequest, ResetUserFactorsRequest, UpdateUserRequest, User,
};

use super::PageArgs;
use super::new_user::{Create, SetPassword};
use super::profile::ProfileArgs;
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
    /// Create an account; its person is invited by mail unless another credential is given
    #[command(after_help = "Examples:
  rolecall users create --email grace@example.org --given-name Grace --family-name Hopper --role DATA_STEWARD --role DATA_SCIENTIST
  rolecall users create --organization 01890a5d-ac96-774b-bcce-b302099a8057 --email joan@example.org --given-name Joan --family-name Clarke --role GUEST --validate-only
  rolecall users create --email joan@example.org --given-name Joan --family-name Clarke --role GUEST --return-code
  rolecall users create --email joan@example.org --given-name Joan --family-name Clarke --role GUEST --password-stdin < password.txt
  rolecall users create --email joan@example.org --given-name Joan --family-name Clarke --role GUEST --hash-stdin < hash.txt")]
    Create(Box<Create>),
    /// Show one account
    #[command(after_help = "Examples:
  rolecall users get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the account
        user_id: String,
    },
    /// List accounts, in order of creation unless `--order-by` says otherwise
    #[command(after_help = "Examples:
  rolecall users list
  rolecall users list --filter lovelace
  rolecall users list --filter \"state = INVITED AND email : 'ada*'\" --order-by \"name desc\"
  rolecall users list --organization - --page-size 100 --output json")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// Which accounts: words of names, address or institution, or comparisons joined by AND, and by OR within one
        /// field: email, name, `given_name`, `family_name`, institution, state, `create_time`, `last_login_time`
        #[arg(long, default_value = "", hide_default_value = true)]
        filter: String,
        /// `create_time`, email or name, each also with desc
        #[arg(long, default_value = "", hide_default_value = true)]
        order_by: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Change an account; only what you name changes, and all of it or nothing
    #[command(after_help = "Examples:
  rolecall users update 01890a5d-ac96-774b-bcce-b302099a8057 --institution \"Royal Society\"
  rolecall users update 01890a5d-ac96-774b-bcce-b302099a8057 --email countess@example.org --role DATA_STEWARD --validate-only")]
    Update(Box<Update>),
    /// Remove the second factors of somebody who lost them; all sessions of the person end
    #[command(after_help = "Examples:
  rolecall users reset-factors 01890a5d-ac96-774b-bcce-b302099a8057")]
    ResetFactors {
        /// Id of the account
        user_id: String,
    },
    /// Delete an account; its sessions, codes and keys end at once
    #[command(after_help = "Examples:
  rolecall users delete 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall users delete 01890a5d-ac96-774b-bcce-b302099a8057 --erase")]
    Delete {
        /// Id of the account
        user_id: String,
        /// Also erase what is personal about it, in the audit log as well; nothing brings that back
        #[arg(long)]
        erase: bool,
        /// Change nothing unless this still is the version of the account, as `users get --output json` tells it
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Set the password of somebody else; all sessions of the person end, and a mail tells so
    #[command(after_help = "The password is asked for, or read from standard input.

Examples:
  rolecall users set-password 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall users set-password 01890a5d-ac96-774b-bcce-b302099a8057 --change advised --password-stdin < password.txt")]
    SetPassword(SetPassword),
}

/// What `users update` takes.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Id of the account
    user_id: String,
    #[command(flatten)]
    profile: ProfileArgs,
    /// Another e-mail address; both addresses are told, and all sessions end
    #[arg(long)]
    email: Option<String>,
    /// A role to hold: OWNER, `DATA_STEWARD`, `DATA_SCIENTIST` or GUEST; may be repeated, and replaces those held now
    #[arg(long = "role")]
    roles: Vec<String>,
    /// Change nothing unless this still is the version of the account, as `users get --output json` tells it
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    /// Check everything and change nothing
    #[arg(long)]
    validate_only: bool,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = UserServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Create(create) => create.run(&mut client).await,
            Self::SetPassword(set) => set.run(&mut client).await,
            Self::Delete { user_id, erase, etag } => {
                client.delete_user(DeleteUserRequest { user_id, erase, etag, ..Default::default() }).await?;
                Ok(Answer::sentence(if erase {
                    "the account is deleted, and what is personal about it is erased"
                } else {
                    "the account is deleted; its address stays reserved for a while"
                }))
            }
            Self::Get { user_id } => {
                let answer = client.get_user(GetUserRequest { user_id }).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetUserResponse", &answer, View::One("user", USER))
            }
            Self::List { organization, filter, order_by, page } => {
                let PageArgs { page_size, page_token } = page;
                let organization_id = organization;
                let request = ListUsersRequest { organization_id, page_size, page_token, filter, order_by };
                let answer = client.list_users(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.ListUsersResponse", &answer, View::List("users", LIST))
            }
            Self::ResetFactors { user_id } => {
                client.reset_user_factors(ResetUserFactorsRequest { user_id, ..Default::default() }).await?;
                Ok(Answer::sentence("the second factors are removed, and the sessions have ended"))
            }
            Self::Update(update) => {
                let answer = client.update_user(update.into_request()).await?.into_inner();
                Answer::message("rolecall.identity.v1.UpdateUserResponse", &answer, View::One("user", USER))
            }
        }
    }
}

impl Update {
    fn into_request(self) -> UpdateUserRequest {
        let (user, mut mask) = self.profile.into_user();
        mask.paths.extend(self.email.iter().map(|_| "email".to_owned()));
        mask.paths.extend((!self.roles.is_empty()).then(|| "roles".to_owned()));
        let email = self.email.unwrap_or_default();
        let user = User { user_id: self.user_id, email, roles: self.roles, etag: self.etag, ..user };
        UpdateUserRequest {
            user: Some(user),
            update_mask: Some(mask),
            validate_only: self.validate_only,
            ..Default::default()
        }
    }
}
