//! Members of an organization: roles and blocks.

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use rolecall_api::organization::v1::member_service_client::MemberServiceClient;
use rolecall_api::organization::v1::{
    BlockMemberRequest, GetMemberRequest, ListMembersRequest, UnblockMemberRequest, UpdateMemberRolesRequest,
};

use super::{PageArgs, parse_time};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const MEMBER: &[Column] = &[
    Column("user id", "userId", ""),
    Column("organization", "organizationId", ""),
    Column("roles", "roles", ""),
    Column("state", "state", "MEMBER_STATE_"),
    Column("blocked since", "block.createTime", ""),
    Column("blocked until", "block.untilTime", ""),
    Column("blocked because", "block.reason", ""),
    Column("etag", "etag", ""),
];

const LIST: &[Column] = &[
    Column("USER ID", "userId", ""),
    Column("ORGANIZATION", "organizationId", ""),
    Column("ROLES", "roles", ""),
    Column("STATE", "state", "MEMBER_STATE_"),
    Column("BLOCKED SINCE", "block.createTime", ""),
];

/// Read memberships, change roles, block and unblock
#[derive(Debug, Args)]
pub struct Members {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a membership
    #[command(after_help = "Examples:
  rolecall members get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the account
        user_id: String,
    },
    /// List memberships in order of creation
    #[command(after_help = "Examples:
  rolecall members list
  rolecall members list --organization -
  rolecall members list --filter \"(role = OWNER OR role = ADMIN) AND blocked = false\"")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// Which members, such as `role = OWNER AND blocked = false`
        #[arg(long, default_value = "", hide_default_value = true)]
        filter: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Replace the roles of a member; the next call with an old token obeys
    #[command(after_help = "Examples:
  rolecall members set-roles 01890a5d-ac96-774b-bcce-b302099a8057 --role DATA_SCIENTIST --role GUEST")]
    SetRoles {
        /// Id of the account
        user_id: String,
        /// A role to hold: OWNER, `DATA_STEWARD`, `DATA_SCIENTIST`, GUEST or one that the organization composed; may be repeated
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// Refuse unless the membership still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Block a member: sessions end, calls and logins are refused
    #[command(after_help = "Examples:
  rolecall members block 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"Left the project\"
  rolecall members block 01890a5d-ac96-774b-bcce-b302099a8057 --reason Holiday --until 2027-01-31T12:00:00Z")]
    Block {
        /// Id of the account
        user_id: String,
        /// Why; the person is not told
        #[arg(long)]
        reason: String,
        /// When the block ends by itself
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        until: Option<Timestamp>,
    },
    /// Lift a block
    #[command(after_help = "Examples:
  rolecall members unblock 01890a5d-ac96-774b-bcce-b302099a8057")]
    Unblock {
        /// Id of the account
        user_id: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = MemberServiceClient::new(connection.signed_in().await?);
        let member = || View::One("member", MEMBER);
        match self {
            Self::Get { user_id } => {
                let answer = client.get_member(GetMemberRequest { user_id }).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetMemberResponse", &answer, member())
            }
            Self::List { organization, filter, page: PageArgs { page_size, page_token } } => {
                let request = ListMembersRequest { organization_id: organization, page_size, page_token, filter };
                let answer = client.list_members(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ListMembersResponse", &answer, View::List("members", LIST))
            }
            Self::SetRoles { user_id, roles, etag } => {
                let request = UpdateMemberRolesRequest { request_id: String::new(), user_id, roles, etag };
                let answer = client.update_member_roles(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.UpdateMemberRolesResponse", &answer, member())
            }
            Self::Block { user_id, reason, until } => {
                let request = BlockMemberRequest { request_id: String::new(), user_id, reason, until_time: until };
                let answer = client.block_member(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.BlockMemberResponse", &answer, member())
            }
            Self::Unblock { user_id } => {
                let request = UnblockMemberRequest { user_id, ..Default::default() };
                let answer = client.unblock_member(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.UnblockMemberResponse", &answer, member())
            }
        }
    }
}
