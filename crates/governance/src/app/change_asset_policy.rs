//! What all changes of an asset policy share: the lock, the actor's rights, the etag, the revision, the event.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{AssetPolicyId, DatasetId, OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, AccessChange, Origin};

use super::App;
use super::beneficiaries::AskError;
use super::change::{self, Opened, Refused};
use super::end_compute_specs::{self, Ended, follow_policy};
use crate::domain::asset_policy::{AssetPolicy, ChangeError, StateError, Terms, Undisclosed};
use crate::domain::event::What;
use crate::store::{asset_policies, models};

/// Why an asset policy stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such policy within the scope of the caller.
    #[error("no such asset policy")]
    NotFound,
    /// No such organization within the scope of the caller.
    #[error("no such organization")]
    OrganizationNotFound,
    /// Somebody else changed it; this is its version now.
    #[error("the asset policy has changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// It names what the organization does not have.
    #[error("the organization lacks what the policy names")]
    Lacking(Lacking),
    /// What it named when it was drafted is gone.
    #[error("what the policy names is gone")]
    Incomplete(Lacking),
    /// It may not change so.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Where it stands in its life does not allow it.
    #[error(transparent)]
    State(#[from] StateError),
    /// The organization has as many policies as it may.
    #[error("the organization has no room for another policy")]
    LimitReached,
    /// It would tell of more accounts of others than it may.
    #[error(transparent)]
    Undisclosed(#[from] Undisclosed),
    /// Who asks, or where, does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody could tell who proved which address.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// What a policy names and the organization does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Lacking {
    pub(crate) datasets: Vec<DatasetId>,
    pub(crate) model: bool,
    /// The model is there, but has no published version of the name.
    pub(crate) version: bool,
}

impl Lacking {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Which policy a caller wants to change.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) asset_policy_id: AssetPolicyId,
    /// The right by which, and where the caller holds it.
    pub(crate) permission: &'static str,
    pub(crate) scope: Scope,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) origin: Origin,
}

/// A policy after a change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Changed {
    pub(crate) policy: AssetPolicy,
    pub(crate) revision: i64,
    /// When it was changed, which tells whether it is in force.
    pub(crate) now: Timestamp,
    /// The compute specs that ended with what it opened.
    pub(crate) ended: Ended,
}

/// Looks for what a policy names in its organization.
pub(super) async fn find_lacking(tx: &Tx, organization: OrganizationId, terms: &Terms) -> Result<Lacking, Error> {
    let scope = Scope::organization(organization);
    let there = asset_policies::list_datasets_of(tx, organization, &terms.datasets).await?;
    let model = models::find(tx, &scope, terms.model_id).await?;
    let is_published = model.as_ref().is_some_and(|model| {
        let mut versions = model.versions.iter();
        versions.any(|version| version.draft.name == terms.model_version && version.published.is_some())
    });
    Ok(Lacking {
        datasets: terms.datasets.iter().copied().filter(|id| !there.contains(id)).collect(),
        model: model.is_none(),
        version: model.is_some() && !is_published,
    })
}

/// Checks that the organization has what a policy names.
pub(super) async fn check_references(tx: &Tx, organization: OrganizationId, terms: &Terms) -> Result<(), Error> {
    let lacking = find_lacking(tx, organization, terms).await?;
    if lacking.is_nothing() { Ok(()) } else { Err(Error::Lacking(lacking)) }
}

/// Checks that the organization still has what a policy names.
pub(super) async fn check_completeness(tx: &Tx, policy: &AssetPolicy) -> Result<(), Error> {
    let lacking = find_lacking(tx, policy.organization_id, &policy.terms).await?;
    if lacking.is_nothing() { Ok(()) } else { Err(Error::Incomplete(lacking)) }
}

/// Writes down that what a policy opens changed: it bears the id of the policy in the place of a subject's.
pub(super) async fn record(
    tx: &Tx,
    opened: &Opened,
    policy: &AssetPolicy,
    what: &What,
    origin: &Origin,
) -> Result<(), rolecall_db::Error> {
    let change = AccessChange {
        revision: opened.revision,
        subject_id: in_place_of_subject(policy.asset_policy_id),
        organization_id: Some(policy.organization_id),
        what: what.topic(),
        occurred: opened.now,
    };
    ground::record(tx, &change, origin).await
}

/// Makes this process obey a committed change.
pub(super) fn obey(app: &App, changed: &Changed) {
    app.announce(in_place_of_subject(changed.policy.asset_policy_id), changed.revision);
    end_compute_specs::obey(app, &changed.ended);
}

const fn in_place_of_subject(policy: AssetPolicyId) -> SubjectId {
    SubjectId::from_uuid(policy.as_uuid())
}

/// Finds and locks a policy, if the actor may change it so and knows how it is.
pub(super) async fn open(app: &App, tx: &Tx, target: &Target) -> Result<(AssetPolicy, Opened), Error> {
    let opened = change::open(app, tx, &target.origin).await?;
    let found = asset_policies::find_locked(tx, &target.scope, target.asset_policy_id).await?;
    let policy = found.ok_or(Error::NotFound)?;
    opened.demand(tx, target.permission, policy.organization_id).await?;
    let current = policy.etag();
    if target.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    Ok((policy, opened))
}

/// Changes a policy once; `decide` says how, or that nothing changes.
pub(super) async fn run<F, Fut>(
    app: &App,
    target: &Target,
    repeat: Option<&Repeat<Changed>>,
    decide: F,
) -> Result<Answer<Changed>, Error>
where
    F: Fn(Tx, AssetPolicy, Timestamp) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Option<(AssetPolicy, What)>, Error>> + Send,
{
    let decide = &decide;
    let work = |tx: Tx| async move {
        let (before, opened) = open(app, &tx, target).await?;
        let (revision, now) = (opened.revision, opened.now);
        let Some((after, what)) = decide(tx.clone(), before.clone(), now).await? else {
            return Ok::<_, Error>(Changed { policy: before, revision, now, ended: Vec::new() });
        };
        let facts = RowFacts::of_organization(after.organization_id);
        let permit = target.scope.permit(facts).ok_or(Error::NotFound)?;
        asset_policies::update(&tx, &permit, &before, &after, &app.addresses).await?;
        record(&tx, &opened, &after, &what, &target.origin).await?;
        app.tell(&tx, &target.origin, after.organization_id, now, what).await?;
        let ended = follow_policy(app, &tx, (&before, &after), &target.origin, now).await?;
        let revision = ended.last().map_or(revision, |(_, last)| *last);
        Ok(Changed { policy: after, revision, now, ended })
    };
    let answer = once(&app.database, repeat, app.now(), work).await?;
    if let Answer::Fresh(changed) = &answer {
        obey(app, changed);
    }
    Ok(answer)
}
