//! Who may do what.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use rolecall_api::organization::v1::access_service_client::AccessServiceClient;
use rolecall_api::organization::v1::resource::Resource as Kind;
use rolecall_api::organization::v1::{
    CheckAccessRequest, Consistency, ExplainAccessRequest, GetMyAccessRequest, ListAccessibleResourcesRequest,
    Resource, ResourceType, consistency,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const DECISION: &[Column] = &[
    Column("allowed", "allowed", ""),
    Column("reason", "reason", "ACCESS_REASON_"),
    Column("rule", "rule", ""),
    Column("roles", "roles", ""),
    Column("only as administrator", "onlyAsAdministrator", ""),
    Column("revision", "revision", ""),
];

const EXPLAINED: &[Column] = &[
    Column("allowed", "decision.allowed", ""),
    Column("reason", "decision.reason", "ACCESS_REASON_"),
    Column("rule", "decision.rule", ""),
    Column("roles", "decision.roles", ""),
    Column("revision", "decision.revision", ""),
];

const MISSING: &[Column] = &[Column("MISSING", "demand", "ACCESS_DEMAND_"), Column("FACT", "fact", "")];

const LISTED: &[Column] = &[Column("resources", "resourceIds", ""), Column("revision", "revision", "")];

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
    /// Decide whether a subject holds a permission on an organization, a person's record, a dataset, a model or an asset
    /// policy; exits with 3 when not
    #[command(after_help = "Examples:
  rolecall access check 01890a5d-ac96-774b-bcce-b302099a8057 organization.datasets.register --organization 01890a5d-ac96-774b-bcce-b302099a8058
  rolecall access check 01890a5d-ac96-774b-bcce-b302099a8057 identity.users.get --user 01890a5d-ac96-774b-bcce-b302099a8057")]
    Check(Check),
    /// Decide it, and tell what is missing; with `--output json` every rule and the fact behind each demand
    #[command(after_help = "Examples:
  rolecall access explain 01890a5d-ac96-774b-bcce-b302099a8057 organization.datasets.get --dataset 01890a5d-ac96-774b-bcce-b302099a8058")]
    Explain(Check),
    /// List all resources of a type on which a subject may use a permission
    #[command(after_help = "Examples:
  rolecall access list 01890a5d-ac96-774b-bcce-b302099a8057 organization.datasets.get --type dataset")]
    List {
        /// Id of the user or service account that wants to act
        subject_id: String,
        /// The permission that it needs
        permission: String,
        /// What is listed
        #[arg(long = "type", value_name = "TYPE")]
        kind: Type,
        #[command(flatten)]
        page: PageArgs,
    },
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
    #[command(flatten)]
    resource: ResourceArgs,
    /// Be answered at this point or newer: the `consistencyToken` or `revision` of an answer
    #[arg(long, value_name = "TOKEN")]
    at_least: Option<String>,
}

/// What somebody wants to act on: one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ResourceArgs {
    /// The organization that it wants to act on
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// The person's record that it wants to act on
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// The dataset that it wants to act on
    #[arg(long, value_name = "ID")]
    dataset: Option<String>,
    /// The model that it wants to act on
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// The asset policy that it wants to act on
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
}

/// Types of resources.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Type {
    /// Organizations
    Organization,
    /// Records of people
    User,
    /// Datasets
    Dataset,
    /// Models
    Model,
    /// Asset policies
    Policy,
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
            Self::Explain(check) => {
                let CheckAccessRequest { subject_id, permission, resource, consistency } = check.into_request();
                let request = ExplainAccessRequest { subject_id, permission, resource, consistency };
                let answer = client.explain_access(request).await?.into_inner();
                let view = View::Nested("", EXPLAINED, "nearestMiss", MISSING);
                let answer = Answer::message("rolecall.organization.v1.ExplainAccessResponse", &answer, view)?;
                Ok((answer, ExitCode::SUCCESS))
            }
            Self::List { subject_id, permission, kind, page: PageArgs { page_size, page_token } } => {
                let resource_type = ResourceType::from(kind).into();
                let consistency = None;
                let request = ListAccessibleResourcesRequest {
                    subject_id,
                    permission,
                    resource_type,
                    consistency,
                    page_size,
                    page_token,
                };
                let answer = client.list_accessible_resources(request).await?.into_inner();
                let name = "rolecall.organization.v1.ListAccessibleResourcesResponse";
                Ok((Answer::message(name, &answer, View::One("", LISTED))?, ExitCode::SUCCESS))
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
        let Self { subject_id, permission, resource, at_least } = self;
        let ResourceArgs { organization, user, dataset, model, policy } = resource;
        let kind = organization.map(Kind::OrganizationId).or(user.map(Kind::UserId));
        let kind = kind.or(dataset.map(Kind::DatasetId)).or(model.map(Kind::ModelId));
        let resource = Some(Resource { resource: kind.or(policy.map(Kind::AssetPolicyId)) });
        let demand = at_least.map(consistency::Demand::AtLeast);
        let consistency = demand.map(|demand| Consistency { demand: Some(demand) });
        CheckAccessRequest { subject_id, permission, resource, consistency }
    }
}

impl From<Type> for ResourceType {
    fn from(kind: Type) -> Self {
        match kind {
            Type::Organization => Self::Organization,
            Type::User => Self::User,
            Type::Dataset => Self::Dataset,
            Type::Model => Self::Model,
            Type::Policy => Self::AssetPolicy,
        }
    }
}
