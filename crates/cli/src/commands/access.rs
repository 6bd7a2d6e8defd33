//! Who may do what.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::access_service_client::AccessServiceClient;
use rolecall_api::organization::v1::resource::Resource as Kind;
use rolecall_api::organization::v1::{CheckAccessRequest, GetMyAccessRequest, Resource};

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const DECISION: &[Column] = &[
    Column("allowed", "allowed", ""),
    Column("reason", "reason", "ACCESS_REASON_"),
    Column("roles", "roles", ""),
    Column("revision", "revision", ""),
];

const MINE: &[Column] = &[
    Column("subject", "subjectId", ""),
    Column("organization", "organizationId", ""),
    Column("roles", "roles", ""),
    Column("revision", "revision", ""),
];

const GRANTS: &[Column] = &[Column("PERMISSION", "permission", ""), Column("WHERE", "scope", "PERMISSION_SCOPE_")];

/// Ask whether somebody may do something, and what you may do yourself
#[derive(Debug, Args)]
pub struct Access {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide whether a subject holds a permission on an organization or on a person's record; exits with 3 when not
    #[command(after_help = "Examples:
  rolecall access check 01890a5d-ac96-774b-bcce-b302099a8057 organization.datasets.register --organization 01890a5d-ac96-774b-bcce-b302099a8058
  rolecall access check 01890a5d-ac96-774b-bcce-b302099a8057 identity.users.get --user 01890a5d-ac96-774b-bcce-b302099a8057")]
    Check(Check),
    /// Show your own organization, roles and permissions
    #[command(after_help = "Examples:
  rolecall access mine")]
    Mine,
}

/// What `access check` takes.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Id of the user or service account that wants to act
    subject_id: String,
    /// The permission that it needs
    permission: String,
    /// The organization that it wants to act on
    #[arg(long, value_name = "ID", required_unless_present = "user", conflicts_with = "user")]
    organization: Option<String>,
    /// The person's record that it wants to act on
    #[arg(long, value_name = "ID")]
    user: Option<String>,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<(Answer, ExitCode), Failure> {
        let mut client = AccessServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Check(check) => {
                let answer = client.check_access(check.into_request()).await?.into_inner();
                let code = if answer.allowed { ExitCode::SUCCESS } else { Failure::Refused.exit_code() };
                let view = View::One("", DECISION);
                Ok((Answer::message("rolecall.organization.v1.CheckAccessResponse", &answer, view)?, code))
            }
            Self::Mine => {
                let answer = client.get_my_access(GetMyAccessRequest {}).await?.into_inner();
                let view = View::Nested("", MINE, "grants", GRANTS);
                let answer = Answer::message("rolecall.organization.v1.GetMyAccessResponse", &answer, view)?;
                Ok((answer, ExitCode::SUCCESS))
            }
        }
    }
}

impl Check {
    fn into_request(self) -> CheckAccessRequest {
        let kind = self.organization.map(Kind::OrganizationId).or(self.user.map(Kind::UserId));
        let resource = Some(Resource { resource: kind });
        CheckAccessRequest { subject_id: self.subject_id, permission: self.permission, resource }
    }
}
