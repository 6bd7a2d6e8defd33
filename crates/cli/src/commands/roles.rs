//! Roles: the built-in ones, and those that an organization composes.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use rolecall_api::organization::v1::role_service_client::RoleServiceClient;
use rolecall_api::organization::v1::{
    CreateRoleRequest, DeleteRoleRequest, GetRoleRequest, ListRolesRequest, Role, UpdateRoleRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const ROLE: &[Column] = &[
    Column("name", "name", ""),
    Column("organization", "organizationId", ""),
    Column("description", "description", ""),
    Column("built in", "builtIn", ""),
    Column("permissions", "permissions", ""),
    Column("etag", "etag", ""),
];

const LIST: &[Column] = &[
    Column("NAME", "name", ""),
    Column("BUILT IN", "builtIn", ""),
    Column("DESCRIPTION", "description", ""),
    Column("ETAG", "etag", ""),
];

const DELETED: &[Column] = &[Column("taken from", "holderCount", ""), Column("revision", "revision", "")];

/// Read roles, and compose roles of permissions
#[derive(Debug, Args)]
pub struct Roles {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// Of which organization.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Id of the organization; your own when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    organization: String,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List roles, the built-in ones first
    #[command(after_help = "Examples:
  rolecall roles list
  rolecall roles list --organization 01890a5d-ac96-774b-bcce-b302099a8057")]
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a role and what it holds
    #[command(after_help = "Examples:
  rolecall roles get OWNER
  rolecall roles get ANALYST")]
    Get {
        /// Name of the role
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Compose a role of permissions; nobody holds it yet
    #[command(after_help = "Examples:
  rolecall roles create PEOPLE --permission organization.members.list --permission identity.users.create
  rolecall roles create AUDITOR --permission organization.audit_events.list --description \"Reads the log\" --check")]
    Create {
        /// Name of the role: 3 to 50 capital letters, digits and underscores
        name: String,
        /// A permission to hold; may be repeated
        #[arg(long = "permission", required = true)]
        permissions: Vec<String>,
        /// What the role is for
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
        /// Check everything and change nothing
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Change what a role holds; the next call of everybody who holds it obeys
    #[command(after_help = "Examples:
  rolecall roles update AUDITOR --permission organization.audit_events.list --permission organization.members.list
  rolecall roles update AUDITOR --description \"Reads the log and the members\"")]
    Update {
        /// Name of the role
        name: String,
        /// A permission to hold, in the place of all held now; may be repeated
        #[arg(long = "permission", required_unless_present = "description")]
        permissions: Vec<String>,
        /// What the role is for; empty takes it away
        #[arg(long)]
        description: Option<String>,
        /// Refuse unless the role still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
        /// Check everything and change nothing
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a role
    #[command(after_help = "Examples:
  rolecall roles delete AUDITOR
  rolecall roles delete AUDITOR --take-from-holders")]
    Delete {
        /// Name of the role
        name: String,
        /// Take the role from everybody who holds it; who is left with none is a GUEST
        #[arg(long)]
        take_from_holders: bool,
        /// Refuse unless the role still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
        /// Check everything and change nothing
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        place: Place,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = RoleServiceClient::new(connection.signed_in().await?);
        let role = || View::One("role", ROLE);
        match self {
            Self::List { place: Place { organization }, page: PageArgs { page_size, page_token } } => {
                let request = ListRolesRequest { organization_id: organization, page_size, page_token };
                let answer = client.list_roles(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ListRolesResponse", &answer, View::List("roles", LIST))
            }
            Self::Get { name, place } => {
                let request = GetRoleRequest { organization_id: place.organization, name };
                let answer = client.get_role(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetRoleResponse", &answer, role())
            }
            Self::Create { name, permissions, description, check, place } => {
                let made =
                    Role { organization_id: place.organization, name, description, permissions, ..Role::default() };
                let request = CreateRoleRequest { role: Some(made), validate_only: check, ..Default::default() };
                let answer = client.create_role(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.CreateRoleResponse", &answer, role())
            }
            Self::Update { name, permissions, description, etag, check, place } => {
                let paths = [(!permissions.is_empty(), "permissions"), (description.is_some(), "description")];
                let paths = paths.into_iter().filter(|(meant, _)| *meant).map(|(_, path)| path.to_owned()).collect();
                let (organization_id, description) = (place.organization, description.unwrap_or_default());
                let after = Role { organization_id, name, description, permissions, etag, ..Role::default() };
                let request = UpdateRoleRequest {
                    request_id: String::new(),
                    role: Some(after),
                    update_mask: Some(FieldMask { paths }),
                    validate_only: check,
                };
                let answer = client.update_role(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.UpdateRoleResponse", &answer, role())
            }
            Self::Delete { name, take_from_holders, etag, check, place } => {
                let request = DeleteRoleRequest {
                    request_id: String::new(),
                    organization_id: place.organization,
                    name,
                    take_from_holders,
                    etag,
                    validate_only: check,
                };
                let answer = client.delete_role(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.DeleteRoleResponse", &answer, View::One("", DELETED))
            }
        }
    }
}
