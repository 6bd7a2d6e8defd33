//! Makes changed settings count at once for those whose access they change: guests, owners who act as others, and
//! everybody whose sessions last longer or shorter.

use rolecall_db::once::Answer;
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::SubjectId;

use super::App;
use crate::domain::event::Origin;
use crate::domain::settings::StoredSettings;
use crate::store::access::{self, AccessChange};
use crate::store::{guests, members};

/// The topic of the event that tells the change itself.
const TOPIC: &str = "organization.organization_settings_changed";

/// Ends guests that are not allowed any more, and writes down whose access changed; `revision` was drawn first of all.
pub(super) async fn record(
    app: &App,
    tx: &Tx,
    origin: &Origin,
    (old, new): (&StoredSettings, &StoredSettings),
    mut revision: i64,
) -> Result<(), Error> {
    let (now, id) = (app.now(), Some(new.organization_id));
    let lasts_otherwise = old.settings.session != new.settings.session;
    if lasts_otherwise {
        access::record_organization(tx, revision, new.organization_id, TOPIC, now, origin).await?;
    }
    let affected = affected(tx, old, new).await?;
    if affected.is_empty() && !lasts_otherwise {
        access::give_back(tx).await?;
    }
    for (index, subject_id) in affected.into_iter().enumerate() {
        if index > 0 || lasts_otherwise {
            revision = access::advance(tx).await?;
        }
        let change = AccessChange { revision, subject_id, organization_id: id, what: TOPIC, occurred: now };
        access::record(tx, &change, origin).await?;
    }
    Ok(())
}

async fn affected(tx: &Tx, old: &StoredSettings, new: &StoredSettings) -> Result<Vec<SubjectId>, Error> {
    let mut subjects = Vec::new();
    if old.settings.guest_sessions && !new.settings.guest_sessions {
        subjects.extend(guests::delete_all(tx, new.organization_id).await?);
    }
    if old.settings.owner_impersonation != new.settings.owner_impersonation {
        let owners = members::list_owners(tx, new.organization_id).await?;
        subjects.extend(owners.into_iter().map(SubjectId::from));
    }
    Ok(subjects)
}

/// Returns how far the changes of access have come, to be told apart from what [`announce_since`] finds.
pub(super) async fn head(app: &App) -> Result<i64, Error> {
    Ok(access::head(&app.database.reader()).await?.revision)
}

/// Makes this process obey what was committed after `before`; what is known stays known when that is nothing. A repeated
/// answer may be that of another process, which this one has not heard of.
pub(super) async fn announce_since<T>(app: &App, before: i64, answer: &Answer<T>) -> Result<(), Error> {
    match answer {
        Answer::Fresh(_) if head(app).await? == before => Ok(()),
        Answer::Fresh(_) | Answer::Repeated(_) => announce(app).await,
    }
}

/// Makes this process obey what was committed, and tells those who watch.
pub(super) async fn announce(app: &App) -> Result<(), Error> {
    let head = access::head(&app.database.reader()).await?;
    app.access.invalidate_all_before(head.revision);
    app.changed.send_replace(());
    Ok(())
}
