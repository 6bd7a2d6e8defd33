//! How an organization wants to be run.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use prost_types::FieldMask;
use rolecall_api::organization::v1::organization_service_client::OrganizationServiceClient;
use rolecall_api::organization::v1::{
    GetOrganizationSettingsRequest, LoginPolicy, MfaPolicy, OrganizationSettings, PasswordPolicy, RegistrationMode,
    SessionLimits, UpdateOrganizationSettingsRequest,
};

use super::Mfa;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const SETTINGS: &[Column] = &[
    Column("organization", "organizationId", ""),
    Column("registration", "registrationMode", "REGISTRATION_MODE_"),
    Column("domains", "allowedEmailDomains", ""),
    Column("second factor", "mfaPolicy", "MFA_POLICY_"),
    Column("fewest characters", "passwordPolicy.minCharacters", ""),
    Column("three classes", "passwordPolicy.requireThreeClasses", ""),
    Column("invitations", "invitationLifetime", ""),
    Column("sessions, idle", "sessionLimits.idle", ""),
    Column("sessions, absolute", "sessionLimits.absolute", ""),
    Column("guests", "guestSessions", ""),
    Column("owners act as members", "ownerImpersonation", ""),
    Column("logins", "loginPolicy", "LOGIN_POLICY_"),
    Column("break-glass owner", "breakGlassUserId", ""),
    Column("etag", "etag", ""),
];

/// The commands about the settings of an organization.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show how an organization wants to be run
    #[command(after_help = "Examples:
  rolecall organizations settings get
  rolecall organizations settings get 01890a5d-ac96-774b-bcce-b302099a8057 --output json")]
    Get {
        /// Id of the organization; your own when absent
        #[arg(default_value = "", hide_default_value = true)]
        organization_id: String,
    },
    /// Change how an organization wants to be run; only what you name changes
    #[command(after_help = "Examples:
  rolecall organizations settings set --registration self-service --domain example.org --domain example.net
  rolecall organizations settings set --mfa required --min-characters 12
  rolecall organizations settings set 01890a5d-ac96-774b-bcce-b302099a8057 --session-idle 30m --invitations default --validate-only
  rolecall organizations settings set --login sso --break-glass 01890a5d-ac96-774b-bcce-b302099a8057")]
    Set(Box<Set>),
}

/// How people come into an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Registration {
    /// By invitation alone.
    Manual,
    /// Also by registering; strangers find the organization in the directory.
    SelfService,
}

/// How members log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Login {
    /// With passwords; identity providers stand beside them.
    Managed,
    /// At the identity providers of the organization alone: ends passwords and sessions.
    Sso,
}

/// What `organizations settings set` takes.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Id of the organization; your own when absent
    #[arg(default_value = "", hide_default_value = true)]
    organization_id: String,
    /// How people come into it
    #[arg(long, value_enum)]
    registration: Option<Registration>,
    /// A domain that addresses of people who register may have; once for each, `any` for all
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// What it demands of the logins of its members
    #[arg(long, value_enum)]
    mfa: Option<Mfa>,
    /// The fewest characters of a password; 0 for what the second factor asks for
    #[arg(long)]
    min_characters: Option<i32>,
    /// Whether passwords mix three of: small letters, capital letters, digits, others
    #[arg(long)]
    three_classes: Option<bool>,
    /// How long invitations can be accepted, such as `24h`; `default` leaves it to the instance
    #[arg(long, value_parser = limit)]
    invitations: Option<Limit>,
    /// How long an unused session lasts, such as `30m`; `default` leaves it to the instance
    #[arg(long, value_parser = limit)]
    session_idle: Option<Limit>,
    /// How long a session lasts after its login, such as `8h`; `default` leaves it to the instance
    #[arg(long, value_parser = limit)]
    session_absolute: Option<Limit>,
    /// Whether strangers may look around as guests
    #[arg(long)]
    guests: Option<bool>,
    /// Whether owners may act as members
    #[arg(long)]
    owner_impersonation: Option<bool>,
    /// How members log in; `sso` needs --break-glass and a provider that serves
    #[arg(long, value_enum)]
    login: Option<Login>,
    /// Id of the owner who keeps a password, and always needs a second factor
    #[arg(long, value_name = "USER_ID")]
    break_glass: Option<String>,
    /// Change nothing unless this still is the version of the settings
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    /// Check everything and change nothing
    #[arg(long)]
    validate_only: bool,
}

/// A limit, or that of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit(Option<Duration>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "default" {
        return Ok(Limit(None));
    }
    humantime::parse_duration(text).map(|limit| Limit(Some(limit))).map_err(|error| error.to_string())
}

fn wire(limit: Option<Limit>) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(limit?.0?).ok()
}

impl Set {
    fn into_request(self) -> UpdateOrganizationSettingsRequest {
        let named = [
            ("registration_mode", self.registration.is_some()),
            ("allowed_email_domains", !self.domains.is_empty()),
            ("mfa_policy", self.mfa.is_some()),
            ("password_policy.min_characters", self.min_characters.is_some()),
            ("password_policy.require_three_classes", self.three_classes.is_some()),
            ("invitation_lifetime", self.invitations.is_some()),
            ("session_limits.idle", self.session_idle.is_some()),
            ("session_limits.absolute", self.session_absolute.is_some()),
            ("guest_sessions", self.guests.is_some()),
            ("owner_impersonation", self.owner_impersonation.is_some()),
            ("login_policy", self.login.is_some()),
            ("break_glass_user_id", self.break_glass.is_some()),
        ];
        let paths = named.into_iter().filter(|(_, is_named)| *is_named).map(|(path, _)| path.to_owned()).collect();
        let validate_only = self.validate_only;
        let settings = Some(self.into_settings());
        let update_mask = Some(FieldMask { paths });
        UpdateOrganizationSettingsRequest { request_id: String::new(), settings, update_mask, validate_only }
    }

    fn into_settings(self) -> OrganizationSettings {
        let registration_mode = match self.registration {
            Some(Registration::SelfService) => RegistrationMode::SelfService,
            Some(Registration::Manual) | None => RegistrationMode::Manual,
        };
        let mfa_policy = match self.mfa {
            Some(Mfa::Optional) => MfaPolicy::Optional,
            Some(Mfa::Required) | None => MfaPolicy::Required,
        };
        OrganizationSettings {
            organization_id: self.organization_id,
            registration_mode: registration_mode.into(),
            allowed_email_domains: self.domains.into_iter().filter(|domain| domain != "any").collect(),
            mfa_policy: mfa_policy.into(),
            password_policy: Some(PasswordPolicy {
                min_characters: self.min_characters.unwrap_or_default(),
                require_three_classes: self.three_classes.unwrap_or_default(),
            }),
            invitation_lifetime: wire(self.invitations),
            session_limits: Some(SessionLimits {
                idle: wire(self.session_idle),
                absolute: wire(self.session_absolute),
            }),
            guest_sessions: self.guests.unwrap_or_default(),
            owner_impersonation: self.owner_impersonation.unwrap_or_default(),
            etag: self.etag,
            update_time: None,
            login_policy: match self.login {
                Some(Login::Sso) => LoginPolicy::Sso,
                Some(Login::Managed) | None => LoginPolicy::Managed,
            }
            .into(),
            break_glass_user_id: self.break_glass.unwrap_or_default(),
        }
    }
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = OrganizationServiceClient::new(connection.signed_in().await?);
        let view = View::One("settings", SETTINGS);
        match self {
            Self::Get { organization_id } => {
                let request = GetOrganizationSettingsRequest { organization_id };
                let answer = client.get_organization_settings(request).await?.into_inner();
                Answer::message("rolecall.organization.v1.GetOrganizationSettingsResponse", &answer, view)
            }
            Self::Set(set) => {
                let answer = client.update_organization_settings(set.into_request()).await?.into_inner();
                Answer::message("rolecall.organization.v1.UpdateOrganizationSettingsResponse", &answer, view)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_time_or_that_of_the_instance() {
        assert_eq!(limit("30m"), Ok(Limit(Some(Duration::from_mins(30)))));
        assert_eq!(limit("default"), Ok(Limit(None)));
        assert!(limit("soon").is_err());
    }
}
