//! What all changes of composed roles share: the lock, the scope, the actor's rights, what a role may hold.

use std::collections::BTreeSet;
use std::convert::Infallible;

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_db::once::RequestIdReused;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;

use super::App;
use crate::domain::actor::Subject;
use crate::domain::custom_role::{ComposedRole, RoleName};
use crate::domain::event::Origin;
use crate::domain::permission::Permission;
use crate::store::{ROLE_NAME_KEY, access, organizations, registered_permissions, subjects};

/// Why a role stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such organization within the scope of the caller.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The organization has no such role.
    #[error("no such role")]
    NotFound,
    /// The caller lost the right to it while asking.
    #[error("the caller lacks the right")]
    NotEntitled,
    /// The organization has a role of that name.
    #[error("the name is taken")]
    NameTaken,
    /// The organization has as many roles as it may.
    #[error("the organization has no room for another role")]
    LimitReached,
    /// Members hold the role.
    #[error("{0} hold the role")]
    InUse(u64),
    /// More members hold the role than it is taken from at once.
    #[error("{0} hold the role, too many to take it from at once")]
    InUseByMany(u64),
    /// These are no permissions, by their places in the request.
    #[error("some are no permissions")]
    PermissionsUnknown(Vec<usize>),
    /// The caller does not hold these itself.
    #[error("the permissions are not the caller's to give")]
    PermissionsNotGrantable(Vec<String>),
    /// The caller may not take the role from those who hold it.
    #[error("the role is not the caller's to take")]
    NotGrantable(RoleName),
    /// Nobody raises itself.
    #[error("nobody raises itself")]
    OnItself,
    /// Somebody else changed it; this is its version now.
    #[error("the role has changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(rolecall_db::Error),
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        if error.violates(ROLE_NAME_KEY) { Self::NameTaken } else { Self::Store(error) }
    }
}

/// In which organization a caller wants to change roles, and by which right.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) organization_id: OrganizationId,
    /// Where the caller holds the permission.
    pub(crate) scope: Scope,
    pub(crate) origin: Origin,
}

/// A role after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) composed: ComposedRole,
    pub(crate) revision: i64,
}

/// An organization whose roles wait for a change, and the facts of that.
pub(super) struct Opened {
    pub(super) actor: Subject,
    pub(super) revision: i64,
    pub(super) now: Timestamp,
}

/// Locks the organization, if the actor may change its roles so. Nobody is given a role of it meanwhile.
pub(super) async fn open(app: &App, tx: &Tx, target: &Target, permission: &str) -> Result<Opened, Error> {
    let (id, now) = (target.organization_id, app.now());
    // First of all: from here on nobody else changes anybody's access until this transaction ends.
    let revision = access::advance(tx).await?;
    organizations::find_locked(tx, &target.scope, id).await?.ok_or(Error::OrganizationNotFound)?;
    let actor = target.origin.actor.ok_or(Error::NotEntitled)?;
    let actor = subjects::find(tx, &Scope::All, actor).await?.ok_or(Error::NotEntitled)?;
    if actor.may(permission, id, now) { Ok(Opened { actor, revision, now }) } else { Err(Error::NotEntitled) }
}

/// Refuses names that no backend registered; the catalogue was looked at before.
pub(super) async fn check_known(tx: &Tx, names: &[String]) -> Result<(), Error> {
    let is_foreign = |name: &&str| Permission::find(name).is_none();
    let foreign: Vec<&str> = names.iter().map(String::as_str).filter(is_foreign).collect();
    let known = registered_permissions::find_names(tx, &foreign).await?;
    let is_unknown = |name: &str| is_foreign(&name) && !known.iter().any(|known| known == name);
    let unknown: Vec<usize> =
        names.iter().enumerate().filter(|(_, name)| is_unknown(name)).map(|(place, _)| place).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::PermissionsUnknown(unknown)) }
}

/// Nobody composes what it could not give: who does not reign gives and takes what it holds itself.
pub(super) fn check_grantable(
    actor: &Subject,
    organization: OrganizationId,
    changed: &BTreeSet<String>,
) -> Result<(), Error> {
    if actor.reigns(organization) {
        return Ok(());
    }
    let lacking = actor.lacking(changed.iter());
    if lacking.is_empty() { Ok(()) } else { Err(Error::PermissionsNotGrantable(lacking)) }
}

/// Refuses a change that is based on another version.
pub(super) fn check_etag(composed: &ComposedRole, etag: Option<&String>) -> Result<(), Error> {
    let current = composed.etag();
    if etag.is_some_and(|etag| *etag != current) { Err(Error::EtagMismatch { current }) } else { Ok(()) }
}

/// Does the work and takes it back: tells what it would have come to.
pub(super) async fn rehearse<T, E, F, Fut>(app: &App, work: F) -> Result<T, E>
where
    F: Fn(Tx) -> Fut + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Send,
    E: From<rolecall_db::Error> + Send,
{
    let outcome: Result<Infallible, Rehearsed<T, E>> = app
        .database
        .write(|tx| {
            let work = work(tx);
            async move { Err(work.await.map_or_else(Rehearsed::Refused, Rehearsed::Possible)) }
        })
        .await;
    match outcome {
        Err(Rehearsed::Possible(value)) => Ok(value),
        Err(Rehearsed::Refused(error)) => Err(error),
        Ok(never) => match never {},
    }
}

/// What a rehearsal came to, as an error: whatever it is, the transaction is rolled back.
enum Rehearsed<T, E> {
    Possible(T),
    Refused(E),
}

impl<T, E: From<rolecall_db::Error>> From<rolecall_db::Error> for Rehearsed<T, E> {
    fn from(error: rolecall_db::Error) -> Self {
        Self::Refused(error.into())
    }
}
