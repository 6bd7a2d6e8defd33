//! Settings as messages.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;

use crate::domain::organization::Organization;
use crate::domain::settings::{LoginPolicy, RegistrationMode, SessionLimits, StoredSettings};
use crate::events::publish::timestamp;

/// Returns the settings of an organization as they are sent.
pub(in crate::grpc) fn settings(stored: &StoredSettings) -> pb::OrganizationSettings {
    let settings = &stored.settings;
    let (password, session) = (settings.password, settings.session);
    pb::OrganizationSettings {
        organization_id: stored.organization_id.to_string(),
        registration_mode: registration_mode(settings.registration_mode).into(),
        allowed_email_domains: settings.allowed_email_domains.iter().map(|name| name.as_str().to_owned()).collect(),
        mfa_policy: super::mfa_policy(settings.mfa_policy).into(),
        password_policy: Some(pb::PasswordPolicy {
            min_characters: password.min_characters.map(i32::from).unwrap_or_default(),
            require_three_classes: password.require_three_classes,
        }),
        invitation_lifetime: settings.invitation_lifetime.map(duration),
        session_limits: Some(session_limits(session)),
        guest_sessions: settings.guest_sessions,
        owner_impersonation: settings.owner_impersonation,
        etag: stored.etag(),
        update_time: stored.updated.map(timestamp),
        login_policy: match settings.login_policy {
            LoginPolicy::Managed => pb::LoginPolicy::Managed,
            LoginPolicy::Sso => pb::LoginPolicy::Sso,
        }
        .into(),
        break_glass_user_id: settings.break_glass.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// Returns how long sessions last at the most as it is sent.
pub(in crate::grpc) fn session_limits(limits: SessionLimits) -> pb::SessionLimits {
    pb::SessionLimits { idle: limits.idle.map(duration), absolute: limits.absolute.map(duration) }
}

/// Returns the answer to a change of settings.
pub(in crate::grpc) fn settings_updated(stored: &StoredSettings) -> pb::UpdateOrganizationSettingsResponse {
    pb::UpdateOrganizationSettingsResponse { settings: Some(settings(stored)) }
}

/// Returns an organization as strangers see it.
pub(in crate::grpc) fn discoverable((found, stored): &(Organization, StoredSettings)) -> pb::DiscoverableOrganization {
    let (password, mfa) = (stored.settings.password, stored.settings.mfa_policy);
    pb::DiscoverableOrganization {
        organization_id: found.organization_id.to_string(),
        name: found.name.as_str().to_owned(),
        password_policy: Some(pb::PasswordPolicy {
            min_characters: password.fewest(mfa).into(),
            require_three_classes: password.require_three_classes,
        }),
    }
}

const fn registration_mode(mode: RegistrationMode) -> pb::RegistrationMode {
    match mode {
        RegistrationMode::Manual => pb::RegistrationMode::Manual,
        RegistrationMode::SelfService => pb::RegistrationMode::SelfService,
    }
}

/// None is longer than what fits.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}
