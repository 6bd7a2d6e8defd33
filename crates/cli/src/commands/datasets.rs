//! The register of datasets.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::dataset_service_client::DatasetServiceClient;
use rolecall_api::organization::v1::{
    Dataset, DeleteDatasetRequest, GetDatasetRequest, ListDatasetsRequest, RegisterDatasetRequest, UpdateDatasetRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const DATASET: &[Column] = &[
    Column("dataset", "datasetId", ""),
    Column("organization", "organizationId", ""),
    Column("name", "name", ""),
    Column("description", "description", ""),
    Column("registrant", "registrantId", ""),
    Column("kept at", "storageUri", ""),
    Column("format", "format", ""),
    Column("etag", "etag", ""),
    Column("registered", "createTime", ""),
];

const LIST: &[Column] = &[
    Column("DATASET", "datasetId", ""),
    Column("NAME", "name", ""),
    Column("REGISTRANT", "registrantId", ""),
    Column("REGISTERED", "createTime", ""),
];

/// Keep the datasets of an organization
#[derive(Debug, Args)]
pub struct Datasets {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What a dataset is told to be.
#[derive(Debug, Args)]
pub(crate) struct Facts {
    /// What it holds
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// Where it is kept, such as `s3://bucket/name`
    #[arg(long, default_value = "", hide_default_value = true, value_name = "URI")]
    storage: String,
    /// What form it has, such as text/csv
    #[arg(long, default_value = "", hide_default_value = true)]
    format: String,
    /// Id of the account that manages it; only owners name another than themselves
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    registrant: String,
}

impl From<Facts> for Dataset {
    fn from(facts: Facts) -> Self {
        Self {
            description: facts.description,
            storage_uri: facts.storage,
            format: facts.format,
            registrant_id: facts.registrant,
            ..Self::default()
        }
    }
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a dataset
    #[command(after_help = "Examples:
  rolecall datasets register \"Trial 7\" --storage s3://trials/7 --format text/csv")]
    Register {
        /// Name, one of its kind in the organization
        name: String,
        #[command(flatten)]
        facts: Facts,
    },
    /// Show a dataset
    #[command(after_help = "Examples:
  rolecall datasets get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the dataset
        dataset_id: String,
    },
    /// List the datasets that you may see, in order of registration
    #[command(after_help = "Examples:
  rolecall datasets list
  rolecall datasets list --organization - --filter \"name = 'trial*'\"")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// Only those that match, by name or `registrant_id`
        #[arg(long, default_value = "", hide_default_value = true)]
        filter: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Change what is given of a dataset
    #[command(after_help = "Examples:
  rolecall datasets update 01890a5d-ac96-774b-bcce-b302099a8057 --name \"Trial 7, second year\"
  rolecall datasets update 01890a5d-ac96-774b-bcce-b302099a8057 --registrant 01890a5d-ac96-774b-bcce-b302099a8058")]
    Update {
        /// Id of the dataset
        dataset_id: String,
        /// The new name
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        #[command(flatten)]
        facts: Facts,
        /// Refuse unless the dataset still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Delete a dataset; the data itself stays where it is
    #[command(after_help = "Examples:
  rolecall datasets delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the dataset
        dataset_id: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = DatasetServiceClient::new(connection.signed_in().await?);
        let dataset = || View::One("dataset", DATASET);
        match self {
            Self::Register { name, facts } => {
                let told = Dataset { name, ..facts.into() };
                let request = RegisterDatasetRequest { dataset: Some(told), ..Default::default() };
                let answer = client.register_dataset(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.RegisterDatasetResponse", &answer, dataset())
            }
            Self::Get { dataset_id } => {
                let answer = client.get_dataset(GetDatasetRequest { dataset_id }).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetDatasetResponse", &answer, dataset())
            }
            Self::List { organization, filter, page: PageArgs { page_size, page_token } } => {
                let request = ListDatasetsRequest { organization_id: organization, filter, page_size, page_token };
                let answer = client.list_datasets(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ListDatasetsResponse", &answer, View::List("datasets", LIST))
            }
            Self::Update { dataset_id, name, facts, etag } => {
                let changed = Dataset { dataset_id, name, etag, ..facts.into() };
                let request = UpdateDatasetRequest { dataset: Some(changed), ..Default::default() };
                let answer = client.update_dataset(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.UpdateDatasetResponse", &answer, dataset())
            }
            Self::Delete { dataset_id } => {
                client.delete_dataset(DeleteDatasetRequest { dataset_id, ..Default::default() }).await?;
                Ok(Answer::sentence("The dataset is deleted; the data itself stays where it is."))
            }
        }
    }
}
