//! Takes back what has not been sent yet.

use rolecall_authz::Scope;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{EventId, NotificationId, SubjectId};

use crate::context::Shared;
use crate::domain::event::{Event, What};
use crate::domain::notification::{Counts, Notification};
use crate::events::publish;
use crate::store::{inbox, notifications};

/// Which notification, and who asks.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) actor: SubjectId,
    pub(crate) scope: Scope,
    pub(crate) call_id: Option<String>,
    pub(crate) notification_id: NotificationId,
    pub(crate) repeat: Option<Repeat<(Notification, Counts)>>,
}

/// Why it goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such notification")]
    NotFound(NotificationId),
    #[error("nothing of it waits any more")]
    NotPending(NotificationId),
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Takes the notification back, and returns it with what became of its mails.
pub(crate) async fn run(shared: &Shared, command: &Command) -> Result<Answer<(Notification, Counts)>, Error> {
    let (now, id) = (shared.clock.now(), command.notification_id);
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        let found = notifications::lock(&tx, &command.scope, id).await?.ok_or(Error::NotFound(id))?;
        let unseen = inbox::delete_waiting(&tx, id, now).await?;
        if notifications::update_cancelled(&tx, &found, now, unseen > 0).await? == 0 && unseen == 0 {
            return Err(Error::NotPending(id));
        }
        let (notification, _) = found;
        let event = Event {
            event_id: EventId::new(now, &*shared.entropy),
            actor: Some(command.actor),
            organization_id: notification.organization_id,
            target: None,
            request_id: command.call_id.clone(),
            occurred: now,
            what: What::NotificationCancelled(id),
        };
        publish::append(&tx, &event).await?;
        let counts = notifications::count(&tx, id).await?;
        Ok((Notification { cancelled: Some(now), ..notification }, counts))
    })
    .await
}
