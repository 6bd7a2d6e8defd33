//! Events as the other contexts read them.

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::domain_event::Event as Wire;

use super::time;
use crate::domain::event::Event;

/// The message that an event is sent as.
macro_rules! told {
    ($message:ident { $($field:ident: $value:expr),* $(,)? }) => {
        Wire::$message(wire::$message { $($field: $value),* })
    };
}

/// Returns the name of an event in its topic.
pub(super) const fn name(event: &Event) -> &'static str {
    match event {
        Event::InstanceBootstrapped => "instance_bootstrapped",
        Event::UserInvited { .. } => "user_invited",
        Event::InvitationResent(..) => "invitation_resent",
        Event::InvitationAccepted(..) => "invitation_accepted",
        Event::InvitationVoided(..) => "invitation_voided",
        Event::InvitationRevoked(..) => "invitation_revoked",
        Event::UserCreated { .. } => "user_created",
        Event::UserDeleted { .. } => "user_deleted",
        Event::UserErased => "user_erased",
        Event::PasswordSet => "password_set",
        Event::RegistrationRequested(..) => "registration_requested",
        Event::UserRegistered { .. } => "user_registered",
        Event::EmailVerified => "email_verified",
        Event::EmailProven(..) => "email_proven",
        Event::AddressYielded => "address_yielded",
        Event::LoginSucceeded(..) => "login_succeeded",
        Event::LoginFailed(..) => "login_failed",
        Event::NewDeviceUsed(..) => "new_device_used",
        Event::LoginCodeMailed => "login_code_mailed",
        Event::CallsRefused { .. } => "calls_refused",
        Event::SessionEnded(..) => "session_ended",
        Event::RefreshTokenReused(..) => "refresh_token_reused",
        Event::AccountUpdated(..) => "account_updated",
        Event::PasswordChanged => "password_changed",
        Event::PasswordResetRequested { .. } => "password_reset_requested",
        Event::EmailChangeRequested => "email_change_requested",
        Event::EmailChanged { .. } => "email_changed",
        Event::FactorAdded(..) => "factor_added",
        Event::FactorRemoved(..) => "factor_removed",
        Event::FactorsReset => "factors_reset",
        Event::RecoveryCodesRegenerated => "recovery_codes_regenerated",
        Event::RecoveryCodeUsed { .. } => "recovery_code_used",
        Event::Reauthenticated(..) => "reauthenticated",
        Event::ServiceAccountCreated(..) => "service_account_created",
        Event::ServiceAccountDeleted => "service_account_deleted",
        Event::ApiKeyCreated(..) => "api_key_created",
        Event::ApiKeyDeleted(..) => "api_key_deleted",
        Event::ServiceAccountUpdated(..) => "service_account_updated",
        Event::AccessTokenCreated { .. } => "access_token_created",
        Event::AccessTokenRevoked(..) => "access_token_revoked",
        Event::IdentityProviderCreated(..) => "identity_provider_created",
        Event::IdentityProviderUpdated(..) => "identity_provider_updated",
        Event::IdentityProviderDeleted(..) => "identity_provider_deleted",
        Event::DomainClaimed(..) => "domain_claimed",
        Event::DomainVerified(..) => "domain_verified",
        Event::DomainLost(..) => "domain_lost",
        Event::DomainDeleted(..) => "domain_deleted",
        Event::IdentityLinked(..) => "identity_linked",
        Event::IdentityUnlinked(..) => "identity_unlinked",
        Event::PasswordRemoved => "password_removed",
        Event::SigningKeyRotated { .. } => "signing_key_rotated",
        Event::InstanceSettingsChanged { .. } => "instance_settings_changed",
        Event::UserImpersonated(_) => "user_impersonated",
        Event::GuestImpersonated(_) => "guest_impersonated",
        Event::GuestLoggedIn { .. } => "guest_logged_in",
    }
}

/// Returns an event as others read it.
#[expect(clippy::too_many_lines, reason = "a table, which is looked up and not read aloud")]
pub(super) fn message(event: &Event) -> Wire {
    match event {
        Event::InstanceBootstrapped => told!(InstanceBootstrapped {}),
        Event::UserInvited { invitation_id, roles } => {
            told!(UserInvited { invitation_id: invitation_id.to_string(), roles: roles.clone() })
        }
        Event::InvitationResent(id) => told!(InvitationResent { invitation_id: id.to_string() }),
        Event::InvitationAccepted(id) => told!(InvitationAccepted { invitation_id: id.to_string() }),
        Event::InvitationVoided(id) => told!(InvitationVoided { invitation_id: id.to_string() }),
        Event::InvitationRevoked(id) => told!(InvitationRevoked { invitation_id: id.to_string() }),
        Event::UserCreated { roles, credential } => {
            told!(UserCreated { roles: roles.clone(), credential: (*credential).to_owned() })
        }
        Event::UserDeleted { erased } => told!(UserDeleted { erased: *erased }),
        Event::UserErased => told!(UserErased {}),
        Event::PasswordSet => told!(PasswordSet {}),
        Event::RegistrationRequested(id) => told!(RegistrationRequested { registration_id: id.to_string() }),
        Event::UserRegistered { registration_id, roles } => {
            told!(UserRegistered { registration_id: registration_id.to_string(), roles: roles.clone() })
        }
        Event::EmailVerified => told!(EmailVerified {}),
        Event::EmailProven(hash) => told!(EmailProven { address_hash: hash.clone() }),
        Event::AddressYielded => told!(AddressYielded {}),
        Event::LoginSucceeded(id, methods) => {
            told!(LoginSucceeded { session_id: id.to_string(), methods: texts(&methods.names()) })
        }
        Event::LoginFailed(failure) => told!(LoginFailed { reason: failure.as_str().to_owned() }),
        Event::NewDeviceUsed(id) => told!(NewDeviceUsed { session_id: id.to_string() }),
        Event::LoginCodeMailed => told!(LoginCodeMailed {}),
        Event::CallsRefused { method, count, reasons } => told!(CallsRefused {
            method: method.clone(),
            count: i32::try_from(*count).unwrap_or(i32::MAX),
            reasons: reasons.clone(),
        }),
        Event::SessionEnded(id, reason) => {
            told!(SessionEnded { session_id: id.to_string(), reason: reason.as_str().to_owned() })
        }
        Event::RefreshTokenReused(id) => told!(RefreshTokenReused { session_id: id.to_string() }),
        Event::AccountUpdated(fields) => told!(AccountUpdated { fields: texts(fields) }),
        Event::PasswordChanged => told!(PasswordChanged {}),
        Event::PasswordResetRequested { returned } => told!(PasswordResetRequested { returned: *returned }),
        Event::EmailChangeRequested => told!(EmailChangeRequested {}),
        Event::EmailChanged { old, new } => {
            told!(EmailChanged { old_email: old.as_str().to_owned(), new_email: new.as_str().to_owned() })
        }
        Event::FactorAdded(id) => told!(FactorAdded { factor_id: id.to_string() }),
        Event::FactorRemoved(id) => told!(FactorRemoved { factor_id: id.to_string() }),
        Event::FactorsReset => told!(FactorsReset {}),
        Event::RecoveryCodesRegenerated => told!(RecoveryCodesRegenerated {}),
        Event::RecoveryCodeUsed { left } => {
            told!(RecoveryCodeUsed { codes_left: i32::try_from(*left).unwrap_or(i32::MAX) })
        }
        Event::Reauthenticated(id) => told!(Reauthenticated { session_id: id.to_string() }),
        Event::ServiceAccountCreated(permissions) => told!(ServiceAccountCreated { permissions: permissions.clone() }),
        Event::ServiceAccountDeleted => told!(ServiceAccountDeleted {}),
        Event::ApiKeyCreated(id) => told!(ApiKeyCreated { api_key_id: id.to_string() }),
        Event::ApiKeyDeleted(id) => told!(ApiKeyDeleted { api_key_id: id.to_string() }),
        Event::ServiceAccountUpdated(permissions) => told!(ServiceAccountUpdated { permissions: permissions.clone() }),
        Event::AccessTokenCreated { access_token_id, permissions } => {
            told!(AccessTokenCreated { access_token_id: access_token_id.to_string(), permissions: permissions.clone() })
        }
        Event::AccessTokenRevoked(id) => told!(AccessTokenRevoked { access_token_id: id.to_string() }),
        Event::UserImpersonated(acted) => told!(UserImpersonated {
            session_id: acted.session_id.to_string(),
            reason: acted.reason.as_str().to_owned(),
            read_only: acted.read_only,
            expire_time: Some(time(acted.expires)),
        }),
        Event::GuestImpersonated(acted) => told!(GuestImpersonated {
            reason: acted.reason.as_str().to_owned(),
            read_only: acted.read_only,
            expire_time: Some(time(acted.expires)),
        }),
        Event::GuestLoggedIn { expires } => told!(GuestLoggedIn { expire_time: Some(time(*expires)) }),
        Event::InstanceSettingsChanged { old_settings, new_settings } => {
            told!(InstanceSettingsChanged { old_settings: old_settings.clone(), new_settings: new_settings.clone() })
        }
        Event::IdentityProviderCreated(id) => told!(IdentityProviderCreated { identity_provider_id: id.to_string() }),
        Event::IdentityProviderUpdated(id) => told!(IdentityProviderUpdated { identity_provider_id: id.to_string() }),
        Event::IdentityProviderDeleted(id) => told!(IdentityProviderDeleted { identity_provider_id: id.to_string() }),
        Event::DomainClaimed(name) => told!(DomainClaimed { name: name.as_str().to_owned() }),
        Event::DomainVerified(name) => told!(DomainVerified { name: name.as_str().to_owned() }),
        Event::DomainLost(name) => told!(DomainLost { name: name.as_str().to_owned() }),
        Event::DomainDeleted(name) => told!(DomainDeleted { name: name.as_str().to_owned() }),
        Event::IdentityLinked(id) => told!(IdentityLinked { identity_provider_id: id.to_string() }),
        Event::IdentityUnlinked(id) => told!(IdentityUnlinked { identity_provider_id: id.to_string() }),
        Event::PasswordRemoved => told!(PasswordRemoved {}),
        Event::SigningKeyRotated { key_id, retired_previous } => {
            told!(SigningKeyRotated { kid: key_id.to_string(), retired_previous: *retired_previous })
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
