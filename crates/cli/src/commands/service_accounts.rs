//! Accounts and keys of programs.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use rolecall_api::identity::v1::service_account_service_client::ServiceAccountServiceClient;
use rolecall_api::identity::v1::{
    CreateApiKeyRequest, CreateServiceAccountRequest, DeleteApiKeyRequest, DeleteServiceAccountRequest,
    GetServiceAccountRequest, ListApiKeysRequest, ListServiceAccountsRequest, ServiceAccount,
    UpdateServiceAccountRequest,
};

use super::{PageArgs, parse_time};
use crate::connection::{Connection, RemoteArgs, Wire};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const ACCOUNT: &[Column] = &[
    Column("service account", "serviceAccountId", ""),
    Column("name", "name", ""),
    Column("organization", "organizationId", ""),
    Column("permissions", "permissions", ""),
    Column("made", "createTime", ""),
    Column("version", "etag", ""),
];

const ACCOUNTS: &[Column] = &[
    Column("SERVICE ACCOUNT", "serviceAccountId", ""),
    Column("NAME", "name", ""),
    Column("ORGANIZATION", "organizationId", ""),
    Column("PERMISSIONS", "permissions", ""),
];

const NEW_KEY: &[Column] = &[
    Column("key id", "apiKey.apiKeyId", ""),
    Column("ends", "apiKey.expireTime", ""),
    Column("key, shown once", "secret", ""),
];

const NEW_PUBLIC_KEY: &[Column] = &[Column("key id", "apiKey.apiKeyId", ""), Column("ends", "apiKey.expireTime", "")];

const KEYS: &[Column] = &[
    Column("KEY ID", "apiKeyId", ""),
    Column("MADE", "createTime", ""),
    Column("ENDS", "expireTime", ""),
    Column("LAST USED", "lastUsedTime", ""),
];

/// Create accounts for programs, and their keys
#[derive(Debug, Args)]
pub struct ServiceAccounts {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a service account
    #[command(after_help = "Examples:
  rolecall service-accounts create --name \"Compute backend\" --permission organization.access.check
  rolecall service-accounts create --organization - --name Gateway --permission organization.access.check --permission identity.tokens.introspect")]
    Create {
        /// Id of the organization that it acts in; your own when absent, `-` for the whole instance
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// What it is called
        #[arg(long)]
        name: String,
        /// A permission to hold; may be repeated
        #[arg(long = "permission", required = true)]
        permissions: Vec<String>,
    },
    /// Show a service account
    #[command(after_help = "Examples:
  rolecall service-accounts get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the service account
        service_account_id: String,
    },
    /// List service accounts in order of creation
    #[command(after_help = "Examples:
  rolecall service-accounts list
  rolecall service-accounts list --organization -")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Change the name or the permissions of a service account; they count from the next call on
    #[command(after_help = "Examples:
  rolecall service-accounts update 01890a5d-ac96-774b-bcce-b302099a8057 --name Gateway
  rolecall service-accounts update 01890a5d-ac96-774b-bcce-b302099a8057 --permission organization.access.check --version 3")]
    Update {
        /// Id of the service account
        service_account_id: String,
        /// What it is called from now on
        #[arg(long, required_unless_present = "permissions")]
        name: Option<String>,
        /// A permission to hold from now on, instead of those before; may be repeated
        #[arg(long = "permission")]
        permissions: Vec<String>,
        /// Change it only if this is still its version
        #[arg(long, default_value = "", hide_default_value = true)]
        version: String,
    },
    /// Delete a service account; its keys and tokens end at once
    #[command(after_help = "Examples:
  rolecall service-accounts delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the service account
        service_account_id: String,
    },
    /// Create a key; a secret is shown once, a program with a key pair keeps its own
    #[command(after_help = "Examples:
  rolecall service-accounts create-key 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall service-accounts create-key 01890a5d-ac96-774b-bcce-b302099a8057 --until 2027-01-31T12:00:00Z
  openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem
  rolecall service-accounts create-key 01890a5d-ac96-774b-bcce-b302099a8057 --public-key public.pem")]
    CreateKey {
        /// Id of the service account
        service_account_id: String,
        /// When the key ends; 90 days from now when absent, which is also the longest
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        until: Option<Timestamp>,
        /// File with the public key (PEM, Ed25519) of a program that signs assertions; no secret is made
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
    },
    /// List the keys of a service account, without the keys themselves
    #[command(after_help = "Examples:
  rolecall service-accounts list-keys 01890a5d-ac96-774b-bcce-b302099a8057")]
    ListKeys {
        /// Id of the service account
        service_account_id: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Delete a key
    #[command(after_help = "Examples:
  rolecall service-accounts delete-key 01890a5d-ac96-774b-bcce-b302099a8057")]
    DeleteKey {
        /// Id of the key
        api_key_id: String,
    },
}

type Client = ServiceAccountServiceClient<Wire>;

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = ServiceAccountServiceClient::new(connection.signed_in().await?);
        let account = || View::One("serviceAccount", ACCOUNT);
        match self {
            Self::Create { organization, name, permissions } => {
                let (request_id, organization_id) = (String::new(), organization);
                let request = CreateServiceAccountRequest { request_id, organization_id, name, permissions };
                let answer = client.create_service_account(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.CreateServiceAccountResponse", &answer, account())
            }
            Self::Get { service_account_id } => {
                let request = GetServiceAccountRequest { service_account_id };
                let answer = client.get_service_account(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetServiceAccountResponse", &answer, account())
            }
            Self::List { organization, page: PageArgs { page_size, page_token } } => {
                let request = ListServiceAccountsRequest { organization_id: organization, page_size, page_token };
                let answer = client.list_service_accounts(request).await?.into_inner();
                let view = View::List("serviceAccounts", ACCOUNTS);
                Answer::message("rolecall.identity.v1.ListServiceAccountsResponse", &answer, view)
            }
            Self::Update { service_account_id, name, permissions, version } => {
                let wished = ServiceAccount {
                    service_account_id,
                    name: name.unwrap_or_default(),
                    permissions,
                    etag: version,
                    ..Default::default()
                };
                update(client, wished).await
            }
            Self::Delete { service_account_id } => {
                let sentence = format!("deleted the service account {service_account_id}");
                let request = DeleteServiceAccountRequest { service_account_id, ..Default::default() };
                client.delete_service_account(request).await?;
                Ok(Answer::sentence(sentence))
            }
            Self::CreateKey { service_account_id, until, public_key } => {
                create_key(client, service_account_id, until, public_key).await
            }
            Self::ListKeys { service_account_id, page } => list_keys(client, service_account_id, page).await,
            Self::DeleteKey { api_key_id } => delete_key(client, api_key_id).await,
        }
    }
}

/// Without a mask everything that holds a value is changed.
async fn update(mut client: Client, wished: ServiceAccount) -> Result<Answer, Failure> {
    let request = UpdateServiceAccountRequest { service_account: Some(wished), ..Default::default() };
    let answer = client.update_service_account(request).await?.into_inner();
    let view = View::One("serviceAccount", ACCOUNT);
    Answer::message("rolecall.identity.v1.UpdateServiceAccountResponse", &answer, view)
}

async fn create_key(
    mut client: Client,
    service_account_id: String,
    expire_time: Option<Timestamp>,
    public_key: Option<PathBuf>,
) -> Result<Answer, Failure> {
    let public_key = public_key.as_deref().map(read_public_key).transpose()?.unwrap_or_default();
    let request = CreateApiKeyRequest { request_id: String::new(), service_account_id, expire_time, public_key };
    let answer = client.create_api_key(request).await?.into_inner();
    let shown = if answer.secret.is_empty() { NEW_PUBLIC_KEY } else { NEW_KEY };
    Answer::message("rolecall.identity.v1.CreateApiKeyResponse", &answer, View::One("", shown))
}

fn read_public_key(file: &Path) -> Result<String, Failure> {
    let read = std::fs::read_to_string(file);
    read.map_err(|error| Failure::local(format!("{} cannot be read", file.display()), error))
}

async fn list_keys(mut client: Client, id: String, page: PageArgs) -> Result<Answer, Failure> {
    let PageArgs { page_size, page_token } = page;
    let request = ListApiKeysRequest { service_account_id: id, page_size, page_token };
    let answer = client.list_api_keys(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.ListApiKeysResponse", &answer, View::List("apiKeys", KEYS))
}

async fn delete_key(mut client: Client, api_key_id: String) -> Result<Answer, Failure> {
    let sentence = format!("deleted the key {api_key_id}");
    client.delete_api_key(DeleteApiKeyRequest { api_key_id, ..Default::default() }).await?;
    Ok(Answer::sentence(sentence))
}
