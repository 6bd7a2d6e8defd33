//! Domain types as messages.

use rolecall_api::identity::v1 as wire;
use rolecall_kernel::id::{OrganizationId, SessionId};
use rolecall_kernel::text::{Institution, PersonName, Website};
use rolecall_kernel::time::Timestamp;

use crate::app::invite::Invited;
use crate::app::tokens::{Holder, Tokens};
use crate::domain::invitation::InvitationView;
use crate::domain::password::PasswordPolicy;
use crate::domain::revocation::{Revocation, Revoked};
use crate::domain::service_account::{ApiKey, Proof, ServiceAccount, public_key_pem};
use crate::domain::session::Session;
use crate::domain::user::{User, UserState, UserView};

/// Renders a time.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}

/// Renders how many there are.
pub(super) fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
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
        etag: user.etag(),
        create_time: Some(time(user.created)),
        update_time: Some(time(user.updated)),
        last_login_time: user.last_login.map(time),
        email_verified: user.email_verified,
        password_change_required: view.password_change_required,
    }
}

/// Renders an account that does not exist: as it would be, without an id.
pub(super) fn user_without_id(view: &UserView) -> wire::User {
    wire::User { user_id: String::new(), etag: String::new(), create_time: None, update_time: None, ..user(view) }
}

/// Renders an invitation that was made, and its code if whoever invites gets it.
pub(super) fn invited(invited: Option<&Invited>) -> (Option<wire::Invitation>, String) {
    let code = invited.and_then(|invited| invited.code.as_ref()).map(|code| code.expose().to_owned());
    (invited.map(|invited| invitation(&invited.view)), code.unwrap_or_default())
}

/// Renders an invitation.
pub(super) fn invitation(view: &InvitationView) -> wire::Invitation {
    let invitation = &view.invitation;
    wire::Invitation {
        invitation_id: invitation.invitation_id.to_string(),
        user_id: invitation.user_id.to_string(),
        organization_id: invitation.organization_id.to_string(),
        inviter_id: invitation.inviter_id.to_string(),
        expire_time: Some(time(invitation.expires)),
        create_time: Some(time(invitation.created)),
        email: view.email.as_str().to_owned(),
    }
}

/// Renders a session; `current` is that of the calling token.
pub(super) fn session(session: &Session, current: Option<SessionId>) -> wire::Session {
    wire::Session {
        session_id: session.session_id.to_string(),
        user_id: session.user_id.to_string(),
        auth_time: Some(time(session.auth_time)),
        last_used_time: Some(time(session.last_used)),
        idle_expire_time: Some(time(session.idle_expires)),
        expire_time: Some(time(session.absolute_expires)),
        authentication_methods: session.methods.names().into_iter().map(str::to_owned).collect(),
        current: current == Some(session.session_id),
        impersonator_id: session.acting.map(|acting| acting.actor.to_string()).unwrap_or_default(),
        read_only: session.acting.is_some_and(|acting| acting.read_only),
    }
}

/// Renders tokens.
pub(super) fn tokens(tokens: &Tokens) -> wire::Tokens {
    let (user_id, guest_id) = match tokens.holder {
        Holder::User(id) => (id.to_string(), String::new()),
        Holder::Guest(id) => (String::new(), id.to_string()),
    };
    wire::Tokens {
        access_token: tokens.access_token.clone(),
        access_token_expire_time: Some(time(tokens.access_expires)),
        refresh_token: tokens.refresh_token.expose().to_owned(),
        refresh_token_expire_time: Some(time(tokens.refresh_expires)),
        session_id: tokens.session_id.to_string(),
        device_token: tokens.device_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default(),
        user_id,
        guest_id,
    }
}

/// Renders what a password must satisfy.
pub(super) fn password_policy(policy: PasswordPolicy) -> wire::PasswordPolicy {
    let number = |characters| i32::try_from(characters).unwrap_or(i32::MAX);
    wire::PasswordPolicy {
        require_three_classes: policy.require_three_classes,
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
        etag: account.version.to_string(),
    }
}

/// Renders a key, without its secret.
pub(super) fn api_key(key: &ApiKey) -> wire::ApiKey {
    wire::ApiKey {
        api_key_id: key.api_key_id.to_string(),
        service_account_id: key.service_account_id.to_string(),
        expire_time: Some(time(key.expires)),
        create_time: Some(time(key.created)),
        last_used_time: key.last_used.map(time),
        public_key: match key.proof {
            Proof::Secret => String::new(),
            Proof::Signature(public) => public_key_pem(&public),
        },
    }
}

/// Renders a revocation.
pub(super) fn revocation(revocation: &Revocation) -> wire::Revocation {
    use wire::revocation::Ended;
    let (ended, not_before) = match revocation.revoked {
        Revoked::Session(id) => (Ended::SessionId(id.to_string()), None),
        Revoked::Subject(id, not_before) => (Ended::SubjectId(id.to_string()), Some(time(not_before))),
        Revoked::Key(id) => (Ended::Kid(id.to_string()), None),
    };
    wire::Revocation { ended: Some(ended), not_before, expire_time: Some(time(revocation.expires)) }
}
