//! Mail domains of an organization.

use clap::Subcommand;
use rolecall_api::identity::v1::identity_provider_service_client::IdentityProviderServiceClient;
use rolecall_api::identity::v1::{CreateDomainRequest, DeleteDomainRequest, ListDomainsRequest, VerifyDomainRequest};

use crate::commands::PageArgs;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const DOMAIN: &[Column] = &[
    Column("domain", "domainId", ""),
    Column("name", "name", ""),
    Column("organization", "organizationId", ""),
    Column("TXT record", "recordName", ""),
    Column("its value", "recordValue", ""),
    Column("proven", "verifyTime", ""),
];

const DOMAINS: &[Column] =
    &[Column("DOMAIN", "domainId", ""), Column("NAME", "name", ""), Column("PROVEN", "verifyTime", "")];

/// The commands about domains.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Claim a domain; the answer names the DNS record that proves it
    #[command(after_help = "Examples:
  rolecall sso domains create example.org
  rolecall sso domains create example.org --organization 01890a5d-ac96-774b-bcce-b302099a8057")]
    Create {
        /// The domain, as it stands behind the @ of addresses
        name: String,
        /// Id of the organization; your own when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        organization: String,
    },
    /// Look for the record that proves a domain
    #[command(after_help = "Examples:
  rolecall sso domains verify 01890a5d-ac96-774b-bcce-b302099a8057")]
    Verify {
        /// Id of the domain
        domain_id: String,
    },
    /// List domains in order of creation
    #[command(after_help = "Examples:
  rolecall sso domains list
  rolecall sso domains list --organization - --output json")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Give a domain up; nobody becomes a member by it any more
    #[command(after_help = "Examples:
  rolecall sso domains delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the domain
        domain_id: String,
    },
}

impl Command {
    pub(super) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = IdentityProviderServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Create { name, organization } => {
                let request = CreateDomainRequest { request_id: String::new(), organization_id: organization, name };
                let answer = client.create_domain(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.CreateDomainResponse", &answer, View::One("domain", DOMAIN))
            }
            Self::Verify { domain_id } => {
                let answer = client.verify_domain(VerifyDomainRequest { domain_id }).await?.into_inner();
                Answer::message("rolecall.identity.v1.VerifyDomainResponse", &answer, View::One("domain", DOMAIN))
            }
            Self::List { organization, page: PageArgs { page_size, page_token } } => {
                let request = ListDomainsRequest { organization_id: organization, page_size, page_token };
                let answer = client.list_domains(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.ListDomainsResponse", &answer, View::List("domains", DOMAINS))
            }
            Self::Delete { domain_id } => {
                let sentence = format!("deleted the domain {domain_id}");
                client.delete_domain(DeleteDomainRequest { request_id: String::new(), domain_id }).await?;
                Ok(Answer::sentence(sentence))
            }
        }
    }
}
