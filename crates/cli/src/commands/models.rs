//! The registry of models.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::model_service_client::ModelServiceClient;
use rolecall_api::organization::v1::{
    DeleteModelRequest, DeleteModelVersionRequest, GetModelRequest, ListModelsRequest, Model, ModelVersion,
    PublishModelVersionRequest, PutModelVersionRequest, RegisterModelRequest, UpdateModelRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const MODEL: &[Column] = &[
    Column("model", "modelId", ""),
    Column("organization", "organizationId", ""),
    Column("name", "name", ""),
    Column("description", "description", ""),
    Column("etag", "etag", ""),
    Column("registered", "createTime", ""),
];

const VERSIONS: &[Column] = &[
    Column("VERSION", "name", ""),
    Column("STATE", "state", "MODEL_VERSION_STATE_"),
    Column("ARTIFACT", "artifactUri", ""),
    Column("PUBLISHED", "publishTime", ""),
];

const LIST: &[Column] =
    &[Column("MODEL", "modelId", ""), Column("NAME", "name", ""), Column("REGISTERED", "createTime", "")];

/// Keep the models of an organization and their versions
#[derive(Debug, Args)]
pub struct Models {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a model, without versions yet
    #[command(after_help = "Examples:
  rolecall models register Regression --description \"Fits a line\"")]
    Register {
        /// Name, one of its kind in the organization
        name: String,
        /// What it does
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
    },
    /// Show a model with its versions
    #[command(after_help = "Examples:
  rolecall models get 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall models get 01890a5d-ac96-774b-bcce-b302099a8057 --output json")]
    Get {
        /// Id of the model
        model_id: String,
    },
    /// List models in order of registration
    #[command(after_help = "Examples:
  rolecall models list")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Give a model another name or description
    #[command(after_help = "Examples:
  rolecall models update 01890a5d-ac96-774b-bcce-b302099a8057 --name \"Linear regression\"")]
    Update {
        /// Id of the model
        model_id: String,
        /// The new name
        #[arg(long, default_value = "", hide_default_value = true, required_unless_present = "description")]
        name: String,
        /// The new description
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
        /// Refuse unless the model still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Delete a model with all its versions
    #[command(after_help = "Examples:
  rolecall models delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the model
        model_id: String,
    },
    /// Add a version as a draft, or replace a draft
    #[command(after_help = "Examples:
  rolecall models put-version 01890a5d-ac96-774b-bcce-b302099a8057 1.0 --schema parameters.json
  rolecall models put-version 01890a5d-ac96-774b-bcce-b302099a8057 1.0 --schema parameters.json --artifact oci://registry.example.org/regression:1.0")]
    PutVersion(Box<PutVersion>),
    /// Publish a draft; it never changes again
    #[command(after_help = "Examples:
  rolecall models publish 01890a5d-ac96-774b-bcce-b302099a8057 1.0")]
    Publish {
        /// Id of the model
        model_id: String,
        /// Name of the version
        version: String,
    },
    /// Delete a draft
    #[command(after_help = "Examples:
  rolecall models delete-version 01890a5d-ac96-774b-bcce-b302099a8057 1.0")]
    DeleteVersion {
        /// Id of the model
        model_id: String,
        /// Name of the version
        version: String,
    },
}

/// What `models put-version` takes.
#[derive(Debug, Args)]
pub(crate) struct PutVersion {
    /// Id of the model
    model_id: String,
    /// Name of the version
    version: String,
    /// File with the JSON Schema that parameters must fulfil
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Where the artifact is kept
    #[arg(long, default_value = "", hide_default_value = true, value_name = "URI")]
    artifact: String,
    /// Digest of the artifact, such as sha256:...
    #[arg(long, default_value = "", hide_default_value = true)]
    digest: String,
}

impl PutVersion {
    fn request(self) -> Result<PutModelVersionRequest, Failure> {
        let shown = self.schema.display();
        let read = std::fs::read_to_string(&self.schema);
        let parameter_schema = read.map_err(|error| Failure::local(format!("{shown} cannot be read"), error))?;
        let version = ModelVersion {
            name: self.version,
            parameter_schema,
            artifact_uri: self.artifact,
            artifact_digest: self.digest,
            ..Default::default()
        };
        Ok(PutModelVersionRequest { model_id: self.model_id, version: Some(version), ..Default::default() })
    }
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = ModelServiceClient::new(connection.signed_in().await?);
        let model = || View::Nested("model", MODEL, "versions", VERSIONS);
        match self {
            Self::Register { name, description } => {
                let request = RegisterModelRequest { name, description, ..Default::default() };
                let answer = client.register_model(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.RegisterModelResponse", &answer, model())
            }
            Self::Get { model_id } => {
                let answer = client.get_model(GetModelRequest { model_id }).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetModelResponse", &answer, model())
            }
            Self::List { organization, page: PageArgs { page_size, page_token } } => {
                let request = ListModelsRequest { organization_id: organization, page_size, page_token };
                let answer = client.list_models(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ListModelsResponse", &answer, View::List("models", LIST))
            }
            Self::Update { model_id, name, description, etag } => {
                let changed = Model { model_id, name, description, etag, ..Default::default() };
                let request = UpdateModelRequest { model: Some(changed), ..Default::default() };
                let answer = client.update_model(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.UpdateModelResponse", &answer, model())
            }
            Self::Delete { model_id } => {
                client.delete_model(DeleteModelRequest { model_id, ..Default::default() }).await?;
                Ok(Answer::sentence("The model is deleted."))
            }
            Self::PutVersion(put) => {
                let answer = client.put_model_version(put.request()?).await?.into_inner();
                Answer::message("rolecall.organization.v1.PutModelVersionResponse", &answer, model())
            }
            Self::Publish { model_id, version: version_name } => {
                let request = PublishModelVersionRequest { model_id, version_name, ..Default::default() };
                let answer = client.publish_model_version(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.PublishModelVersionResponse", &answer, model())
            }
            Self::DeleteVersion { model_id, version: version_name } => {
                let request = DeleteModelVersionRequest { model_id, version_name, ..Default::default() };
                let answer = client.delete_model_version(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.DeleteModelVersionResponse", &answer, model())
            }
        }
    }
}
