//! Organizations.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::organization_service_client::OrganizationServiceClient;
use rolecall_api::organization::v1::{
    CreateOrganizationRequest, DeleteOrganizationRequest, FirstOwner, GetOrganizationRequest,
    ListDiscoverableOrganizationsRequest, ListOrganizationsRequest, MfaPolicy, Organization, ResumeOrganizationRequest,
    SuspendOrganizationRequest, UpdateOrganizationRequest,
};

use super::{Mfa, PageArgs, organization_settings};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const ORGANIZATION: &[Column] = &[
    Column("organization", "organizationId", ""),
    Column("name", "name", ""),
    Column("state", "state", "ORGANIZATION_STATE_"),
    Column("home", "home", ""),
    Column("suspended since", "suspension.createTime", ""),
    Column("suspended because", "suspension.reason", ""),
    Column("second factor", "mfaPolicy", "MFA_POLICY_"),
    Column("made", "createTime", ""),
];

const CREATED: &[Column] = &[
    Column("organization", "organization.organizationId", ""),
    Column("name", "organization.name", ""),
    Column("first owner", "firstOwnerId", ""),
];

const LIST: &[Column] = &[
    Column("ORGANIZATION", "organizationId", ""),
    Column("NAME", "name", ""),
    Column("STATE", "state", "ORGANIZATION_STATE_"),
    Column("HOME", "home", ""),
];

const DIRECTORY: &[Column] = &[
    Column("ORGANIZATION", "organizationId", ""),
    Column("NAME", "name", ""),
    Column("FEWEST CHARACTERS", "passwordPolicy.minCharacters", ""),
    Column("THREE CLASSES", "passwordPolicy.requireThreeClasses", ""),
];

/// Create, read, list and run organizations
#[derive(Debug, Args)]
pub struct Organizations {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an organization and invite its first owner by mail
    #[command(after_help = "Examples:
  rolecall organizations create --name \"Second Institute\" --owner-email mary@example.org --owner-given-name Mary --owner-family-name Somerville
  rolecall organizations create --name \"Third Institute\" --owner-email joan@example.org --owner-given-name Joan --owner-family-name Clarke --mfa optional")]
    Create(Box<Create>),
    /// Show an organization
    #[command(after_help = "Examples:
  rolecall organizations get
  rolecall organizations get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the organization; your own when absent
        #[arg(default_value = "", hide_default_value = true)]
        organization_id: String,
    },
    /// Give an organization another name
    #[command(after_help = "Examples:
  rolecall organizations rename 01890a5d-ac96-774b-bcce-b302099a8057 \"Second Institute of Physics\"")]
    Rename {
        /// Id of the organization
        organization_id: String,
        /// The new name
        name: String,
        /// Refuse unless the organization still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Keep everybody out who belongs to an organization; its owners are told why
    #[command(after_help = "Examples:
  rolecall organizations suspend 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"The contract ended\"")]
    Suspend {
        /// Id of the organization
        organization_id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let those who belong to a suspended organization act again
    #[command(after_help = "Examples:
  rolecall organizations resume 01890a5d-ac96-774b-bcce-b302099a8057")]
    Resume {
        /// Id of the organization
        organization_id: String,
    },
    /// Delete a suspended organization with everybody who belongs to it
    #[command(after_help = "Examples:
  rolecall organizations delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the organization
        organization_id: String,
        /// Refuse unless the organization still has this etag
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Show and change how an organization wants to be run
    Settings {
        #[command(subcommand)]
        command: organization_settings::Command,
    },
    /// List organizations that take registrations; needs no login
    #[command(after_help = "Examples:
  rolecall organizations directory
  rolecall organizations directory --output json")]
    Directory {
        #[command(flatten)]
        page: PageArgs,
    },
    /// List all organizations in order of creation
    #[command(after_help = "Examples:
  rolecall organizations list
  rolecall organizations list --output json")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
}

/// What `organizations create` takes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name of the organization
    #[arg(long)]
    name: String,
    /// E-mail address of the first owner
    #[arg(long)]
    owner_email: String,
    /// Full name of the first owner; the given and the family name joined when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    owner_name: String,
    /// Given name of the first owner
    #[arg(long)]
    owner_given_name: String,
    /// Family name of the first owner
    #[arg(long)]
    owner_family_name: String,
    /// What the organization demands of the logins of its members
    #[arg(long, value_enum, default_value_t = Mfa::Required)]
    mfa: Mfa,
    /// Check everything and change nothing
    #[arg(long)]
    validate_only: bool,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let one = || View::One("organization", ORGANIZATION);
        let client = async || connection.signed_in().await.map(OrganizationServiceClient::new);
        match self {
            Self::Settings { command } => command.run(connection).await,
            Self::Directory { page } => directory(connection, page).await,
            Self::Create(create) => {
                let answer = client().await?.create_organization(create.into_request()).await?.into_inner();
                let view = View::One("", CREATED);
                Answer::message("rolecall.organization.v1.CreateOrganizationResponse", &answer, view)
            }
            Self::Get { organization_id } => {
                let answer =
                    client().await?.get_organization(GetOrganizationRequest { organization_id }).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetOrganizationResponse", &answer, one())
            }
            Self::Rename { organization_id, name, etag } => {
                let organization = Some(Organization { organization_id, name, etag, ..Organization::default() });
                let request = UpdateOrganizationRequest { organization, ..Default::default() };
                let answer = client().await?.update_organization(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.UpdateOrganizationResponse", &answer, one())
            }
            Self::Suspend { organization_id, reason } => {
                let request = SuspendOrganizationRequest { organization_id, reason, ..Default::default() };
                let answer = client().await?.suspend_organization(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.SuspendOrganizationResponse", &answer, one())
            }
            Self::Resume { organization_id } => {
                let request = ResumeOrganizationRequest { organization_id, ..Default::default() };
                let answer = client().await?.resume_organization(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.ResumeOrganizationResponse", &answer, one())
            }
            Self::Delete { organization_id, etag } => {
                let request = DeleteOrganizationRequest { organization_id, etag, ..Default::default() };
                client().await?.delete_organization(request).await?;
                Ok(Answer::sentence("The organization is deleted."))
            }
            Self::List { page: PageArgs { page_size, page_token } } => {
                let request = ListOrganizationsRequest { page_size, page_token };
                let answer = client().await?.list_organizations(request).await?.into_inner();
                let view = View::List("organizations", LIST);
                Answer::message("rolecall.organization.v1.ListOrganizationsResponse", &answer, view)
            }
        }
    }
}

async fn directory(connection: &Connection, page: PageArgs) -> Result<Answer, Failure> {
    let PageArgs { page_size, page_token } = page;
    let request = ListDiscoverableOrganizationsRequest { page_size, page_token };
    let mut client = OrganizationServiceClient::new(connection.public());
    let answer = client.list_discoverable_organizations(request).await?.into_inner();
    let view = View::List("organizations", DIRECTORY);
    Answer::message("rolecall.organization.v1.ListDiscoverableOrganizationsResponse", &answer, view)
}

impl Create {
    fn into_request(self) -> CreateOrganizationRequest {
        let first_owner = FirstOwner {
            email: self.owner_email,
            name: self.owner_name,
            given_name: self.owner_given_name,
            family_name: self.owner_family_name,
        };
        CreateOrganizationRequest {
            request_id: String::new(),
            name: self.name,
            first_owner: Some(first_owner),
            validate_only: self.validate_only,
            mfa_policy: match self.mfa {
                Mfa::Required => MfaPolicy::Required,
                Mfa::Optional => MfaPolicy::Optional,
            }
            .into(),
        }
    }
}
