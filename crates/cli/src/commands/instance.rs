//! How the installation presents itself.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use rolecall_api::identity::v1::instance_service_client::InstanceServiceClient;
use rolecall_api::identity::v1::{GetServerInfoRequest, GetSettingsRequest, InstanceSettings, UpdateSettingsRequest};

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const INFO: &[Column] = &[
    Column("instance", "instanceId", ""),
    Column("name", "name", ""),
    Column("version", "version", ""),
    Column("bootstrapped", "bootstrapped", ""),
    Column("directory", "organizationDirectory", ""),
    Column("guests", "guestsAllowed", ""),
    Column("welcome", "welcomeText", ""),
];

const SETTINGS: &[Column] = &[
    Column("name", "name", ""),
    Column("welcome", "welcomeText", ""),
    Column("directory", "organizationDirectory", ""),
    Column("changed", "updateTime", ""),
    Column("etag", "etag", ""),
];

/// Show and change how the installation presents itself
#[derive(Debug, Args)]
pub struct Instance {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what anyone may know
    #[command(after_help = "Examples:
  rolecall instance info
  rolecall instance info --output json")]
    Info,
    /// Show the settings
    #[command(after_help = "Examples:
  rolecall instance get
  rolecall instance get --output json")]
    Get,
    /// Change the settings; only what you name changes
    #[command(after_help = "Examples:
  rolecall instance set --name \"Institute of Examples\" --welcome-text \"Write to help@example.org for an account.\"
  rolecall instance set --directory false")]
    Set {
        /// What the installation is called
        #[arg(long)]
        name: Option<String>,
        /// What it says to whoever comes; an empty text says nothing
        #[arg(long)]
        welcome_text: Option<String>,
        /// Whether organizations that take registrations are listed for anyone
        #[arg(long)]
        directory: Option<bool>,
        /// Change nothing unless this still is the version of the settings
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
        /// Check everything and change nothing
        #[arg(long)]
        validate_only: bool,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let view = View::One("settings", SETTINGS);
        match self {
            Self::Info => {
                let mut client = InstanceServiceClient::new(connection.public());
                let answer = client.get_server_info(GetServerInfoRequest {}).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetServerInfoResponse", &answer, View::One("", INFO))
            }
            Self::Get => {
                let mut client = InstanceServiceClient::new(connection.signed_in().await?);
                let answer = client.get_settings(GetSettingsRequest {}).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetSettingsResponse", &answer, view)
            }
            Self::Set { name, welcome_text, directory, etag, validate_only } => {
                let named = [
                    ("name", name.is_some()),
                    ("welcome_text", welcome_text.is_some()),
                    ("organization_directory", directory.is_some()),
                ];
                let paths = named.into_iter().filter(|(_, is_named)| *is_named).map(|(path, _)| path.to_owned());
                let settings = InstanceSettings {
                    name: name.unwrap_or_default(),
                    welcome_text: welcome_text.unwrap_or_default(),
                    organization_directory: directory.unwrap_or_default(),
                    etag,
                    update_time: None,
                };
                let request = UpdateSettingsRequest {
                    request_id: String::new(),
                    settings: Some(settings),
                    update_mask: Some(FieldMask { paths: paths.collect() }),
                    validate_only,
                };
                let mut client = InstanceServiceClient::new(connection.signed_in().await?);
                let answer = client.update_settings(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.UpdateSettingsResponse", &answer, view)
            }
        }
    }
}
