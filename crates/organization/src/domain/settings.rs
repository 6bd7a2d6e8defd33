//! How an organization wants to be run.

use std::time::Duration;

use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::text::{EmailAddress, EmailDomain};
use rolecall_kernel::time::Timestamp;

use super::organization::MfaPolicy;

/// The most domains that people who register may have their addresses in.
pub(crate) const MAX_DOMAINS: usize = 100;

/// How people come into an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationMode {
    /// By invitation alone.
    Manual,
    /// Also by registering.
    SelfService,
}

impl RegistrationMode {
    /// Returns its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::SelfService => "SELF_SERVICE",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Manual, Self::SelfService].into_iter().find(|mode| mode.name() == text)
    }
}

/// What is demanded of passwords beside what is demanded everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PasswordPolicy {
    /// The fewest characters; none means what the policy for second factors asks for.
    pub(crate) min_characters: Option<u16>,
    /// Whether three of four classes of characters must be mixed.
    pub(crate) require_three_classes: bool,
}

impl PasswordPolicy {
    /// The most characters that can be demanded.
    pub(crate) const MOST: u16 = 128;

    /// Returns the fewest characters that can be demanded (NIST SP 800-63B-4, section 3.1.1).
    pub(crate) const fn least(mfa: MfaPolicy) -> u16 {
        match mfa {
            MfaPolicy::Required => 8,
            MfaPolicy::Optional => 15,
        }
    }
}

/// How long sessions last at the most; none leaves it to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SessionLimits {
    /// Without being used.
    pub(crate) idle: Option<Duration>,
    /// After the login.
    pub(crate) absolute: Option<Duration>,
}

/// How an organization wants to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) registration_mode: RegistrationMode,
    /// Where the addresses of people who register must belong, in order, each once; empty allows all.
    pub(crate) allowed_email_domains: Vec<EmailDomain>,
    pub(crate) mfa_policy: MfaPolicy,
    pub(crate) password: PasswordPolicy,
    /// How long invitations can be accepted; none leaves it to the instance.
    pub(crate) invitation_lifetime: Option<Duration>,
    pub(crate) session: SessionLimits,
    pub(crate) guest_sessions: bool,
    pub(crate) owner_impersonation: bool,
}

impl Settings {
    /// Whether people may register, and so find the organization.
    pub(crate) fn takes_registrations(&self) -> bool {
        self.registration_mode == RegistrationMode::SelfService
    }

    /// Whether somebody with this address may register.
    pub(crate) fn allows_address(&self, address: &EmailAddress) -> bool {
        let domains = &self.allowed_email_domains;
        domains.is_empty() || domains.iter().any(|domain| domain.holds(address))
    }
}

/// The settings of an organization as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredSettings {
    pub(crate) organization_id: OrganizationId,
    pub(crate) settings: Settings,
    pub(crate) version: i64,
    /// When they were last changed; none until they are.
    pub(crate) updated: Option<Timestamp>,
}

impl StoredSettings {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("s{}", self.version)
    }
}
