//! Finds or makes the account of a person that its provider vouches for, and opens its session.
//!
//! Found by issuer and subject. An address leads to an account only where nothing else opens that: one without a
//! password and without a link, in the organization that owns the provider and proved the domain.

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_kernel::id::{LinkedIdentityId, SubjectId};
use rolecall_kernel::text::{EmailAddress, PersonName};
use rolecall_kernel::time::Timestamp;

use super::super::Resources;
use super::super::accept_invitation;
use super::super::create_user::{self, Credential};
use super::super::device;
use super::super::open_session::{self, Opened, Times};
use super::super::proven_address;
use super::super::tokens::Tokens;
use super::complete::Error;
use crate::domain::device::Carried;
use crate::domain::event::Event;
use crate::domain::session::{AuthMethods, SessionLimits};
use crate::domain::sso::{Asserted, IdentityProvider, LinkedIdentity, PendingLogin, RoleSource};
use crate::domain::user::{Profile, User, UserState};
use crate::events::publish::{about, by_user};
use crate::peers::{Passwords, PeerError, Refusal, RoleChange};
use crate::store::{
    LINKED_IDENTITIES_SUBJECT_KEY, awaited_passwords, credentials, domains, identity_providers, linked_identities,
    users,
};

/// How long ago a person proved who it is whose provider does not tell: too long for a step-up.
const UNTOLD: std::time::Duration = std::time::Duration::from_hours(1);

/// How an account was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// The provider knew it before.
    Linked,
    /// By its address alone: nothing opens it yet.
    Claimed,
    /// Its person asked for the link.
    Wanted,
}

/// An account, and how it was found.
struct Found {
    user: User,
    how: How,
}

/// Admits a person.
pub(super) async fn run(
    resources: &Resources,
    login: &PendingLogin,
    provider: &IdentityProvider,
    asserted: &Asserted,
    began: Timestamp,
) -> Result<Tokens, Error> {
    let settings = resources.organization.settings(provider.organization_id).await?;
    let settings = settings.ok_or(Error::SsoRefused("the organization is not active"))?;
    let found = match login.user_id {
        Some(_) => to_link(resources, login, asserted).await?,
        None => find_or_make(resources, provider, settings.passwords, asserted).await?,
    };
    refuse_administrators(resources, &found.user).await?;
    if found.user.organization_id != provider.organization_id || found.user.state != UserState::Active {
        return Err(Error::SsoRefused("the account is not of this organization, or not active"));
    }
    if settings.passwords.is_break_glass(found.user.user_id) {
        return Err(Error::SsoRefused("the break-glass owner shows a password and a second factor here"));
    }
    follow_claims(resources, provider, asserted, &found.user).await?;
    if !resources.organization.access(found.user.user_id.into()).await?.active {
        return Err(Error::SsoRefused("the person may not act"));
    }
    let (limits, passwords) = (settings.session, settings.passwords);
    let carried = Carried { audience: login.audience.clone(), ..Carried::default() };
    let admission = &Admission { provider, asserted, found: &found, limits, passwords, carried, began };
    let opened = resources.db.write(|tx| async move { enter(resources, &tx, admission).await }).await;
    Ok(opened?.finish(resources))
}

/// Finds the account that its person asked to link.
async fn to_link(resources: &Resources, login: &PendingLogin, asserted: &Asserted) -> Result<Found, Error> {
    let reader = resources.db.reader();
    let user_id = login.user_id.ok_or(Error::SsoRefused("no account to link"))?;
    match linked_identities::find(&reader, &asserted.issuer, &asserted.subject).await? {
        Some(link) if link.user_id != user_id => return Err(Error::IdentityTaken),
        Some(_) | None => {}
    }
    let user = users::find(&reader, user_id).await?.ok_or(Error::SsoRefused("the account to link is gone"))?;
    Ok(Found { user, how: How::Wanted })
}

async fn find_or_make(
    resources: &Resources,
    provider: &IdentityProvider,
    passwords: Passwords,
    asserted: &Asserted,
) -> Result<Found, Error> {
    let reader = resources.db.reader();
    if let Some(link) = linked_identities::find(&reader, &asserted.issuer, &asserted.subject).await? {
        let user = users::find(&reader, link.user_id).await?.ok_or(Error::SsoRefused("the account is gone"))?;
        return Ok(Found { user, how: How::Linked });
    }
    let email = asserted.verified_email.as_ref().ok_or(Error::SsoRefused("the address is not verified"))?;
    if domains::find_owner(&reader, email.domain()).await? != Some(provider.organization_id) {
        return Err(Error::SsoRefused("the domain of the address is not proven by the organization"));
    }
    accept_if_invited(resources, provider, passwords, email).await?;
    let user = match users::find_by_email(&reader, email).await? {
        // A password that nobody may have any longer opens nothing.
        Some((user, password))
            if (password.is_none() || !passwords.allow(user.user_id))
                && is_unclaimed(resources, provider, &user).await? =>
        {
            user
        }
        Some(_) => return Err(Error::SsoAccountNotLinked),
        None if provider.settings.just_in_time => make(resources, provider, asserted, email).await?,
        None => return Err(Error::SsoAccountMissing),
    };
    Ok(Found { user, how: How::Claimed })
}

/// Accepts the invitation of somebody who has no other way to accept it: where nobody has a password, the proven address
/// stands for the code. Elsewhere an invited account waits for its code.
async fn accept_if_invited(
    resources: &Resources,
    provider: &IdentityProvider,
    passwords: Passwords,
    email: &EmailAddress,
) -> Result<(), Error> {
    let Some((user, _)) = users::find_by_email(&resources.db.reader(), email).await? else { return Ok(()) };
    let is_invited = user.organization_id == provider.organization_id && user.state == UserState::Invited;
    if is_invited && !passwords.allow(user.user_id) {
        accept_invitation::run_by_provider(resources, &user).await?;
    }
    Ok(())
}

/// Whether nothing opens an account yet, so that its address alone tells whose it is.
async fn is_unclaimed(resources: &Resources, provider: &IdentityProvider, user: &User) -> Result<bool, Error> {
    let is_ours = user.organization_id == provider.organization_id && user.state == UserState::Active;
    Ok(is_ours && linked_identities::count(&resources.db.reader(), user.user_id).await? == 0)
}

/// No provider of an organization speaks for those who administer the instance.
async fn refuse_administrators(resources: &Resources, user: &User) -> Result<(), Error> {
    if resources.organization.member(user.user_id).await?.holds("ADMIN") {
        return Err(Error::SsoRefused("a provider does not speak for administrators of the instance"));
    }
    Ok(())
}

/// Makes a member, bounded by what whoever configured the provider may do now.
async fn make(
    resources: &Resources,
    provider: &IdentityProvider,
    asserted: &Asserted,
    email: &EmailAddress,
) -> Result<User, Error> {
    let roles = match provider.settings.role_source {
        RoleSource::Rolecall => vec!["GUEST".to_owned()],
        RoleSource::Claims => provider.settings.roles(&asserted.roles),
    };
    let command = create_user::Command {
        actor: provider.configured_by,
        scope: Scope::organization(provider.organization_id),
        organization: provider.organization_id,
        email: email.clone(),
        profile: profile(asserted, email).ok_or(Error::SsoRefused("the person has no name"))?,
        roles,
        credential: Credential::SingleSignOn { mailed: false },
        validate_only: false,
        deadline: None,
        once: None,
    };
    create_user::run(resources, &command).await?;
    let made = users::find_by_email(&resources.db.reader(), email).await?;
    made.map(|(user, _)| user).ok_or(Error::SsoRefused("the account is gone"))
}

/// What the provider tells of the person; without a name the part of the address before the `@` stands for it.
fn profile(asserted: &Asserted, email: &EmailAddress) -> Option<Profile> {
    let name = |text: &Option<String>| text.as_deref().and_then(|text| PersonName::parse(text).ok());
    let (given_name, family_name) = (name(&asserted.given_name), name(&asserted.family_name));
    let full = name(&asserted.name).or_else(|| Profile::full_name(given_name.as_ref(), family_name.as_ref()));
    let local = || email.as_str().split('@').next().and_then(|local| PersonName::parse(local).ok());
    let name = full.or_else(local)?;
    Some(Profile { name, given_name, family_name, institution: None, website: None })
}

/// Gives a member the roles that the provider says it has, where that is how roles come about. Owners stay.
async fn follow_claims(
    resources: &Resources,
    provider: &IdentityProvider,
    asserted: &Asserted,
    user: &User,
) -> Result<(), Error> {
    if provider.settings.role_source != RoleSource::Claims {
        return Ok(());
    }
    let (member, etag) = resources.organization.member_with_etag(user.user_id).await?;
    let roles = provider.settings.roles(&asserted.roles);
    let is_own = SubjectId::from(user.user_id) == provider.configured_by;
    if member.roles == roles || is_own || member.holds("OWNER") || member.holds("ADMIN") {
        return Ok(());
    }
    let change = RoleChange {
        user_id: user.user_id,
        roles: &roles,
        actor: provider.configured_by,
        etag: &etag,
        validate_only: false,
    };
    match resources.organization.change_member_roles(&change).await {
        Ok(_) => Ok(()),
        Err(PeerError::Refused(Refusal::EtagMismatch)) => Err(rolecall_db::Error::Conflict.into()),
        Err(PeerError::Refused(_)) => {
            Err(Error::SsoRefused("whoever configured the provider may not give these roles"))
        }
        Err(error) => Err(error.into()),
    }
}

/// A person that may come in.
struct Admission<'a> {
    provider: &'a IdentityProvider,
    asserted: &'a Asserted,
    found: &'a Found,
    limits: SessionLimits,
    passwords: Passwords,
    carried: Carried,
    began: Timestamp,
}

/// Links what is new and opens the session; the provider first, then the account, as whoever changes a provider does.
async fn enter(resources: &Resources, tx: &Tx, admission: &Admission<'_>) -> Result<Opened, Error> {
    let &Admission { provider, asserted, found, limits, ref carried, began, .. } = admission;
    let current = identity_providers::lock_shared(tx, provider.identity_provider_id).await?;
    if !current.is_some_and(|current| current.settings.enabled && current.version == provider.version) {
        return Err(Error::SsoRefused("the provider was changed meanwhile"));
    }
    let user = users::lock(tx, found.user.user_id).await?.filter(|user| user.state == UserState::Active);
    let user = &user.ok_or(Error::SsoRefused("the account is gone"))?;
    if found.how != How::Linked {
        link(resources, tx, admission, user).await?;
    }
    let methods = if asserted.proof.is_multiple() { AuthMethods::FEDERATED_MULTIPLE } else { AuthMethods::FEDERATED };
    let authenticated = asserted.proof.auth_time.unwrap_or_else(|| began.minus(UNTOLD)).min(began);
    let times = Times { began, authenticated };
    let opened = open_session::open_at(resources, tx, user, methods, limits, carried, times).await?;
    let id = provider.identity_provider_id;
    linked_identities::note_session(tx, opened.session_id(), id, user.user_id).await?;
    Ok(opened)
}

/// Removes a password that was stored by what was under way when the organization did away with them.
async fn remove_password(resources: &Resources, tx: &Tx, user: &User, now: Timestamp) -> Result<(), Error> {
    credentials::delete(tx, user.user_id).await?;
    awaited_passwords::note(tx, user.user_id, now).await?;
    device::forget_all(resources, tx, user).await?;
    let (organization, target) = (Some(user.organization_id), Some(user.user_id.into()));
    resources.publisher.append(tx, &about(None, organization, target, now, Event::PasswordRemoved)).await?;
    Ok(())
}

async fn link(resources: &Resources, tx: &Tx, admission: &Admission<'_>, user: &User) -> Result<(), Error> {
    let &Admission { provider, asserted, found, passwords, began: now, .. } = admission;
    match linked_identities::find(tx, &asserted.issuer, &asserted.subject).await? {
        Some(link) if link.user_id == user.user_id => return Ok(()),
        Some(_) => return Err(Error::IdentityTaken),
        None => {}
    }
    if found.how == How::Claimed {
        // The account was found by its address, which may be another by now: the provider vouches for that one alone.
        if asserted.verified_email.as_ref().is_none_or(|vouched| vouched.key() != user.email.key()) {
            return Err(Error::SsoAccountNotLinked);
        }
        // Looked at again under the lock: what opens the account meanwhile makes it somebody's.
        let has_password = credentials::find(tx, user.user_id).await?.is_some();
        let is_opened = has_password && passwords.allow(user.user_id);
        if is_opened || linked_identities::count(tx, user.user_id).await? > 0 {
            return Err(Error::SsoAccountNotLinked);
        }
        if has_password {
            remove_password(resources, tx, user, now).await?;
        }
        if users::verify_email(tx, user.user_id, now).await? {
            proven_address::tell(resources, tx, user, now).await?;
        }
    }
    let link = LinkedIdentity {
        linked_identity_id: LinkedIdentityId::new(now, resources.entropy.as_ref()),
        user_id: user.user_id,
        identity_provider_id: provider.identity_provider_id,
        issuer: asserted.issuer.clone(),
        subject: asserted.subject.clone(),
        created: now,
    };
    linked_identities::insert(tx, &link).await.map_err(|error| {
        if error.violates(LINKED_IDENTITIES_SUBJECT_KEY) { Error::IdentityTaken } else { error.into() }
    })?;
    resources.publisher.append(tx, &by_user(user, now, Event::IdentityLinked(provider.identity_provider_id))).await?;
    Ok(())
}
