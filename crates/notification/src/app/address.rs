//! Where mails go that have waited: where their recipients can be reached now, not where that was when they were
//! accepted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rolecall_kernel::id::SubjectId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::timeout;

use crate::context::Shared;
use crate::domain::arrival::Contact;
use crate::domain::delivery::Due;
use crate::domain::schedule::Outcome;
use crate::domain::template::Template;

/// How long an address counts as it was when the mail was accepted.
const FRESH: Duration = Duration::from_mins(1);

/// The addresses of those whose mails have waited; nothing when nobody could be asked.
pub(crate) struct Addresses(Option<HashMap<SubjectId, Contact>>);

impl Addresses {
    /// Asks for the addresses of all whose mails have waited, at once.
    pub(crate) async fn ask(shared: &Shared, claimed: &[Due], now: Timestamp) -> Self {
        let waited = claimed.iter().filter(|due| has_waited(shared, due, now));
        let subjects: HashSet<SubjectId> = waited.map(|due| due.recipient_id).collect();
        if subjects.is_empty() {
            return Self(Some(HashMap::new()));
        }
        match timeout(shared.config.send_timeout, shared.peers.contacts(subjects)).await {
            Ok(Ok(contacts)) => Self(Some(contacts)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "addresses are not known, so mails wait");
                Self(None)
            }
            Err(_) => Self(None),
        }
    }

    /// Returns where a mail goes, or what becomes of it instead.
    pub(crate) fn find(&self, shared: &Shared, due: &Due, now: Timestamp) -> Result<String, Outcome> {
        if !has_waited(shared, due, now) {
            return Ok(due.email.clone());
        }
        let unknown = || Outcome::Deferred("the address of its recipient could not be asked for".to_owned());
        let contact = self.0.as_ref().ok_or_else(unknown)?.get(&due.recipient_id).ok_or(Outcome::Gone)?;
        Ok(contact.email.as_str().to_owned())
    }
}

/// Tells whether a mail needs the address of now. What is mandatory names its address itself, such as the one that an
/// account had before; an address without an account leads nowhere else.
fn has_waited(shared: &Shared, due: &Due, now: Timestamp) -> bool {
    let is_free =
        || EmailAddress::parse(&due.email).is_ok_and(|email| shared.unsubscribe.subject_of(&email) == due.recipient_id);
    // A digest is new, and takes the address of a mail that is not.
    let is_old = due.template == Template::Digest.as_str() || due.created.plus(FRESH) <= now;
    !due.category.is_mandatory() && is_old && !is_free()
}
