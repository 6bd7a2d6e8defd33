//! Keeps the addresses that get no mail.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{EventId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::EmailAddress;

use crate::context::Shared;
use crate::domain::event::{Event, What};
use crate::domain::suppression::{Reason, Suppression};
use crate::events::publish;
use crate::store::suppressions;

/// What is done with an address, and by whom.
pub(crate) struct Command<T> {
    pub(crate) actor: SubjectId,
    pub(crate) call_id: Option<String>,
    pub(crate) email: EmailAddress,
    /// What whoever adds it notes.
    pub(crate) detail: String,
    pub(crate) repeat: Option<Repeat<T>>,
}

/// Why nothing changes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the address gets no mail already")]
    Exists,
    #[error("the address gets mail")]
    NotFound,
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Adds an address.
pub(crate) async fn create(shared: &Shared, command: &Command<Suppression>) -> Result<Answer<Suppression>, Error> {
    let now = shared.clock.now();
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        let suppression = Suppression {
            email: command.email.clone(),
            reason: Reason::Manual,
            detail: command.detail.clone(),
            actor: Some(command.actor),
            recipient: None,
            created: now,
        };
        if !suppressions::insert(&tx, &suppression).await? {
            return Err(Error::Exists);
        }
        let origin = (Some(command.actor), command.call_id.clone());
        tell(shared, &tx, origin, None, What::SuppressionCreated(Reason::Manual)).await?;
        Ok(suppression)
    })
    .await
}

/// Lists a page of addresses.
pub(crate) async fn list(
    shared: &Shared,
    only: Option<&EmailAddress>,
    after: Option<&str>,
    size: PageSize,
) -> Result<Page<Suppression>, Error> {
    Ok(suppressions::list(&shared.database.reader(), only, after, size).await?)
}

/// Takes an address away.
pub(crate) async fn delete(shared: &Shared, command: &Command<()>) -> Result<Answer<()>, Error> {
    let now = shared.clock.now();
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        if !suppressions::delete(&tx, &command.email).await? {
            return Err(Error::NotFound);
        }
        let origin = (Some(command.actor), command.call_id.clone());
        Ok(tell(shared, &tx, origin, None, What::SuppressionDeleted).await?)
    })
    .await
}

/// Adds the address that a mail server refused for good, in the transaction of that record.
pub(super) async fn bounced(
    shared: &Shared,
    tx: &Tx,
    (recipient, email): (SubjectId, &EmailAddress),
    detail: &str,
) -> Result<(), rolecall_db::Error> {
    let suppression = Suppression {
        email: email.clone(),
        reason: Reason::Bounce,
        detail: detail.to_owned(),
        actor: None,
        recipient: Some(recipient),
        created: shared.clock.now(),
    };
    if suppressions::insert(tx, &suppression).await? {
        tell(shared, tx, (None, None), Some(recipient), What::SuppressionCreated(Reason::Bounce)).await?;
    }
    Ok(())
}

/// The address stays out of events: they are kept for longer than it may be.
async fn tell(
    shared: &Shared,
    tx: &Tx,
    (actor, request_id): (Option<SubjectId>, Option<String>),
    target: Option<SubjectId>,
    what: What,
) -> Result<(), rolecall_db::Error> {
    let occurred = shared.clock.now();
    let event_id = EventId::new(occurred, &*shared.entropy);
    publish::append(tx, &Event { event_id, actor, organization_id: None, target, request_id, occurred, what }).await
}
