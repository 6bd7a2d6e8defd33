//! Reads and changes what a person wants to be told.

use std::collections::BTreeSet;

use rolecall_authz::Caller;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::Locale;

use crate::context::Shared;
use crate::domain::category::{Category, Medium};
use crate::domain::event::{Event, What};
use crate::domain::preferences::{Digest, Preferences, Quiet, Zone};
use crate::events::publish;
use crate::store::preferences;

/// The fields that are taken away when they are named and absent.
pub(crate) const LOCALE: &str = "locale";
pub(crate) const QUIET: &str = "quiet_hours";

/// What changes; what is absent stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) enabled: Option<bool>,
    /// Whether a category comes that way.
    pub(crate) switches: Vec<(Category, Medium, bool)>,
    pub(crate) locale: Option<Locale>,
    pub(crate) digest: Option<Digest>,
    pub(crate) zone: Option<Zone>,
    pub(crate) quiet: Option<Quiet>,
    /// The fields, as the request names them: a language or hours that are named and absent are taken away.
    pub(crate) fields: Vec<&'static str>,
}

/// Who changes what.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) subject: SubjectId,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) call_id: Option<String>,
    pub(crate) change: Change,
    /// The version that is to be changed.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<Preferences>>,
}

/// Why nothing changes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("they were changed meanwhile")]
    Changed { etag: String },
    #[error("the token was not made here")]
    TokenInvalid,
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Reads the preferences of the caller.
pub(crate) async fn get(shared: &Shared, caller: &Caller) -> Result<Preferences, Error> {
    Ok(preferences::get(&shared.database.reader(), caller.subject()).await?)
}

/// Changes the preferences of the caller.
pub(crate) async fn update(shared: &Shared, command: &Command) -> Result<Answer<Preferences>, Error> {
    let now = shared.clock.now();
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        let current = preferences::lock(&tx, command.subject, now).await?;
        if command.etag.as_ref().is_some_and(|etag| *etag != current.etag()) {
            return Err(Error::Changed { etag: current.etag() });
        }
        let what = What::PreferencesUpdated(command.change.fields.clone());
        let origin = Origin {
            actor: Some(command.subject),
            organization: command.organization,
            call_id: command.call_id.clone(),
        };
        store(shared, &tx, command.subject, applied(current, &command.change), (what, origin)).await
    })
    .await
}

/// Who changes preferences, where, and by which call.
struct Origin {
    actor: Option<SubjectId>,
    organization: Option<OrganizationId>,
    call_id: Option<String>,
}

/// Stores the next version, and tells of it.
async fn store(
    shared: &Shared,
    tx: &Tx,
    subject: SubjectId,
    next: Preferences,
    (what, origin): (What, Origin),
) -> Result<Preferences, Error> {
    let now: Timestamp = shared.clock.now();
    let next = Preferences { version: next.version + 1, updated: Some(now), ..next };
    preferences::update(tx, subject, &next, now).await?;
    let event = Event {
        event_id: EventId::new(now, &*shared.entropy),
        actor: origin.actor,
        organization_id: origin.organization,
        target: Some(subject),
        request_id: origin.call_id,
        occurred: now,
        what,
    };
    publish::append(tx, &event).await?;
    Ok(next)
}

fn applied(mut preferences: Preferences, change: &Change) -> Preferences {
    preferences.enabled = change.enabled.unwrap_or(preferences.enabled);
    for (category, medium, wanted) in &change.switches {
        if *wanted {
            preferences.muted.remove(&(*category, *medium));
        } else {
            preferences.muted.insert((*category, *medium));
        }
    }
    if change.fields.contains(&LOCALE) {
        preferences.locale.clone_from(&change.locale);
    }
    if change.fields.contains(&QUIET) {
        preferences.quiet = change.quiet;
    }
    if let Some(zone) = &change.zone {
        preferences.zone = zone.clone();
    }
    preferences.digest = change.digest.unwrap_or(preferences.digest);
    preferences
}

/// Reads what a token ends; nothing changes.
pub(crate) fn read_token(shared: &Shared, token: &str) -> Result<BTreeSet<Category>, Error> {
    shared.unsubscribe.read(token).map(|(_, categories)| categories).ok_or(Error::TokenInvalid)
}

/// Ends the mails that a token names, and nothing but mails; whoever holds one may do it, as often as it likes.
pub(crate) async fn unsubscribe(shared: &Shared, token: &str) -> Result<BTreeSet<Category>, Error> {
    let (subject, categories) = &shared.unsubscribe.read(token).ok_or(Error::TokenInvalid)?;
    let now = shared.clock.now();
    shared
        .database
        .write(|tx| async move {
            let mut wishes = preferences::lock(&tx, *subject, now).await?;
            let came = wishes.muted.len();
            wishes.muted.extend(categories.iter().map(|category| (*category, Medium::Mail)));
            if wishes.muted.len() > came {
                let what = What::MailUnsubscribed(categories.iter().copied().collect());
                let origin = Origin { actor: None, organization: None, call_id: None };
                store(shared, &tx, *subject, wishes, (what, origin)).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(categories.clone())
}
