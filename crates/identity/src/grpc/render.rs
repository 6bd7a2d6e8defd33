//! Domain types as messages.

use rolecall_api::identity::v1 as wire;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::text::{Institution, PersonName, Website};
use rolecall_kernel::time::Timestamp;

use crate::app::tokens::Tokens;
use crate::domain::invitation::Invitation;
use crate::domain::password::PasswordPolicy;
use crate::domain::revocation::{Revocation, Revoked};
use crate::domain::service_account::{ApiKey, ServiceAccount};
use crate::domain::user::{User, UserState, UserView};

/// Renders a time.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}

/// Renders an account.
pub(super) fn user(view: &UserView) -> wire::User {
    let (user, profile) = (&view.user, &view.user.profile);
    let part = |name: Option<&PersonName>| name.map(PersonName::as_str).unwrap_or_default().to_owned();
    wire::User {
        user_id: user.user_id.to_string(),
        organization_id: user.organization_id.to_string(),
        email: user.email.as_str().to_owned(),
        name: profile.name.as_str().to_owned(),
        given_name: part(profile.given_name.as_ref()),
        family_name: part(profile.family_name.as_ref()),
        institution: profile.institution.as_ref().map(Institution::as_str).unwrap_or_default().to_owned(),
        website: profile.website.as_ref().map(Website::as_str).unwrap_or_default().to_owned(),
        state: match user.state {
            UserState::Invited => wire::UserState::Invited,
            UserState::Active => wire::UserState::Active,
        }
        .into(),
        roles: view.membership.roles.clone(),
        blocked: view.membership.blocked,
        etag: user.version.to_string(),
        create_time: Some(time(user.created)),
        update_time: Some(time(user.updated)),
        last_login_time: user.last_login.map(time),
    }
}

/// Renders an account that does not exist: as it would be, without an id.
pub(super) fn user_without_id(view: &UserView) -> wire::User {
    wire::User { user_id: String::new(), etag: String::new(), create_time: None, update_time: None, ..user(view) }
}

/// Renders an invitation.
pub(super) fn invitation(invitation: &Invitation) -> wire::Invitation {
    wire::Invitation {
        invitation_id: invitation.invitation_id.to_string(),
        user_id: invitation.user_id.to_string(),
        organization_id: invitation.organization_id.to_string(),
        inviter_id: invitation.inviter_id.to_string(),
        expire_time: Some(time(invitation.expires)),
    }
}

/// Renders tokens.
pub(super) fn tokens(tokens: &Tokens) -> wire::Tokens {
    wire::Tokens {
        access_token: tokens.access_token.clone(),
        access_token_expire_time: Some(time(tokens.access_expires)),
        refresh_token: tokens.refresh_token.expose().to_owned(),
        refresh_token_expire_time: Some(time(tokens.refresh_expires)),
        session_id: tokens.session_id.to_string(),
        user_id: tokens.user_id.to_string(),
    }
}

/// Renders what a password must satisfy.
pub(super) fn password_policy(policy: PasswordPolicy) -> wire::PasswordPolicy {
    let number = |characters| i32::try_from(characters).unwrap_or(i32::MAX);
    wire::PasswordPolicy {
        min_characters: number(policy.min_characters),
        max_characters: number(policy.max_characters),
    }
}

/// Renders how to reach a person.
pub(super) fn contact(user: &User) -> wire::Contact {
    wire::Contact {
        subject_id: user.user_id.to_string(),
        email: user.email.as_str().to_owned(),
        name: user.profile.name.as_str().to_owned(),
        email_verified: user.email_verified,
    }
}

/// Renders a service account.
pub(super) fn service_account(account: &ServiceAccount) -> wire::ServiceAccount {
    wire::ServiceAccount {
        service_account_id: account.service_account_id.to_string(),
        organization_id: account.organization_id.as_ref().map(OrganizationId::to_string).unwrap_or_default(),
        name: account.name.as_str().to_owned(),
        permissions: account.permissions.clone(),
        create_time: Some(time(account.created)),
    }
}

/// Renders a key, without its secret.
pub(super) fn api_key(key: &ApiKey) -> wire::ApiKey {
    wire::ApiKey {
        api_key_id: key.api_key_id.to_string(),
        service_account_id: key.service_account_id.to_string(),
        expire_time: Some(time(key.expires)),
        create_time: Some(time(key.created)),
    }
}

/// Renders a revocation.
pub(super) fn revocation(revocation: &Revocation) -> wire::Revocation {
    use wire::revocation::Ended;
    let (ended, not_before) = match revocation.revoked {
        Revoked::Session(id) => (Ended::SessionId(id.to_string()), None),
        Revoked::Subject(id, not_before) => (Ended::SubjectId(id.to_string()), Some(time(not_before))),
    };
    wire::Revocation { ended: Some(ended), not_before, expire_time: Some(time(revocation.expires)) }
}
