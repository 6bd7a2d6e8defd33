//! Administrators of the instance.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::member_service_client::MemberServiceClient;
use rolecall_api::organization::v1::{GrantAdminRequest, ListAdminsRequest, RevokeAdminRequest};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const MEMBER: &[Column] = &[
    Column("user id", "userId", ""),
    Column("organization", "organizationId", ""),
    Column("roles", "roles", ""),
    Column("state", "state", "MEMBER_STATE_"),
];

const LIST: &[Column] = &[
    Column("USER ID", "userId", ""),
    Column("ORGANIZATION", "organizationId", ""),
    Column("ROLES", "roles", ""),
    Column("BLOCKED SINCE", "block.createTime", ""),
];

/// List, grant and revoke the administration of the instance
#[derive(Debug, Args)]
pub struct Admins {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the administrators
    #[command(after_help = "Examples:
  rolecall admins list")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Make a member an administrator; all administrators are told
    #[command(after_help = "Examples:
  rolecall admins grant 01890a5d-ac96-774b-bcce-b302099a8057")]
    Grant {
        /// Id of the account
        user_id: String,
    },
    /// Take the administration from a member; all administrators are told
    #[command(after_help = "Examples:
  rolecall admins revoke 01890a5d-ac96-774b-bcce-b302099a8057")]
    Revoke {
        /// Id of the account
        user_id: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = MemberServiceClient::new(connection.signed_in().await?);
        let member = || View::One("member", MEMBER);
        match self {
            Self::List { page: PageArgs { page_size, page_token } } => {
                let answer = client.list_admins(ListAdminsRequest { page_size, page_token }).await?.into_inner();
                Answer::message("rolecall.organization.v1.ListAdminsResponse", &answer, View::List("members", LIST))
            }
            Self::Grant { user_id } => {
                let request = GrantAdminRequest { user_id, ..Default::default() };
                let answer = client.grant_admin(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.GrantAdminResponse", &answer, member())
            }
            Self::Revoke { user_id } => {
                let request = RevokeAdminRequest { user_id, ..Default::default() };
                let answer = client.revoke_admin(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.RevokeAdminResponse", &answer, member())
            }
        }
    }
}
