//! Permissions: which there are, who holds them, and those of other backends.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::role_service_client::RoleServiceClient;
use rolecall_api::organization::v1::{
    GetPermissionTableRequest, ListPermissionsRequest, PermissionDefinition, RegisterPermissionsRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const LIST: &[Column] = &[
    Column("PERMISSION", "name", ""),
    Column("COMPOSABLE", "composable", ""),
    Column("WHAT IT ALLOWS", "description", ""),
];

const TABLE: &[Column] =
    &[Column("PERMISSION", "permission.name", ""), Column("HELD BY", "holders", "PERMISSION_PLACE_")];

const REGISTERED: &[Column] = &[
    Column("added", "addedPermissions", ""),
    Column("removed", "removedPermissions", ""),
    Column("changed roles", "changedRoleCount", ""),
    Column("changed service accounts", "changedServiceAccountCount", ""),
    Column("revision", "revision", ""),
];

/// See which permissions there are and who holds them, and register those of a backend
#[derive(Debug, Args)]
pub struct Permissions {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all permissions by name
    #[command(after_help = "Examples:
  rolecall permissions list
  rolecall permissions list --namespace organization --page-size 1000")]
    List {
        /// Those of this namespace alone
        #[arg(long, default_value = "", hide_default_value = true)]
        namespace: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show which role holds which permission; where is told by --output json
    #[command(after_help = "Examples:
  rolecall permissions table --page-size 1000
  rolecall permissions table --page-size 1000 --output json")]
    Table {
        /// Id of the organization whose composed roles are shown; your own when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Say which permissions a backend has, all of a namespace at once; what is left out ends
    #[command(after_help = "Examples:
  rolecall permissions register pipelines --permission \"pipelines.runs.start=Start runs\" --check
  rolecall permissions register pipelines --permission \"pipelines.runs.start=Start runs\" --owner 01890a5d-ac96-774b-bcce-b302099a8057")]
    Register {
        /// The namespace
        namespace: String,
        /// A permission and what it allows; may be repeated
        #[arg(long = "permission", value_name = "NAME=DESCRIPTION", value_parser = parse_definition)]
        permissions: Vec<PermissionDefinition>,
        /// The service account of the instance that the namespace belongs to from now on
        #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
        owner: String,
        /// Check everything and change nothing
        #[arg(long)]
        check: bool,
    },
}

fn parse_definition(text: &str) -> Result<PermissionDefinition, String> {
    let (name, description) = text.split_once('=').ok_or("write it like pipelines.runs.start=\"Start runs\"")?;
    Ok(PermissionDefinition { name: name.to_owned(), description: description.to_owned() })
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = RoleServiceClient::new(connection.signed_in().await?);
        match self {
            Self::List { namespace, page: PageArgs { page_size, page_token } } => {
                let request = ListPermissionsRequest { page_size, page_token, namespace };
                let answer = client.list_permissions(request).await?.into_inner();
                let view = View::List("permissions", LIST);
                Answer::message("rolecall.organization.v1.ListPermissionsResponse", &answer, view)
            }
            Self::Table { organization, page: PageArgs { page_size, page_token } } => {
                let request = GetPermissionTableRequest { organization_id: organization, page_size, page_token };
                let answer = client.get_permission_table(request).await?.into_inner();
                let view = View::List("rows", TABLE);
                Answer::message("rolecall.organization.v1.GetPermissionTableResponse", &answer, view)
            }
            Self::Register { namespace, permissions, owner, check } => {
                let request = RegisterPermissionsRequest {
                    request_id: String::new(),
                    namespace,
                    permissions,
                    service_account_id: owner,
                    validate_only: check,
                };
                let answer = client.register_permissions(request).await?.into_inner();
                let view = View::One("", REGISTERED);
                Answer::message("rolecall.organization.v1.RegisterPermissionsResponse", &answer, view)
            }
        }
    }
}
