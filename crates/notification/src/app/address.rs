//! Where mails go that have waited: where their recipients can be reached now, not where that was when they were
//! accepted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::timeout;

use super::wording::Wordings;
use crate::context::Shared;
use crate::domain::arrival::Contact;
use crate::domain::delivery::Due;
use crate::domain::schedule::Outcome;
use crate::domain::template::Template;
use crate::peers::Unreachable;

/// How long an address counts as it was when the mail was accepted.
const FRESH: Duration = Duration::from_mins(1);

/// Where those can be reached whose mails have waited, and whose members they are if that matters; nothing when nobody
/// could be asked.
pub(crate) struct Addresses {
    contacts: Option<HashMap<SubjectId, Contact>>,
    members: Option<HashMap<SubjectId, OrganizationId>>,
}

impl Addresses {
    /// Asks for the addresses of all whose mails have waited, at once.
    pub(super) async fn ask(shared: &Shared, claimed: &[Due], wordings: &Wordings, now: Timestamp) -> Self {
        let waited: Vec<&Due> = claimed.iter().filter(|due| has_waited(shared, due, now)).collect();
        let subjects: HashSet<SubjectId> = waited.iter().map(|due| due.recipient_id).collect();
        let members = waited.iter().filter(|due| wordings.is_for_members(due)).map(|due| due.recipient_id).collect();
        let (contacts, members) = futures::join!(
            answer(shared, subjects, |subjects| shared.peers.contacts(subjects)),
            answer(shared, members, |subjects| shared.peers.members(subjects))
        );
        Self { contacts, members }
    }

    /// Returns the keys of all addresses that mails may go to.
    pub(super) fn keys(&self, claimed: &[Due]) -> HashSet<String> {
        let accepted = claimed.iter().filter_map(|due| EmailAddress::parse(&due.email).ok());
        let of_now = self.contacts.iter().flatten().map(|(_, contact)| contact.email.clone());
        accepted.chain(of_now).map(|email| email.key().to_owned()).collect()
    }

    /// Returns where a mail goes, or what becomes of it instead.
    pub(super) fn find(
        &self,
        shared: &Shared,
        due: &Due,
        wordings: &Wordings,
        now: Timestamp,
    ) -> Result<String, Outcome> {
        if !has_waited(shared, due, now) {
            return Ok(due.email.clone());
        }
        let unknown = || Outcome::Deferred("the address of its recipient could not be asked for".to_owned());
        let contact = self.contacts.as_ref().ok_or_else(unknown)?.get(&due.recipient_id).ok_or(Outcome::Gone)?;
        if wordings.is_for_members(due) {
            let member = self.members.as_ref().ok_or_else(unknown)?.get(&due.recipient_id);
            if member.copied() != due.organization_id {
                return Err(Outcome::Left);
            }
        }
        Ok(contact.email.as_str().to_owned())
    }
}

/// Asks for all at once; nothing when no answer comes.
async fn answer<T, F>(
    shared: &Shared,
    subjects: HashSet<SubjectId>,
    ask: impl FnOnce(HashSet<SubjectId>) -> F,
) -> Option<HashMap<SubjectId, T>>
where
    F: Future<Output = Result<HashMap<SubjectId, T>, Unreachable>>,
{
    if subjects.is_empty() {
        return Some(HashMap::new());
    }
    match timeout(shared.config.send_timeout, ask(subjects)).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::warn!(%error, "recipients are not known, so mails wait");
            None
        }
        Err(_) => None,
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
