//! What may be changed: every check that can be made before anything changes.

use rolecall_authz::{RowFacts, Scope};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::{ADMIN, Command, Error};
use crate::app::{Resources, equals};
use crate::domain::user::{Membership, User, UserView};
use crate::domain::user_change::ProfileChange;
use crate::store::{credentials, users};

const SET_EMAIL: &str = "identity.users.set_email";
pub(super) const ASSIGN_ROLES: &str = "organization.members.assign_roles";

/// A change that nothing speaks against.
#[derive(Debug)]
pub(super) struct Judged {
    user: User,
    password_change_required: bool,
    /// What becomes of the profile.
    pub(super) profile: ProfileChange,
    /// Another address, if it is to be another.
    pub(super) email: Option<EmailAddress>,
    /// Other roles, if they are to be others.
    pub(super) roles: Option<Vec<String>>,
    /// The membership before.
    pub(super) membership: Membership,
    /// The version of the membership.
    pub(super) etag: String,
}

impl Judged {
    /// The account as it would be; its version is the current one, since no other exists.
    pub(super) fn preview(&self, membership: Membership, now: Timestamp) -> UserView {
        let after = self.user.changed(&self.profile, self.email.as_ref(), now);
        let user = User { version: self.user.version, updated: self.user.updated, ..after };
        UserView { user, membership, password_change_required: self.password_change_required }
    }
}

/// Checks everything.
pub(super) async fn judge(resources: &Resources, command: &Command) -> Result<Judged, Error> {
    let reader = resources.db.reader();
    let found = users::find_in_scope(&reader, command.user_id, &command.rights.update).await?;
    let user = found.ok_or(Error::UserNotFound)?;
    let (membership, etag) = resources.organization.member_with_etag(user.user_id).await?;
    let email = given_email(command, &user);
    let roles = given_roles(command, &membership);
    let rights = &command.rights;
    demand(email.is_some(), SET_EMAIL, &rights.set_email, &user)?;
    demand(roles.is_some(), ASSIGN_ROLES, &rights.assign_roles, &user)?;
    check_etag(command, &user)?;
    let is_own = command.actor == user.user_id.into();
    if roles.as_ref().is_some_and(|roles| roles.iter().any(|role| role == ADMIN)) {
        return Err(Error::RoleUnknown);
    }
    if is_own && roles.is_some() {
        return Err(Error::SelfRefused);
    }
    if let Some(email) = &email {
        equals::check_credentials(resources, command.actor, command.proved, user.user_id).await?;
        let holder = users::find_by_email(&reader, email).await?;
        // Early and friendly; only the unique index decides.
        if holder.is_some_and(|(holder, _)| holder.user_id != user.user_id) {
            return Err(Error::EmailTaken);
        }
    }
    let password_change_required = credentials::is_change_required(&reader, user.user_id).await?;
    let profile = command.change.profile.clone();
    Ok(Judged { user, password_change_required, profile, email, roles, membership, etag })
}

fn given_email(command: &Command, user: &User) -> Option<EmailAddress> {
    let is_same = |email: &&EmailAddress| command.change.implied && **email == user.email;
    command.change.email.as_ref().filter(|email| !is_same(email)).cloned()
}

fn given_roles(command: &Command, membership: &Membership) -> Option<Vec<String>> {
    let is_same = |roles: &&Vec<String>| command.change.implied && **roles == membership.roles;
    command.change.roles.as_ref().filter(|roles| !is_same(roles)).cloned()
}

/// Refuses a given field whose permission the actor does not hold on the account.
fn demand(is_given: bool, permission: &'static str, scope: &Scope, user: &User) -> Result<(), Error> {
    if is_given && scope.permit(facts(user)).is_none() { Err(Error::PermissionMissing(permission)) } else { Ok(()) }
}

/// Refuses a change that is based on another version.
pub(super) fn check_etag(command: &Command, user: &User) -> Result<(), Error> {
    let current = user.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) { Err(Error::EtagMismatch(current)) } else { Ok(()) }
}

/// What decides whether an account lies in a scope.
pub(super) fn facts(user: &User) -> RowFacts {
    RowFacts::of_subject(Some(user.organization_id), user.user_id.into())
}
