//! What of a change is identity's own: one transaction.

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::SessionId;
use rolecall_kernel::time::Timestamp;

use super::judge::{Judged, check_etag, facts};
use super::{Command, Error};
use crate::app::once::Once;
use crate::app::{Resources, revoke};
use crate::domain::event::Event;
use crate::domain::session::EndReason;
use crate::domain::user::{Membership, User, UserView};
use crate::events::publish::about;
use crate::store::sessions::Which;
use crate::store::{codes, credentials, invitations, sessions, users};

/// Stores the change; returns the account after it, and the sessions that it ended.
pub(super) async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    judged: &Judged,
    membership: &Membership,
    now: Timestamp,
) -> Result<(UserView, Vec<SessionId>), Error> {
    let scope = &command.rights.update;
    let before = users::lock_in_scope(tx, command.user_id, scope).await?.ok_or(Error::UserNotFound)?;
    check_etag(command, &before)?;
    let after = before.changed(&judged.profile, judged.email.as_ref(), now);
    let fields = after.fields_changed(&before);
    let (moved, has_new_roles) = (after.has_moved(&before), membership.roles != judged.membership.roles);
    let is_changed = moved || has_new_roles || !fields.is_empty();
    let view = UserView {
        user: if is_changed { after.clone() } else { before.clone() },
        membership: membership.clone(),
        password_change_required: credentials::is_change_required(tx, before.user_id).await?,
    };
    Once::store(command.once.as_ref(), tx, &view, now).await?;
    if !is_changed {
        return Ok((view, Vec::new()));
    }
    let permit = scope.permit(facts(&before)).ok_or(Error::UserNotFound)?;
    if !users::update(tx, &permit, &after).await? {
        return Err(StoreError::Conflict.into());
    }
    if !fields.is_empty() {
        tell(resources, tx, command, &after, Event::AccountUpdated(fields)).await?;
    }
    let ended = if moved { leave(resources, tx, command, &before, &after).await? } else { Vec::new() };
    Ok((view, ended))
}

/// Ends what the old address opened, and tells both addresses.
async fn leave(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    before: &User,
    after: &User,
) -> Result<Vec<SessionId>, Error> {
    let (user_id, now) = (after.user_id, after.updated);
    codes::end_all(tx, user_id).await?;
    invitations::replace_pending(tx, user_id).await?;
    if invitations::is_being_accepted(tx, user_id).await? {
        // Whoever accepts proved the old address, and would be taken to have proven the new one.
        return Err(StoreError::Conflict.into());
    }
    let reason = EndReason::EmailChanged;
    let ended = sessions::end_of_user(tx, user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, after, Some(command.actor), reason, now).await?;
    let event = Event::EmailChanged { old: before.email.clone(), new: after.email.clone() };
    tell(resources, tx, command, after, event).await?;
    Ok(ended)
}

async fn tell(resources: &Resources, tx: &Tx, command: &Command, user: &User, event: Event) -> Result<(), StoreError> {
    let target = Some(user.user_id.into());
    let happened = about(Some(command.actor), Some(user.organization_id), target, user.updated, event);
    resources.publisher.append(tx, &happened).await
}
