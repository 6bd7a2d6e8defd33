//! Compute specs: what people want to compute, and who allows it.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::compute_spec_service_client::ComputeSpecServiceClient;
use rolecall_api::organization::v1::{
    ApproveComputeSpecRequest, ComputeSpec, CreateComputeSpecRequest, GetComputeSpecRequest, ListComputeSpecsRequest,
    RejectComputeSpecRequest, SubmitComputeSpecRequest, WithdrawComputeSpecRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const SPEC: &[Column] = &[
    Column("spec", "computeSpecId", ""),
    Column("organization", "organizationId", ""),
    Column("creator", "creatorId", ""),
    Column("name", "name", ""),
    Column("model", "modelId", ""),
    Column("version", "modelVersion", ""),
    Column("parameters", "parameters", ""),
    Column("state", "state", "COMPUTE_SPEC_STATE_"),
    Column("revoked by", "revokeCause", "COMPUTE_SPEC_REVOKE_CAUSE_"),
    Column("etag", "etag", ""),
    Column("submitted", "submitTime", ""),
    Column("expires", "expireTime", ""),
    Column("created", "createTime", ""),
];

const PARTS: &[Column] = &[
    Column("ORGANIZATION", "organizationId", ""),
    Column("DATASETS", "datasetIds", ""),
    Column("STATE", "state", "COMPUTE_SPEC_PART_STATE_"),
    Column("REASON", "rejectReason", ""),
    Column("DECIDED", "decideTime", ""),
];

const LIST: &[Column] = &[
    Column("SPEC", "computeSpecId", ""),
    Column("NAME", "name", ""),
    Column("CREATOR", "creatorId", ""),
    Column("STATE", "state", "COMPUTE_SPEC_STATE_"),
    Column("CREATED", "createTime", ""),
];

/// Say what to compute on which datasets, and allow it
#[derive(Debug, Args)]
pub struct Specs {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a compute spec as a draft
    #[command(after_help = "Examples:
  rolecall specs create \"Means\" --model 01890a5d-ac96-774b-bcce-b302099a8057 --model-version 1.0 --dataset 01890a5d-ac96-774b-bcce-b302099a8058
  rolecall specs create \"Means\" --model 01890a5d-ac96-774b-bcce-b302099a8057 --model-version 1.0 --dataset 01890a5d-ac96-774b-bcce-b302099a8058 --parameters \"$(cat parameters.json)\"")]
    Create {
        /// Name
        name: String,
        /// Id of the model
        #[arg(long, value_name = "ID")]
        model: String,
        /// Name of the version of the model
        #[arg(long, value_name = "NAME")]
        model_version: String,
        /// Id of a dataset; once for each
        #[arg(long = "dataset", value_name = "ID", required = true)]
        datasets: Vec<String>,
        /// The parameters, a JSON object
        #[arg(long, default_value = "", hide_default_value = true, value_name = "JSON")]
        parameters: String,
    },
    /// Submit a draft for review
    #[command(after_help = "Examples:
  rolecall specs submit 01890a5d-ac96-774b-bcce-b302099a8057")]
    Submit {
        /// Id of the spec
        compute_spec_id: String,
    },
    /// Withdraw a spec of your own
    #[command(after_help = "Examples:
  rolecall specs withdraw 01890a5d-ac96-774b-bcce-b302099a8057")]
    Withdraw {
        /// Id of the spec
        compute_spec_id: String,
    },
    /// Show a spec, as much of it as you may see; its obligations and runs with --output json
    #[command(after_help = "Examples:
  rolecall specs get 01890a5d-ac96-774b-bcce-b302099a8057 --output json")]
    Get {
        /// Id of the spec
        compute_spec_id: String,
    },
    /// List the specs that you may see, in order of creation
    #[command(after_help = "Examples:
  rolecall specs list
  rolecall specs list --organization - --awaiting-review")]
    List {
        /// Id of the organization of the creators; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// Only those that wait for a decision of your organization
        #[arg(long)]
        awaiting_review: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Approve the part that touches the datasets of your organization
    #[command(after_help = "Examples:
  rolecall specs approve 01890a5d-ac96-774b-bcce-b302099a8057")]
    Approve {
        /// Id of the spec
        compute_spec_id: String,
        /// Refuse unless the spec still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Reject the part that touches the datasets of your organization, and so the spec
    #[command(after_help = "Examples:
  rolecall specs reject 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"too many epochs\"")]
    Reject {
        /// Id of the spec
        compute_spec_id: String,
        /// Why; the creator reads it
        #[arg(long)]
        reason: String,
    },
}

const fn spec() -> View {
    View::Nested("computeSpec", SPEC, "parts", PARTS)
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = ComputeSpecServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Create { name, model: model_id, model_version, datasets: dataset_ids, parameters } => {
                let told = ComputeSpec { name, model_id, model_version, dataset_ids, parameters, ..Default::default() };
                let request = CreateComputeSpecRequest { compute_spec: Some(told), ..Default::default() };
                let answer = client.create_compute_spec(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.CreateComputeSpecResponse", &answer, spec())
            }
            Self::Submit { compute_spec_id } => {
                let request = SubmitComputeSpecRequest { compute_spec_id, ..Default::default() };
                let answer = client.submit_compute_spec(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.SubmitComputeSpecResponse", &answer, spec())
            }
            Self::Withdraw { compute_spec_id } => {
                let request = WithdrawComputeSpecRequest { compute_spec_id, ..Default::default() };
                let answer = client.withdraw_compute_spec(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.WithdrawComputeSpecResponse", &answer, spec())
            }
            Self::Get { compute_spec_id } => {
                let answer = client.get_compute_spec(GetComputeSpecRequest { compute_spec_id }).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetComputeSpecResponse", &answer, spec())
            }
            Self::List { organization: organization_id, awaiting_review, page: PageArgs { page_size, page_token } } => {
                let request =
                    ListComputeSpecsRequest { organization_id, page_size, page_token, state: 0, awaiting_review };
                let answer = client.list_compute_specs(request).await?.into_inner();
                let view = View::List("computeSpecs", LIST);
                Answer::message("rolecall.organization.v1.ListComputeSpecsResponse", &answer, view)
            }
            Self::Approve { compute_spec_id, etag } => {
                let request = ApproveComputeSpecRequest { compute_spec_id, etag, ..Default::default() };
                let answer = client.approve_compute_spec(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ApproveComputeSpecResponse", &answer, spec())
            }
            Self::Reject { compute_spec_id, reason } => {
                let request = RejectComputeSpecRequest { compute_spec_id, reason, ..Default::default() };
                let answer = client.reject_compute_spec(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.RejectComputeSpecResponse", &answer, spec())
            }
        }
    }
}
