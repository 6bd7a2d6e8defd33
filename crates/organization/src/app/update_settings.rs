//! Changes how an organization wants to be run.

use std::convert::Infallible;

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;

use super::{App, settings_access, sign_in};
use crate::domain::event::{Origin, What};
use crate::domain::settings::{Misfit, SettingsChange, StoredSettings};
use crate::peers::identity::IdentityUnavailable;
use crate::store::{access, settings, subjects};
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};

const PERMISSION: &str = "organization.settings.update";

/// Which settings become what.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) organization_id: OrganizationId,
    /// Where the caller holds the permission.
    pub(crate) scope: Scope,
    pub(crate) origin: Origin,
    pub(crate) change: SettingsChange,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<StoredSettings>>,
}

/// Why the settings stay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such organization within the scope of the caller.
    #[error("no such organization")]
    NotFound,
    /// The caller lost the right to it while asking.
    #[error("the caller lacks the right")]
    NotEntitled,
    /// The settings would not fit together.
    #[error("the settings would not fit together")]
    Misfits(Vec<Misfit>),
    /// No identity provider of the organization serves.
    #[error("no identity provider serves")]
    ProviderMissing,
    /// Whoever is to keep a password is no owner who can act and has a second factor.
    #[error("the break-glass owner is unfit")]
    BreakGlassUnfit,
    /// Administrators of the instance would be left without a way in.
    #[error("an administrator of the instance is a member")]
    AdminAmongMembers,
    /// Identity does not answer.
    #[error(transparent)]
    Peer(#[from] IdentityUnavailable),
    /// Somebody else changed them; this is their version now.
    #[error("the settings have changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Changes the settings.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<StoredSettings>, Error> {
    let asked = sign_in::ask(app, command).await?;
    let before = settings_access::head(app).await?;
    let work = |tx| async move { apply(app, &tx, command, asked).await };
    let done = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    settings_access::announce_since(app, before, &done).await?;
    Ok(done)
}

/// Checks what [`run`] would check, and returns the settings as they would be.
pub(crate) async fn check(app: &App, command: &Command) -> Result<StoredSettings, Error> {
    let asked = sign_in::ask(app, command).await?;
    let checked: Result<Infallible, Checked> = app
        .database
        .write(|tx| async move {
            match apply(app, &tx, command, asked).await {
                Ok(settings) => Err(Checked::Possible(settings)),
                Err(error) => Err(Checked::Refused(error)),
            }
        })
        .await;
    match checked {
        Err(Checked::Possible(settings)) => Ok(settings),
        Err(Checked::Refused(error)) => Err(error),
        Ok(never) => match never {},
    }
}

/// What a check found out, as an error: whatever it is, the transaction is rolled back.
enum Checked {
    Possible(StoredSettings),
    Refused(Error),
}

impl From<rolecall_db::Error> for Checked {
    fn from(error: rolecall_db::Error) -> Self {
        Self::Refused(error.into())
    }
}

async fn apply(app: &App, tx: &Tx, command: &Command, asked: Option<sign_in::Asked>) -> Result<StoredSettings, Error> {
    let now = app.now();
    let revision = access::advance(tx).await?;
    let stored = settings::find_locked(tx, &command.scope, command.organization_id).await?.ok_or(Error::NotFound)?;
    check_right(tx, command, now).await?;
    let current = stored.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    let new = command.change.apply(&stored.settings);
    let misfits = new.misfits();
    if !misfits.is_empty() {
        return Err(Error::Misfits(misfits));
    }
    if new == stored.settings {
        access::give_back(tx).await?;
        return Ok(stored);
    }
    let break_glass = sign_in::check(tx, &stored, &new, asked, now).await?;
    let (old, organization_id) = (stored.settings.clone(), stored.organization_id);
    let after =
        StoredSettings { settings: new.clone(), version: stored.version + 1, updated: Some(now), ..stored.clone() };
    let permit = command.scope.permit(RowFacts::of_organization(organization_id)).ok_or(Error::NotFound)?;
    settings::update(tx, &permit, &after).await?;
    settings_access::record(app, tx, &command.origin, (&stored, &after), revision).await?;
    let (old_settings, new_settings) = old.differences(&new);
    let what = What::OrganizationSettingsChanged { old_settings, new_settings };
    app.tell(tx, &command.origin, Some(organization_id), now, what).await?;
    if let Some(break_glass) = break_glass {
        let previous = old.break_glass_owner();
        let what = What::SingleSignOnRequired { break_glass, previous };
        app.tell(tx, &command.origin, Some(organization_id), now, what).await?;
    }
    Ok(after)
}

/// The right as it is now: what the caller was allowed a moment ago it may have lost since.
async fn check_right(tx: &Tx, command: &Command, now: Timestamp) -> Result<(), Error> {
    let actor = command.origin.actor.ok_or(Error::NotEntitled)?;
    let actor = subjects::find(tx, &Scope::All, actor).await?.ok_or(Error::NotEntitled)?;
    if actor.may(PERMISSION, command.organization_id, now) { Ok(()) } else { Err(Error::NotEntitled) }
}
