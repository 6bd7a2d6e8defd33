//! What all changes of governed resources share: the revision, the actor's rights, an organization in operation.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, AccessChange, Origin, Subject};

use super::App;
use crate::domain::event::What;

/// Why nothing is changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The caller lost the right to it while asking.
    #[error("the caller lacks the right")]
    NotEntitled,
    /// Nobody changes anything in a suspended organization.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// A change that may begin.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// Drawn for this change: from here on nobody else changes anybody's access until the transaction ends.
    pub(crate) revision: i64,
    /// Who acts, as of now.
    pub(crate) actor: Subject,
    pub(crate) now: Timestamp,
}

/// Draws the revision of a change and reads who makes it; the first statement of the transaction.
pub(crate) async fn open(app: &App, tx: &Tx, origin: &Origin) -> Result<Opened, Refused> {
    let revision = ground::advance(tx).await?;
    let actor = origin.actor.ok_or(Refused::NotEntitled)?;
    let actor = ground::find_actor(tx, actor).await?.ok_or(Refused::NotEntitled)?;
    Ok(Opened { revision, actor, now: app.now() })
}

impl Opened {
    /// Writes down whose access the change is about.
    pub(crate) async fn record(
        &self,
        tx: &Tx,
        subject_id: SubjectId,
        organization: OrganizationId,
        what: &What,
        origin: &Origin,
    ) -> Result<(), Error> {
        let (revision, occurred, organization_id) = (self.revision, self.now, Some(organization));
        let change = AccessChange { revision, subject_id, organization_id, what: what.topic(), occurred };
        ground::record(tx, &change, origin).await
    }

    /// Checks that the actor may use the permission in an organization that is in operation.
    pub(crate) async fn demand(&self, tx: &Tx, permission: &str, organization: OrganizationId) -> Result<(), Refused> {
        if !self.actor.may(permission, organization, self.now) {
            return Err(Refused::NotEntitled);
        }
        in_operation(tx, organization).await
    }
}

/// Checks that an organization is in operation, and keeps it so until the transaction ends.
pub(crate) async fn in_operation(tx: &Tx, organization: OrganizationId) -> Result<(), Refused> {
    if ground::operates(tx, organization).await? { Ok(()) } else { Err(Refused::OrganizationSuspended) }
}
