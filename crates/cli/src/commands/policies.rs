//! Asset policies: what opens datasets to people.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::asset_policy_service_client::AssetPolicyServiceClient;
use rolecall_api::organization::v1::{
    ActivateAssetPolicyRequest, AssetPolicy, Beneficiary, CreateAssetPolicyRequest, DeleteAssetPolicyRequest,
    GetAssetPolicyRequest, ListAssetPoliciesRequest, PrivacyControls, RevokeAssetPolicyRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const POLICY: &[Column] = &[
    Column("policy", "assetPolicyId", ""),
    Column("organization", "organizationId", ""),
    Column("name", "name", ""),
    Column("datasets", "datasetIds", ""),
    Column("model", "modelId", ""),
    Column("version", "modelVersion", ""),
    Column("bounds", "parameterBounds", ""),
    Column("state", "state", "ASSET_POLICY_STATE_"),
    Column("in force", "inForce", ""),
    Column("starts", "startTime", ""),
    Column("ends", "endTime", ""),
    Column("revoked", "revokeReason", ""),
    Column("etag", "etag", ""),
];

const BENEFICIARIES: &[Column] = &[
    Column("BENEFICIARY", "email", ""),
    Column("STATE", "state", "BENEFICIARY_STATE_"),
    Column("SINCE", "bindTime", ""),
];

const LIST: &[Column] = &[
    Column("POLICY", "assetPolicyId", ""),
    Column("NAME", "name", ""),
    Column("STATE", "state", "ASSET_POLICY_STATE_"),
    Column("IN FORCE", "inForce", ""),
    Column("CREATED", "createTime", ""),
];

/// Open datasets to people, of your organization or another
#[derive(Debug, Args)]
pub struct Policies {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What a policy says.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// Id of a dataset; once for each
    #[arg(long = "dataset", value_name = "ID", required = true)]
    datasets: Vec<String>,
    /// E-mail address of somebody to whom they are opened; once for each
    #[arg(long = "beneficiary", value_name = "EMAIL", required = true)]
    beneficiaries: Vec<String>,
    /// Id of the model
    #[arg(long, value_name = "ID")]
    model: String,
    /// Name of the version of the model
    #[arg(long, value_name = "NAME")]
    model_version: String,
    /// What the parameters must fulfil, a JSON Schema
    #[arg(long, default_value = "", hide_default_value = true, value_name = "JSON")]
    bounds: String,
    /// The fewest persons that any output may stand on
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "COUNT")]
    minimum_cohort: i32,
    /// A person reviews each output before it is released
    #[arg(long)]
    output_review: bool,
    /// What else is to be kept to, such as no-export; once for each
    #[arg(long = "obligation", value_name = "NAME")]
    obligations: Vec<String>,
}

impl Terms {
    fn named(self, name: String) -> AssetPolicy {
        let beneficiary = |email| Beneficiary { email, ..Default::default() };
        AssetPolicy {
            name,
            dataset_ids: self.datasets,
            beneficiaries: self.beneficiaries.into_iter().map(beneficiary).collect(),
            model_id: self.model,
            model_version: self.model_version,
            parameter_bounds: self.bounds,
            privacy_controls: Some(PrivacyControls {
                minimum_cohort_size: self.minimum_cohort,
                privacy_budget: None,
                output_review_required: self.output_review,
                obligations: self.obligations,
            }),
            ..Default::default()
        }
    }
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a policy as a draft, which opens nothing yet
    #[command(after_help = "Examples:
  rolecall policies create \"Trial 7\" --dataset 01890a5d-ac96-774b-bcce-b302099a8057 --beneficiary grace@example.org --model 01890a5d-ac96-774b-bcce-b302099a8058 --model-version 1.0 --minimum-cohort 10")]
    Create {
        /// Name
        name: String,
        #[command(flatten)]
        terms: Box<Terms>,
    },
    /// Show a policy with its beneficiaries
    #[command(after_help = "Examples:
  rolecall policies get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the policy
        asset_policy_id: String,
    },
    /// List policies in order of creation
    #[command(after_help = "Examples:
  rolecall policies list
  rolecall policies list --dataset 01890a5d-ac96-774b-bcce-b302099a8057")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// Only those that open this dataset
        #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
        dataset: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Put a draft in force
    #[command(after_help = "Examples:
  rolecall policies activate 01890a5d-ac96-774b-bcce-b302099a8057 --etag v1")]
    Activate {
        /// Id of the policy
        asset_policy_id: String,
        /// Refuse unless the policy still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Revoke a policy for ever, with all that stands on it
    #[command(after_help = "Examples:
  rolecall policies revoke 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"the study is over\"")]
    Revoke {
        /// Id of the policy
        asset_policy_id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Delete a draft or a revoked policy
    #[command(after_help = "Examples:
  rolecall policies delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the policy
        asset_policy_id: String,
    },
}

const fn policy() -> View {
    View::Nested("assetPolicy", POLICY, "beneficiaries", BENEFICIARIES)
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = AssetPolicyServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Create { name, terms } => {
                let request = CreateAssetPolicyRequest { asset_policy: Some(terms.named(name)), ..Default::default() };
                let answer = client.create_asset_policy(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.CreateAssetPolicyResponse", &answer, policy())
            }
            Self::Get { asset_policy_id } => {
                let answer = client.get_asset_policy(GetAssetPolicyRequest { asset_policy_id }).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetAssetPolicyResponse", &answer, policy())
            }
            Self::List { organization: organization_id, dataset: dataset_id, page } => {
                let PageArgs { page_size, page_token } = page;
                let request = ListAssetPoliciesRequest { organization_id, page_size, page_token, dataset_id, state: 0 };
                let answer = client.list_asset_policies(request).await?.into_inner();
                let view = View::List("assetPolicies", LIST);
                Answer::message("rolecall.organization.v1.ListAssetPoliciesResponse", &answer, view)
            }
            Self::Activate { asset_policy_id, etag } => {
                let request = ActivateAssetPolicyRequest { asset_policy_id, etag, ..Default::default() };
                let answer = client.activate_asset_policy(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ActivateAssetPolicyResponse", &answer, policy())
            }
            Self::Revoke { asset_policy_id, reason } => {
                let request = RevokeAssetPolicyRequest { asset_policy_id, reason, ..Default::default() };
                let answer = client.revoke_asset_policy(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.RevokeAssetPolicyResponse", &answer, policy())
            }
            Self::Delete { asset_policy_id } => {
                client.delete_asset_policy(DeleteAssetPolicyRequest { asset_policy_id, ..Default::default() }).await?;
                Ok(Answer::sentence("The policy is deleted."))
            }
        }
    }
}
