//! Identity providers of an organization.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use rolecall_api::identity::v1::identity_provider_service_client::IdentityProviderServiceClient;
use rolecall_api::identity::v1::{
    CreateIdentityProviderRequest, DeleteIdentityProviderRequest, GetIdentityProviderRequest, IdentityProvider,
    ListIdentityProvidersRequest, RoleMapping, RoleSource, TestIdentityProviderRequest, UpdateIdentityProviderRequest,
};
use secrecy::ExposeSecret as _;

use crate::commands::PageArgs;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Answer, Column, View};
use crate::secrets::Secrets;

const PROVIDER: &[Column] = &[
    Column("provider", "identityProviderId", ""),
    Column("name", "displayName", ""),
    Column("organization", "organizationId", ""),
    Column("issuer", "issuer", ""),
    Column("client", "clientId", ""),
    Column("redirect URI", "redirectUri", ""),
    Column("serves", "enabled", ""),
    Column("makes members", "justInTime", ""),
    Column("is linked", "linking", ""),
    Column("roles from", "roleSource", "ROLE_SOURCE_"),
    Column("version", "etag", ""),
];

const PROVIDERS: &[Column] = &[
    Column("PROVIDER", "identityProviderId", ""),
    Column("NAME", "displayName", ""),
    Column("ISSUER", "issuer", ""),
    Column("SERVES", "enabled", ""),
];

const TESTED: &[Column] = &[
    Column("people are sent to", "authorizationEndpoint", ""),
    Column("keys", "keyCount", ""),
    Column("names itself in answers", "issuerInAnswers", ""),
];

/// The commands about providers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect a provider; it serves once it is enabled
    #[command(after_help = "Examples:
  rolecall sso providers create --name Keycloak --issuer https://id.example.org/realms/acme --client-id rolecall --secret-stdin < secret.txt
  rolecall sso providers create --name Google --issuer https://accounts.google.com --client-id 1-x.apps.googleusercontent.com")]
    Create {
        /// Id of the organization; your own when absent
        #[arg(long, default_value = "", hide_default_value = true)]
        organization: String,
        /// What people see
        #[arg(long)]
        name: String,
        /// Its issuer, exactly as the provider spells it
        #[arg(long)]
        issuer: String,
        /// The client that Rolecall is registered as
        #[arg(long)]
        client_id: String,
        /// Read the client secret from standard input, one line; it is asked for otherwise
        #[arg(long)]
        secret_stdin: bool,
        #[command(flatten)]
        wishes: Wishes,
    },
    /// Show a provider
    #[command(after_help = "Examples:
  rolecall sso providers get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the provider
        identity_provider_id: String,
    },
    /// List providers in order of creation
    #[command(after_help = "Examples:
  rolecall sso providers list
  rolecall sso providers list --organization - --output json")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Change a provider; only what you name changes
    #[command(after_help = "Examples:
  rolecall sso providers update 01890a5d-ac96-774b-bcce-b302099a8057 --enabled true --just-in-time true
  rolecall sso providers update 01890a5d-ac96-774b-bcce-b302099a8057 --role-claim groups --role science=DATA_SCIENTIST
  rolecall sso providers update 01890a5d-ac96-774b-bcce-b302099a8057 --secret-stdin < secret.txt")]
    Update {
        /// Id of the provider
        identity_provider_id: String,
        /// What people see from now on
        #[arg(long)]
        name: Option<String>,
        /// Read a new client secret from standard input, one line
        #[arg(long)]
        secret_stdin: bool,
        /// Change it only if this is still its version
        #[arg(long, default_value = "", hide_default_value = true)]
        version: String,
        #[command(flatten)]
        wishes: Wishes,
    },
    /// Disconnect a provider; the sessions that began there end at once
    #[command(after_help = "Examples:
  rolecall sso providers delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Id of the provider
        identity_provider_id: String,
    },
    /// Fetch what a provider says of itself, and name what is wrong with it
    #[command(after_help = "Examples:
  rolecall sso providers test 01890a5d-ac96-774b-bcce-b302099a8057")]
    Test {
        /// Id of the provider
        identity_provider_id: String,
    },
}

/// How a provider is used; what is absent stays as it is.
#[derive(Debug, Args)]
pub(crate) struct Wishes {
    /// Whether people may log in there
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    /// Whether people of proven domains become members by their first login
    #[arg(long, value_name = "BOOL")]
    just_in_time: Option<bool>,
    /// Whether members may link the provider to the account that they have
    #[arg(long, value_name = "BOOL")]
    linking: Option<bool>,
    /// The claim that roles follow at each login; `none` leaves them to Rolecall
    #[arg(long, value_name = "CLAIM")]
    role_claim: Option<String>,
    /// What a value of the claim gives, such as `science=DATA_SCIENTIST`; may be repeated
    #[arg(long = "role", value_parser = mapping, value_name = "VALUE=ROLE", requires = "role_claim")]
    roles: Vec<RoleMapping>,
    /// An `acr` that satisfies the organization; may be repeated
    #[arg(long = "acr", value_name = "VALUE")]
    acr: Vec<String>,
    /// An `amr` that a login must have; may be repeated
    #[arg(long = "amr", value_name = "VALUE")]
    amr: Vec<String>,
}

fn mapping(text: &str) -> Result<RoleMapping, String> {
    let (value, role) = text.rsplit_once('=').ok_or("must be VALUE=ROLE, such as science=DATA_SCIENTIST")?;
    Ok(RoleMapping { value: value.to_owned(), role: role.to_owned() })
}

impl Wishes {
    /// Writes them into a provider, and returns which fields they are.
    fn apply(self, provider: &mut IdentityProvider) -> Vec<&'static str> {
        let named = [
            ("enabled", self.enabled.is_some()),
            ("just_in_time", self.just_in_time.is_some()),
            ("linking", self.linking.is_some()),
            ("role_source", self.role_claim.is_some()),
            ("role_claim", self.role_claim.is_some()),
            ("role_mappings", self.role_claim.is_some()),
            ("required_acr_values", !self.acr.is_empty()),
            ("required_amr_values", !self.amr.is_empty()),
        ];
        provider.enabled = self.enabled.unwrap_or_default();
        provider.just_in_time = self.just_in_time.unwrap_or_default();
        provider.linking = self.linking.unwrap_or_default();
        if let Some(claim) = self.role_claim.filter(|claim| claim != "none") {
            provider.role_source = RoleSource::Claims.into();
            provider.role_claim = claim;
            provider.role_mappings = self.roles;
        }
        (provider.required_acr_values, provider.required_amr_values) = (self.acr, self.amr);
        named.into_iter().filter(|(_, is_named)| *is_named).map(|(path, _)| path).collect()
    }
}

fn secret(standard_input: bool) -> Result<String, Failure> {
    Ok(Secrets::from_flag(standard_input).read("Client secret")?.expose_secret().trim().to_owned())
}

/// A change of what is named.
fn change(
    mut provider: IdentityProvider,
    wishes: Wishes,
    name: Option<String>,
    secret: Option<String>,
) -> UpdateIdentityProviderRequest {
    let mut paths = wishes.apply(&mut provider);
    paths.extend(name.is_some().then_some("display_name"));
    paths.extend(secret.is_some().then_some("client_secret"));
    provider.display_name = name.unwrap_or_default();
    provider.client_secret = secret.unwrap_or_default();
    let paths = paths.into_iter().map(str::to_owned).collect();
    UpdateIdentityProviderRequest {
        request_id: String::new(),
        identity_provider: Some(provider),
        update_mask: Some(FieldMask { paths }),
    }
}

impl Command {
    pub(super) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = IdentityProviderServiceClient::new(connection.signed_in().await?);
        let view = View::One("identityProvider", PROVIDER);
        match self {
            Self::Create { organization, name, issuer, client_id, secret_stdin, wishes } => {
                let mut provider = IdentityProvider {
                    organization_id: organization,
                    display_name: name,
                    issuer,
                    client_id,
                    client_secret: secret(secret_stdin)?,
                    ..Default::default()
                };
                wishes.apply(&mut provider);
                let request = CreateIdentityProviderRequest { identity_provider: Some(provider), ..Default::default() };
                let answer = client.create_identity_provider(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.CreateIdentityProviderResponse", &answer, view)
            }
            Self::Get { identity_provider_id } => {
                let request = GetIdentityProviderRequest { identity_provider_id };
                let answer = client.get_identity_provider(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetIdentityProviderResponse", &answer, view)
            }
            Self::List { organization, page: PageArgs { page_size, page_token } } => {
                let request = ListIdentityProvidersRequest { organization_id: organization, page_size, page_token };
                let answer = client.list_identity_providers(request).await?.into_inner();
                let view = View::List("identityProviders", PROVIDERS);
                Answer::message("rolecall.identity.v1.ListIdentityProvidersResponse", &answer, view)
            }
            Self::Update { identity_provider_id, name, secret_stdin, version, wishes } => {
                let provider = IdentityProvider { identity_provider_id, etag: version, ..Default::default() };
                let new_secret = if secret_stdin { Some(secret(true)?) } else { None };
                let request = change(provider, wishes, name, new_secret);
                let answer = client.update_identity_provider(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.UpdateIdentityProviderResponse", &answer, view)
            }
            Self::Delete { identity_provider_id } => {
                let sentence = format!("deleted the identity provider {identity_provider_id}");
                let request = DeleteIdentityProviderRequest { request_id: String::new(), identity_provider_id };
                client.delete_identity_provider(request).await?;
                Ok(Answer::sentence(sentence))
            }
            Self::Test { identity_provider_id } => {
                let request = TestIdentityProviderRequest { identity_provider_id };
                let answer = client.test_identity_provider(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.TestIdentityProviderResponse", &answer, View::One("", TESTED))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Wishes = Wishes {
        enabled: None,
        just_in_time: None,
        linking: None,
        role_claim: None,
        roles: Vec::new(),
        acr: Vec::new(),
        amr: Vec::new(),
    };

    #[test]
    fn only_what_is_named_changes() {
        let wishes = Wishes { enabled: Some(false), ..NOTHING };
        let request = change(IdentityProvider::default(), wishes, Some("Acme".to_owned()), None);
        assert_eq!(request.update_mask.expect("a mask").paths, ["enabled", "display_name"]);
    }

    #[test]
    fn roles_follow_a_claim_or_are_left_to_rolecall() {
        let roles = vec![mapping("a=b=GUEST").expect("a rule")];
        let wishes = Wishes { role_claim: Some("groups".to_owned()), roles, ..NOTHING };
        let provider = change(IdentityProvider::default(), wishes, None, None).identity_provider.expect("a provider");
        assert_eq!((provider.role_source(), provider.role_mappings[0].value.as_str()), (RoleSource::Claims, "a=b"));
        let wishes = Wishes { role_claim: Some("none".to_owned()), ..NOTHING };
        let request = change(IdentityProvider::default(), wishes, None, None);
        assert_eq!(request.update_mask.expect("a mask").paths, ["role_source", "role_claim", "role_mappings"]);
        let provider = request.identity_provider.expect("a provider");
        assert_eq!((provider.role_source(), provider.role_claim.as_str()), (RoleSource::Unspecified, ""));
        assert!(mapping("science").is_err());
    }
}
