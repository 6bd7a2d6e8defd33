//! What all changes of a model share: the lock, the actor's rights, the etag, the event.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{ModelId, SubjectId};
use rolecall_organization::ground::Origin;

use super::App;
use super::change::{self, Opened, Refused};
use crate::domain::event::What;
use crate::domain::model::{Model, VersionError};
use crate::store::{MODEL_NAME_KEY, models};

/// Why a model stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such model within the scope of the caller.
    #[error("no such model")]
    NotFound,
    /// No such organization within the scope of the caller.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The name belongs to another model of the organization.
    #[error("the name is taken")]
    NameTaken,
    /// Somebody else changed it; this is its version now.
    #[error("the model has changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// An active policy or an open compute spec names it.
    #[error("the model is in use")]
    InUse,
    /// The version does not allow it.
    #[error(transparent)]
    Version(#[from] VersionError),
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
        if error.violates(MODEL_NAME_KEY) { Self::NameTaken } else { Self::Store(error) }
    }
}

/// Which model a caller wants to change.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) model_id: ModelId,
    /// The right by which, and where the caller holds it.
    pub(crate) permission: &'static str,
    pub(crate) scope: Scope,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) origin: Origin,
}

/// A model after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) model: Model,
    pub(crate) revision: i64,
}

/// Finds and locks a model, if the actor may change it so and knows how it is.
pub(super) async fn open(app: &App, tx: &Tx, target: &Target) -> Result<(Model, Opened), Error> {
    let opened = change::open(app, tx, &target.origin).await?;
    let model = models::find_locked(tx, &target.scope, target.model_id).await?.ok_or(Error::NotFound)?;
    opened.demand(tx, target.permission, model.organization_id).await?;
    let current = model.etag();
    if target.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    Ok((model, opened))
}

/// Changes a model once; `decide` says how, or that nothing changes.
pub(crate) async fn run(
    app: &App,
    target: &Target,
    repeat: Option<&Repeat<Changed>>,
    decide: impl Fn(&mut Model, &Opened) -> Result<Option<What>, Error> + Send + Sync,
) -> Result<Answer<Changed>, Error> {
    let decide = &decide;
    once(&app.database, repeat, app.now(), |tx| async move {
        let (mut model, opened) = open(app, &tx, target).await?;
        let before = model.clone();
        let Some(what) = decide(&mut model, &opened)? else {
            return Ok(Changed { model: before, revision: opened.revision });
        };
        let facts = RowFacts::of_organization(model.organization_id);
        let permit = target.scope.permit(facts).ok_or(Error::NotFound)?;
        models::update(&tx, &permit, &before, &model).await?;
        app.tell(&tx, &target.origin, model.organization_id, opened.now, what).await?;
        Ok(Changed { model, revision: opened.revision })
    })
    .await
}

/// Writes down that a model came or went: nobody's rights changed, so the model stands in the place of a subject.
pub(super) async fn record(tx: &Tx, opened: &Opened, model: &Model, what: &What, origin: &Origin) -> Result<(), Error> {
    Ok(opened.record(tx, in_place_of_subject(model.model_id), model.organization_id, what, origin).await?)
}

/// Makes this process obey that a model came or went.
pub(super) fn obey(app: &App, changed: &Changed) {
    app.announce(in_place_of_subject(changed.model.model_id), changed.revision);
}

const fn in_place_of_subject(model: ModelId) -> SubjectId {
    SubjectId::from_uuid(model.as_uuid())
}
