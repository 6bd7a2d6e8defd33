//! Mails the code that sets a new password, after whoever asked was answered.
//!
//! The answer promises nothing, so it waits for nothing: not a look into a table comes before it, and its time cannot
//! tell whose address it was. What a stopping server had not begun is lost; whoever waits for the mail asks again.
//! A stored order would survive that, and let strangers fill a table with addresses.

use std::sync::Arc;

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::codes::Draft;
use super::fault::Fault;
use super::{Resources, mail_budget};
use crate::domain::code::Purpose;
use crate::domain::event::Event;
use crate::domain::user::{User, UserState};
use crate::events::publish::about;
use crate::peers::Passwords;
use crate::store::{awaited_passwords, users};

/// How many requests may wait; of more than these the later ones are forgotten.
const WAITING: usize = 256;
/// How many are worked on at once: strangers get a small share of the database.
const WORKING: usize = 2;

/// Where requests wait for their turn.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Place {
    _waiting: OwnedSemaphorePermit,
    working: Arc<Semaphore>,
}

impl Queue {
    /// Makes an empty queue.
    pub(crate) fn new() -> Self {
        Self { waiting: Arc::new(Semaphore::new(WAITING)), working: Arc::new(Semaphore::new(WORKING)) }
    }

    /// Takes a place without waiting; none when all are taken.
    pub(crate) fn enter(&self) -> Option<Place> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        Some(Place { _waiting: waiting, working: Arc::clone(&self.working) })
    }
}

impl Place {
    /// Waits for its turn; the turn lasts until it is dropped.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.working.acquire().await.ok()
    }
}

/// Mails the code when its turn comes, if the address opens an account.
pub(crate) async fn run(resources: &Resources, place: Place, email: &EmailAddress) {
    let Some(_turn) = place.turn().await else { return };
    if let Err(error) = mail(resources, email).await {
        tracing::warn!(%error, "the mail of a password reset could not be ordered");
    }
}

/// Does the same whatever the address: two looks, three questions to organization, one write.
///
/// The answer is out by now, but the next call of a stranger meets the work of its last one.
async fn mail(resources: &Resources, email: &EmailAddress) -> Result<(), Fault> {
    let now = resources.now();
    let (reader, entropy) = (resources.db.reader(), resources.entropy.as_ref());
    let found = users::find_by_email(&reader, email).await?;
    let (user_id, organization_id) = found.as_ref().map_or_else(
        || (UserId::new(now, entropy), OrganizationId::new(now, entropy)),
        |(user, _)| (user.user_id, user.organization_id),
    );
    let is_awaited = awaited_passwords::is_noted(&reader, user_id).await?;
    let organization = &resources.organization;
    let (access, membership, settings) = tokio::join!(
        organization.access(SubjectId::from(user_id)),
        organization.member(user_id),
        organization.settings(organization_id),
    );
    let (access, membership) = (access?, membership?);
    let passwords = settings?.map_or(Passwords::Everybody, |settings| settings.passwords);
    // Who logs in elsewhere gets no password by a mail; whose organization took it does, and the break-glass owner.
    let may_have =
        |password: bool| passwords.allow(user_id) && (password || is_awaited || passwords.is_break_glass(user_id));
    let entitled =
        |(user, password): &(User, Option<String>)| is_active(user) && access.active && may_have(password.is_some());
    let user = found.filter(entitled).map(|(user, _)| user);
    let draft = &Draft::new(resources, user_id, Purpose::Reset, Some(email.clone()), &membership, now);
    let user = user.as_ref();
    resources.db.write(|tx| async move { store(resources, &tx, email, user, draft, now).await }).await?;
    Ok(())
}

fn is_active(user: &User) -> bool {
    user.state == UserState::Active
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    email: &EmailAddress,
    user: Option<&User>,
    draft: &Draft,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Nothing at all happens above the limit: the code that was mailed before goes on working.
    if !mail_budget::spend(resources, tx, email, now).await? {
        return Ok(());
    }
    let Some(user) = user else { return Ok(()) };
    let Some(user) =
        users::lock(tx, user.user_id).await?.filter(|user| is_active(user) && user.email.key() == email.key())
    else {
        return Ok(());
    };
    draft.store(tx, now).await?;
    resources.publisher.order_password_reset_mail(tx, &user, &draft.token, draft.code.expires, now).await?;
    let (target, event) = (Some(user.user_id.into()), Event::PasswordResetRequested { returned: false });
    resources.publisher.append(tx, &about(None, Some(user.organization_id), target, now, event)).await
}
