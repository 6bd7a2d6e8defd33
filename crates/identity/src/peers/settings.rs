//! How an organization wants to be run, as organization stores it.

use std::time::Duration;

use rolecall_api::organization::v1 as wire;
use rolecall_kernel::id::{OrganizationId, UserId};

use super::convert::broken;
use super::organization::PeerError;
use crate::domain::factor::MfaPolicy;
use crate::domain::password::{PasswordDemand, PasswordPolicy};
use crate::domain::session::SessionLimits;

/// How people come into an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationMode {
    /// By invitation alone.
    Manual,
    /// Also by registering.
    SelfService,
}

/// Which members of an organization may have a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passwords {
    /// Everybody.
    Everybody,
    /// The break-glass owner; the others log in at their identity provider.
    Only(UserId),
}

impl Passwords {
    /// Whether somebody may have one.
    pub(crate) fn allow(self, user_id: UserId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Only(only) => only == user_id,
        }
    }

    /// Whether somebody is the only one who has a password.
    pub(crate) fn is_break_glass(self, user_id: UserId) -> bool {
        self == Self::Only(user_id)
    }
}

/// How an organization wants to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrganizationSettings {
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// Its name.
    pub(crate) name: String,
    /// How people come into it.
    pub(crate) registration_mode: RegistrationMode,
    /// What it demands of the logins of its members.
    pub(crate) mfa_policy: MfaPolicy,
    /// What it demands of passwords.
    pub(crate) password: PasswordDemand,
    /// How long its invitations can be accepted; none leaves it to the instance.
    pub(crate) invitation_lifetime: Option<Duration>,
    /// How long sessions of its members last at the most.
    pub(crate) session: SessionLimits,
    /// Whether strangers may look around as anonymous guests.
    pub(crate) guest_sessions: bool,
    /// Who may have a password.
    pub(crate) passwords: Passwords,
}

impl OrganizationSettings {
    /// What is demanded of the logins of a member. Where there are no passwords, its identity provider sees to second
    /// factors; whoever has the only password always needs one.
    pub(crate) fn mfa_of(&self, user_id: UserId) -> MfaPolicy {
        match self.passwords {
            Passwords::Everybody => self.mfa_policy,
            Passwords::Only(only) if only == user_id => MfaPolicy::Required,
            Passwords::Only(_) => MfaPolicy::Optional,
        }
    }

    /// What a new password of a member must satisfy.
    pub(crate) fn password_policy(&self, everywhere: PasswordPolicy) -> PasswordPolicy {
        everywhere.of(self.mfa_policy, self.password)
    }
}

/// Reads the settings of an organization. What is not told is closed, and what is not known is refused.
pub(super) fn settings(
    organization: wire::Organization,
    told: Option<wire::OrganizationSettings>,
) -> Result<OrganizationSettings, PeerError> {
    let told = told.unwrap_or_default();
    let organization = super::convert::organization(Some(organization))?;
    let (password, session) = (told.password_policy.unwrap_or_default(), told.session_limits.unwrap_or_default());
    let registration_mode = match told.registration_mode() {
        wire::RegistrationMode::Unspecified | wire::RegistrationMode::Manual => RegistrationMode::Manual,
        wire::RegistrationMode::SelfService => RegistrationMode::SelfService,
    };
    let passwords = match told.login_policy() {
        wire::LoginPolicy::Unspecified | wire::LoginPolicy::Managed => Passwords::Everybody,
        wire::LoginPolicy::Sso => Passwords::Only(super::convert::user_id(&told.break_glass_user_id)?),
    };
    let min_characters = usize::try_from(password.min_characters).map_err(|_| broken("password policy"))?;
    Ok(OrganizationSettings {
        organization_id: organization.organization_id,
        name: organization.name,
        registration_mode,
        mfa_policy: organization.mfa_policy,
        password: PasswordDemand {
            min_characters: Some(min_characters).filter(|characters| *characters > 0),
            require_three_classes: password.require_three_classes,
        },
        invitation_lifetime: duration(told.invitation_lifetime)?,
        session: SessionLimits { idle: duration(session.idle)?, absolute: duration(session.absolute)? },
        guest_sessions: told.guest_sessions,
        passwords,
    })
}

fn duration(duration: Option<prost_types::Duration>) -> Result<Option<Duration>, PeerError> {
    duration.map(|duration| Duration::try_from(duration).map_err(|_| broken("duration"))).transpose()
}
