//! What all changes of a dataset share: where it is reached, the lock, the actor's rights, the etag, the event.

use rolecall_authz::Permit;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, RequestIdReused};
use rolecall_kernel::id::{DatasetId, OrganizationId, SubjectId};
use rolecall_organization::ground::{self, Origin};

use super::App;
use super::change::{self, Opened, Refused, in_operation};
use super::end_compute_specs::{self, Ended};
use crate::domain::dataset::{Dataset, Reach};
use crate::store::{DATASET_NAME_KEY, datasets};

const REGISTER: &str = "organization.datasets.register";
const MANAGE: &str = "organization.datasets.update";

/// Why a dataset stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such dataset within what the caller may see.
    #[error("no such dataset")]
    NotFound,
    /// The caller may see it, and not change it.
    #[error("the caller may read the dataset only")]
    ReadOnly,
    /// No such organization within the scope of the caller.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The name belongs to another dataset of the organization.
    #[error("the name is taken")]
    NameTaken,
    /// The registrant is nobody who registers datasets there.
    #[error("the registrant does not register datasets there")]
    RegistrantUnfit,
    /// Somebody else changed it; this is its version now.
    #[error("the dataset has changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// Who asks, or where, does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(rolecall_db::Error),
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        if error.violates(DATASET_NAME_KEY) { Self::NameTaken } else { Self::Store(error) }
    }
}

/// Which dataset a caller wants to change.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) dataset_id: DatasetId,
    /// The rights by which: on all datasets, and on those that the caller registered.
    pub(crate) permissions: [&'static str; 2],
    /// Where the caller holds them.
    pub(crate) reach: Reach,
    /// What the caller may see.
    pub(crate) sees: Reach,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) origin: Origin,
}

/// A dataset after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) dataset: Dataset,
    /// Who managed it before.
    pub(crate) old_registrant: SubjectId,
    pub(crate) revision: i64,
    /// The compute specs that ended with it.
    pub(crate) ended: Ended,
}

/// Finds and locks a dataset, if the actor may change it so and knows how it is.
pub(super) async fn open(app: &App, tx: &Tx, target: &Target) -> Result<(Dataset, Permit, Opened), Error> {
    let opened = change::open(app, tx, &target.origin).await?;
    let Some(dataset) = datasets::find_locked(tx, &target.reach, target.dataset_id).await? else {
        let is_seen = datasets::find(tx, &target.sees, target.dataset_id).await?.is_some();
        return Err(if is_seen { Error::ReadOnly } else { Error::NotFound });
    };
    let permit = target.reach.permit(&dataset).ok_or(Error::NotFound)?;
    entitled(&opened, &dataset, target.permissions)?;
    in_operation(tx, dataset.organization_id).await?;
    let current = dataset.etag();
    if target.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    Ok((dataset, permit, opened))
}

/// Checks what the actor may as of now: on all datasets of the organization, or on what it registered.
fn entitled(opened: &Opened, dataset: &Dataset, [all, registered]: [&'static str; 2]) -> Result<(), Refused> {
    let (actor, organization) = (&opened.actor, dataset.organization_id);
    let is_own = actor.subject_id() == dataset.facts.registrant && actor.organization_id() == Some(organization);
    let by_relation = actor.may_if_related(registered, opened.now) || actor.may(registered, organization, opened.now);
    if actor.may(all, organization, opened.now) || (is_own && by_relation) { Ok(()) } else { Err(Refused::NotEntitled) }
}

/// Checks that the actor may name somebody else who is to manage a dataset, and that this somebody can.
pub(super) async fn appoint(
    tx: &Tx,
    opened: &Opened,
    organization: OrganizationId,
    registrant: SubjectId,
) -> Result<(), Error> {
    if !opened.actor.may(MANAGE, organization, opened.now) {
        return Err(Refused::NotEntitled.into());
    }
    let found = ground::find_actor(tx, registrant).await?;
    let belongs = found.filter(|registrant| registrant.organization_id() == Some(organization));
    if belongs.is_some_and(|registrant| registrant.may(REGISTER, organization, opened.now)) {
        Ok(())
    } else {
        Err(Error::RegistrantUnfit)
    }
}

/// Makes this process obey a change before it is answered.
pub(super) fn obey(app: &App, answer: &Answer<Changed>) {
    if let Answer::Fresh(changed) = answer {
        app.announce(changed.old_registrant, changed.revision);
        app.announce(changed.dataset.facts.registrant, changed.revision);
        end_compute_specs::obey(app, &changed.ended);
    }
}
