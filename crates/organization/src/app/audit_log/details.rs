//! Details of entries: what tells of a subject is sealed under a key of its own, so that it is erased with the key.

use std::collections::{BTreeMap, HashMap};

use rolecall_db::{Connection, Error, Tx};
use rolecall_kernel::audit::{Hash, commit};
use rolecall_kernel::key::Sealer;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::domain::audit::{AuditEvent, Recorded, Secrecy};
use crate::store::audit::{self, Stored};
use crate::store::audit_keys::{self, StoredKey};

/// The bytes of a salt, and of a key.
const BYTES: usize = 32;

/// The key of a subject.
pub(super) enum Key {
    Good(Sealer),
    Erased,
    /// Another master key sealed it, or somebody changed it.
    Broken,
}

/// Details on their way into the table.
pub(super) struct Kept {
    pub(super) commitment: Hash,
    /// With whose key they are erased.
    pub(super) subject: Option<Uuid>,
    /// None where they are not sealed, were erased before they came, or the key cannot be opened.
    pub(super) sealed: Option<Vec<u8>>,
}

/// Returns the keys of all whose details are to be sealed; who has none yet gets one.
pub(super) async fn keys_to_seal(app: &App, tx: &Tx, entries: &[Stored]) -> Result<HashMap<Uuid, Key>, Error> {
    let mut subjects: Vec<Uuid> = entries.iter().filter_map(|entry| entry.event.sealed_for()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let known = audit_keys::list(tx, &subjects).await?;
    let missing = subjects.iter().filter(|subject| !known.contains_key(subject));
    let fresh: Vec<(Uuid, Vec<u8>)> = missing.map(|subject| (*subject, new_key(app, *subject))).collect();
    if fresh.is_empty() {
        return Ok(open_keys(app, known));
    }
    audit_keys::insert_new(tx, fresh).await?;
    Ok(open_keys(app, audit_keys::list(tx, &subjects).await?))
}

fn new_key(app: &App, subject: Uuid) -> Vec<u8> {
    let mut key = Zeroizing::new([0; BYTES]);
    app.entropy.fill(key.as_mut());
    app.audit.subjects.seal(subject.as_bytes(), key.as_ref(), app.entropy.as_ref())
}

fn open_keys(app: &App, stored: HashMap<Uuid, StoredKey>) -> HashMap<Uuid, Key> {
    let open = |subject: Uuid, stored: StoredKey| match stored {
        StoredKey::Erased => Key::Erased,
        StoredKey::Sealed(sealed) => match app.audit.subjects.open(subject.as_bytes(), &sealed) {
            Ok(key) => key.as_slice().try_into().map_or(Key::Broken, |key| Key::Good(Sealer::from_key(key))),
            Err(_) => Key::Broken,
        },
    };
    stored.into_iter().map(|(subject, stored)| (subject, open(subject, stored))).collect()
}

/// Seals the details of an event if they tell of a subject, and commits to them.
pub(super) fn seal(app: &App, keys: &HashMap<Uuid, Key>, event: &AuditEvent) -> Result<Kept, Error> {
    let Some(subject) = event.sealed_for() else {
        return Ok(Kept { commitment: commit(&event.details, &[]), subject: None, sealed: None });
    };
    let mut salt = [0; BYTES];
    app.entropy.fill(&mut salt);
    let commitment = commit(&event.details, &salt);
    let sealed = match keys.get(&subject) {
        Some(Key::Good(sealer)) => {
            let plain = [&salt[..], audit::encode(&event.details)?.as_bytes()].concat();
            Some(sealer.seal(event.event_id.as_uuid().as_bytes(), &plain, app.entropy.as_ref()))
        }
        // What happens to somebody who was erased is told without details.
        Some(Key::Erased) => None,
        // The log goes on without these details, and verifying names their entry: plain, they could never be erased.
        Some(Key::Broken) | None => {
            let event_id = event.event_id.as_uuid();
            tracing::error!(%subject, %event_id, "the key of a subject of the audit log cannot be opened: details are lost");
            None
        }
    };
    Ok(Kept { commitment, subject: Some(subject), sealed })
}

/// Opens the details of entries, as far as they can be opened.
pub(crate) async fn open<C: Connection>(
    app: &App,
    connection: &C,
    entries: Vec<Stored>,
) -> Result<Vec<Recorded>, Error> {
    let mut subjects: Vec<Uuid> = entries.iter().filter_map(|entry| entry.sealed_for).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let keys = open_keys(app, audit_keys::list(connection, &subjects).await?);
    Ok(entries.into_iter().map(|entry| open_one(&keys, entry)).collect())
}

fn open_one(keys: &HashMap<Uuid, Key>, entry: Stored) -> Recorded {
    let Stored { mut event, sealed_for, sealed, link } = entry;
    let secrecy = match (sealed_for, sealed) {
        (None, None) => Secrecy::Plain,
        (None, Some(_)) => Secrecy::Broken { subject: Uuid::nil() },
        (Some(subject), sealed) => match (keys.get(&subject), sealed) {
            // Somebody put details where none can be.
            (Some(Key::Erased), _) if !event.details.is_empty() => Secrecy::Broken { subject },
            (Some(Key::Erased), _) => Secrecy::Erased { subject },
            (Some(Key::Good(key)), Some(sealed)) => match open_details(key, &event, &sealed) {
                Some((salt, details)) if event.details.is_empty() => {
                    event.details = details;
                    Secrecy::Sealed { subject, salt }
                }
                _ => Secrecy::Broken { subject },
            },
            (Some(Key::Good(_)), None) | (Some(Key::Broken) | None, _) => Secrecy::Broken { subject },
        },
    };
    Recorded { event, secrecy, link }
}

fn open_details(key: &Sealer, event: &AuditEvent, sealed: &[u8]) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
    let plain = key.open(event.event_id.as_uuid().as_bytes(), sealed).ok()?;
    let (salt, details) = plain.split_at_checked(BYTES)?;
    Some((salt.to_vec(), serde_json::from_slice(details).ok()?))
}
