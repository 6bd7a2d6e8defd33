//! Single sign-on: identity providers of organizations, the domains that they may speak for, and whom they know.

use std::time::Duration;

use rolecall_kernel::id::{DomainId, IdentityProviderId, LinkedIdentityId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::{EmailAddress, EmailDomain, PersonName};
use rolecall_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the token of a login that is under way begins with.
pub(crate) const LOGIN_PREFIX: &str = "rcs_";

/// How long the person may take at its provider.
pub(crate) const LOGIN_LIFETIME: Duration = Duration::from_mins(10);

/// The most providers of one organization.
pub(crate) const MOST_PROVIDERS: u64 = 10;

/// The most domains of one organization.
pub(crate) const MOST_DOMAINS: u64 = 100;

/// How often the proof of a domain is looked at again.
pub(crate) const RECHECK: Duration = Duration::from_hours(24);

/// How long a domain keeps its standing while its record is not found: name servers fail too.
pub(crate) const PROOF_GRACE: Duration = Duration::from_hours(72);

/// Where the roles of a person come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleSource {
    /// From its owners, here.
    Rolecall,
    /// From what the provider says, at each login.
    Claims,
}

impl RoleSource {
    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rolecall => "ROLECALL",
            Self::Claims => "CLAIMS",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Rolecall, Self::Claims].into_iter().find(|source| source.as_str() == text)
    }
}

/// Which role a value of the role claim stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleRule {
    /// The value.
    pub(crate) value: String,
    /// The role, never `OWNER`.
    pub(crate) role: String,
}

/// How a provider is used: all that an administrator may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderSettings {
    /// What it is called.
    pub(crate) name: PersonName,
    /// Its issuer identifier, exactly as it writes it.
    pub(crate) issuer: String,
    /// By what it knows us.
    pub(crate) client_id: String,
    /// What is asked for beside `openid`.
    pub(crate) scopes: Vec<String>,
    /// Where the roles of its people come from.
    pub(crate) role_source: RoleSource,
    /// The claim that holds them.
    pub(crate) role_claim: String,
    /// What its values stand for.
    pub(crate) role_mapping: Vec<RoleRule>,
    /// One of these must be the `acr` of a login; any when empty.
    pub(crate) required_acr: Vec<String>,
    /// All of these must be in the `amr` of a login.
    pub(crate) required_amr: Vec<String>,
    /// Whether people become members by their first login.
    pub(crate) just_in_time: bool,
    /// Whether people may link it to an account that they have.
    pub(crate) linking: bool,
    /// Whether it serves.
    pub(crate) enabled: bool,
}

/// What becomes of the settings of a provider; what is not given stays as it is.
#[derive(Clone, Default)]
pub(crate) struct ProviderChange {
    /// What it is called.
    pub(crate) name: Option<PersonName>,
    /// Its issuer identifier.
    pub(crate) issuer: Option<String>,
    /// By what it knows us.
    pub(crate) client_id: Option<String>,
    /// By what we prove that.
    pub(crate) client_secret: Option<String>,
    /// What is asked for.
    pub(crate) scopes: Option<Vec<String>>,
    /// Where roles come from.
    pub(crate) role_source: Option<RoleSource>,
    /// The claim that holds them.
    pub(crate) role_claim: Option<String>,
    /// What its values stand for.
    pub(crate) role_mapping: Option<Vec<RoleRule>>,
    /// Accepted `acr` values.
    pub(crate) required_acr: Option<Vec<String>>,
    /// Demanded `amr` values.
    pub(crate) required_amr: Option<Vec<String>>,
    /// Whether people become members by their first login.
    pub(crate) just_in_time: Option<bool>,
    /// Whether people may link it.
    pub(crate) linking: Option<bool>,
    /// Whether it serves.
    pub(crate) enabled: Option<bool>,
}

impl std::fmt::Debug for ProviderChange {
    /// The secret stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderChange").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl ProviderChange {
    /// The settings of a new provider; none without the fields that it cannot be without.
    pub(crate) fn first(&self) -> Option<ProviderSettings> {
        let empty = ProviderSettings {
            name: self.name.clone()?,
            issuer: self.issuer.clone()?,
            client_id: self.client_id.clone()?,
            scopes: Vec::new(),
            role_source: RoleSource::Rolecall,
            role_claim: String::new(),
            role_mapping: Vec::new(),
            required_acr: Vec::new(),
            required_amr: Vec::new(),
            just_in_time: false,
            linking: false,
            enabled: false,
        };
        Some(self.apply(&empty))
    }

    /// The settings after the change.
    pub(crate) fn apply(&self, before: &ProviderSettings) -> ProviderSettings {
        let keep = |new: &Option<Vec<String>>, old: &Vec<String>| new.clone().unwrap_or_else(|| old.clone());
        let text = |new: &Option<String>, old: &String| new.clone().unwrap_or_else(|| old.clone());
        ProviderSettings {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            issuer: text(&self.issuer, &before.issuer),
            client_id: text(&self.client_id, &before.client_id),
            scopes: keep(&self.scopes, &before.scopes),
            role_source: self.role_source.unwrap_or(before.role_source),
            role_claim: text(&self.role_claim, &before.role_claim),
            role_mapping: self.role_mapping.clone().unwrap_or_else(|| before.role_mapping.clone()),
            required_acr: keep(&self.required_acr, &before.required_acr),
            required_amr: keep(&self.required_amr, &before.required_amr),
            just_in_time: self.just_in_time.unwrap_or(before.just_in_time),
            linking: self.linking.unwrap_or(before.linking),
            enabled: self.enabled.unwrap_or(before.enabled),
        }
    }
}

/// An identity provider of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the identifier is called here what the contract calls it")]
pub(crate) struct IdentityProvider {
    /// Identifier.
    pub(crate) identity_provider_id: IdentityProviderId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// How it is used.
    pub(crate) settings: ProviderSettings,
    /// Who configured it last: whom it admits, and the roles that it gives, are bounded by what that subject holds.
    pub(crate) configured_by: SubjectId,
    /// Grows with each change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it was last changed.
    pub(crate) updated: Timestamp,
}

/// How a provider says that a person proved who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Proof {
    /// Its `acr`.
    pub(crate) acr: Option<String>,
    /// Its `amr`.
    pub(crate) amr: Vec<String>,
    /// When.
    pub(crate) auth_time: Option<Timestamp>,
}

impl Proof {
    /// Whether it was by several factors (RFC 8176).
    pub(crate) fn is_multiple(&self) -> bool {
        self.amr.iter().any(|method| method == "mfa")
    }
}

impl ProviderSettings {
    /// Whether a login is as strong as the organization wants it.
    pub(crate) fn accepts(&self, proof: &Proof) -> bool {
        let acr = self.required_acr.is_empty() || proof.acr.as_ref().is_some_and(|acr| self.required_acr.contains(acr));
        acr && self.required_amr.iter().all(|method| proof.amr.contains(method))
    }

    /// Returns the roles that the values of the role claim stand for; `GUEST` when they stand for none.
    pub(crate) fn roles(&self, values: &[String]) -> Vec<String> {
        let matching = self.role_mapping.iter().filter(|rule| values.contains(&rule.value));
        // Checked when it is written; checked again here, because an owner is never made by a claim.
        let mut roles: Vec<String> = matching.map(|rule| rule.role.clone()).filter(|role| role != "OWNER").collect();
        roles.sort();
        roles.dedup();
        if roles.is_empty() { vec!["GUEST".to_owned()] } else { roles }
    }
}

/// A mail domain that an organization claims.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the identifier is called here what the contract calls it")]
pub(crate) struct Domain {
    /// Identifier.
    pub(crate) domain_id: DomainId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// Its name.
    pub(crate) name: EmailDomain,
    /// What its TXT record has to say.
    pub(crate) token: String,
    /// When it was proven; none until then, and after the proof was taken away.
    pub(crate) verified: Option<Timestamp>,
    /// When the record was last seen, or looked for in vain.
    pub(crate) checked: Option<Timestamp>,
    /// When it was claimed.
    pub(crate) created: Timestamp,
}

impl Domain {
    /// What the token begins with.
    pub(crate) const TOKEN_PREFIX: &'static str = "rolecall-domain-verification=";

    /// The name of the TXT record.
    pub(crate) fn record(&self) -> String {
        format!("_rolecall-challenge.{}", self.name.as_str())
    }

    /// Whether one of the texts is the proof.
    pub(crate) fn is_proven_by(&self, texts: &[String]) -> bool {
        texts.iter().any(|text| text.trim() == self.token)
    }
}

/// What an identity provider knows a person by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the identifier is called here what the contract calls it")]
pub(crate) struct LinkedIdentity {
    /// Identifier.
    pub(crate) linked_identity_id: LinkedIdentityId,
    /// Whose it is.
    pub(crate) user_id: UserId,
    /// The provider that it was linked by.
    pub(crate) identity_provider_id: IdentityProviderId,
    /// Who says so.
    pub(crate) issuer: String,
    /// Of whom.
    pub(crate) subject: String,
    /// When it was linked.
    pub(crate) created: Timestamp,
}

/// A person as its provider tells of it, every signature and claim checked.
#[derive(Clone)]
pub(crate) struct Asserted {
    /// Who says so.
    pub(crate) issuer: String,
    /// Of whom.
    pub(crate) subject: String,
    /// The address, if the provider says that the person proved it.
    pub(crate) verified_email: Option<EmailAddress>,
    /// Names.
    pub(crate) name: Option<String>,
    /// Given name.
    pub(crate) given_name: Option<String>,
    /// Family name.
    pub(crate) family_name: Option<String>,
    /// The values of the role claim.
    pub(crate) roles: Vec<String>,
    /// How the person proved who it is.
    pub(crate) proof: Proof,
}

impl std::fmt::Debug for Asserted {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asserted").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What is kept of a login while its person is at the provider; sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LoginSecrets {
    /// Comes back with the code, through the browser.
    pub(crate) state: String,
    /// Comes back inside the ID token.
    pub(crate) nonce: String,
    /// What the code challenge was made of (PKCE, RFC 7636).
    pub(crate) verifier: String,
    /// Where the browser goes at the end.
    pub(crate) return_url: Option<String>,
    /// Whether the person had to prove anew who it is.
    pub(crate) fresh: bool,
}

/// A login whose person is at its provider.
#[derive(Debug, Clone)]
pub(crate) struct PendingLogin {
    /// The provider.
    pub(crate) identity_provider_id: IdentityProviderId,
    /// Its version then: what was changed since ends the login.
    pub(crate) provider_version: i64,
    /// The account to link, where that is what the person wants.
    pub(crate) user_id: Option<UserId>,
    /// The secrets, sealed.
    pub(crate) sealed: Vec<u8>,
    /// For whom the access tokens shall be.
    pub(crate) audience: Option<String>,
    /// When it began.
    pub(crate) began: Timestamp,
    /// When it ends.
    pub(crate) expires: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ProviderSettings {
        let rule = |value: &str, role: &str| RoleRule { value: value.to_owned(), role: role.to_owned() };
        ProviderSettings {
            name: PersonName::parse("Acme").expect("a name"),
            issuer: "https://idp.example.org".to_owned(),
            client_id: "rolecall".to_owned(),
            scopes: vec!["email".to_owned()],
            role_source: RoleSource::Claims,
            role_claim: "groups".to_owned(),
            role_mapping: vec![rule("science", "DATA_SCIENTIST"), rule("data", "DATA_STEWARD"), rule("boss", "OWNER")],
            required_acr: Vec::new(),
            required_amr: Vec::new(),
            just_in_time: true,
            linking: true,
            enabled: true,
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn claims_give_the_mapped_roles_and_never_make_an_owner() {
        let settings = settings();
        assert_eq!(settings.roles(&texts(&["science", "data", "other"])), ["DATA_SCIENTIST", "DATA_STEWARD"]);
        assert_eq!(settings.roles(&texts(&["boss"])), ["GUEST"]);
        assert_eq!(settings.roles(&[]), ["GUEST"]);
    }

    #[test]
    fn a_login_is_as_strong_as_it_must_be() {
        let proof =
            |acr: Option<&str>, amr: &[&str]| Proof { acr: acr.map(str::to_owned), amr: texts(amr), auth_time: None };
        assert!(settings().accepts(&proof(None, &[])));
        let strict = ProviderSettings {
            required_acr: texts(&["gold", "silver"]),
            required_amr: texts(&["pwd", "otp"]),
            ..settings()
        };
        assert!(strict.accepts(&proof(Some("silver"), &["otp", "pwd", "mfa"])));
        for (acr, amr) in
            [(None, vec!["otp", "pwd"]), (Some("bronze"), vec!["otp", "pwd"]), (Some("gold"), vec!["pwd"])]
        {
            assert!(!strict.accepts(&proof(acr, &amr)), "{acr:?} {amr:?}");
        }
    }
}
