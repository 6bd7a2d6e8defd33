//! What all changes of an organization share: the lock, the scope, the actor's rights, the event.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;

use super::App;
use crate::domain::actor::Subject;
use crate::domain::event::{Origin, What};
use crate::domain::organization::Organization;
use crate::store::{NAME_KEY, access, members, organizations, subjects};
use rolecall_db::once::RequestIdReused;

/// Why an organization stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such organization within the scope of the caller.
    #[error("no such organization")]
    NotFound,
    /// Nobody does this to the own organization.
    #[error("nobody does this to the own organization")]
    OnOwn,
    /// The organization that was made at installation stays.
    #[error("the home organization stays")]
    Home,
    /// The caller lost the right to it while asking.
    #[error("the caller lacks the right")]
    NotEntitled,
    /// It is suspended already.
    #[error("the organization is suspended")]
    Suspended,
    /// It is not suspended.
    #[error("the organization is not suspended")]
    NotSuspended,
    /// An administrator of the instance belongs to it.
    #[error("an administrator belongs to the organization")]
    HasAdmin,
    /// An account is being made in it.
    #[error("an account is being made in the organization")]
    Unfinished,
    /// The name belongs to another organization.
    #[error("the name is taken")]
    NameTaken,
    /// Somebody else changed it; this is its version now.
    #[error("the organization has changed to {current}")]
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
        if error.violates(NAME_KEY) { Self::NameTaken } else { Self::Store(error) }
    }
}

/// Which organization a caller wants to change, and by which right.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) organization_id: OrganizationId,
    /// Where the caller holds the permission.
    pub(crate) scope: Scope,
    pub(crate) origin: Origin,
}

/// An organization after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) organization: Organization,
    pub(crate) revision: i64,
}

/// What a decision is made on.
pub(crate) struct Case<'a> {
    pub(crate) organization: &'a Organization,
    /// Its owners, also those that are blocked.
    pub(crate) owners: Vec<UserId>,
    pub(crate) actor: &'a Subject,
    pub(crate) now: Timestamp,
}

impl Case<'_> {
    /// Tells whether the actor belongs to the organization.
    pub(crate) fn is_own(&self) -> bool {
        self.actor.organization_id() == Some(self.organization.organization_id)
    }
}

/// How an organization changes.
pub(crate) struct Change {
    pub(crate) after: Organization,
    pub(crate) what: What,
}

/// An organization that waits for its change, and the facts of that.
pub(crate) struct Opened {
    pub(crate) organization: Organization,
    pub(crate) actor: Subject,
    pub(crate) revision: i64,
    pub(crate) now: Timestamp,
}

/// Locks an organization, if the actor may change it so.
pub(super) async fn open(app: &App, tx: &Tx, target: &Target, permission: &'static str) -> Result<Opened, Error> {
    let (id, now) = (target.organization_id, app.now());
    // First of all: from here on nobody else changes anybody's access until this transaction ends.
    let revision = access::advance(tx).await?;
    let organization = organizations::find_locked(tx, &target.scope, id).await?.ok_or(Error::NotFound)?;
    let actor = target.origin.actor.ok_or(Error::NotEntitled)?;
    let actor = subjects::find(tx, &Scope::All, actor).await?.ok_or(Error::NotEntitled)?;
    if actor.may(permission, id, now) {
        Ok(Opened { organization, actor, revision, now })
    } else {
        Err(Error::NotEntitled)
    }
}

/// Changes an organization in the given transaction; `decide` says how, or that nothing changes.
///
/// A change of its state is a change of everybody's access who belongs to it.
pub(crate) async fn apply(
    app: &App,
    tx: &Tx,
    target: &Target,
    permission: &'static str,
    decide: impl Fn(&Case<'_>) -> Result<Option<Change>, Error> + Send,
) -> Result<Changed, Error> {
    let Opened { organization, actor, revision, now } = open(app, tx, target, permission).await?;
    let id = organization.organization_id;
    let owners = members::list_owners(tx, id).await?;
    let case = Case { organization: &organization, owners, actor: &actor, now };
    let Some(Change { after, what }) = decide(&case)? else { return Ok(Changed { organization, revision }) };
    let permit = target.scope.permit(RowFacts::of_organization(id)).ok_or(Error::NotFound)?;
    organizations::update(tx, &permit, &after).await?;
    if after.state != organization.state {
        access::record_organization(tx, revision, id, what.topic(), now, &target.origin).await?;
    }
    app.tell(tx, &target.origin, Some(id), now, what).await?;
    Ok(Changed { organization: after, revision })
}
