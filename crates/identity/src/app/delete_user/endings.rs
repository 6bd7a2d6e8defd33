//! Everything that ends with an account. Whoever gives accounts something more adds its end here.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::super::{Resources, access_tokens, device, revoke};
use crate::domain::event::Event;
use crate::domain::session::EndReason;
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::sessions::{self, Which};
use crate::store::{
    awaited_passwords, challenges, codes, credentials, factors, invitations, linked_identities, recovery_codes, users,
};

/// Ends the account with all that opens it, and erases it if that is wanted; returns the sessions, to be obeyed after the commit.
pub(in crate::app) async fn end_everything(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    actor: SubjectId,
    erase: bool,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let (user_id, actor) = (user.user_id, Some(actor));
    let reason = EndReason::Deleted;
    let mut ended = sessions::end_of_user(tx, user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, actor, reason, now).await?;
    ended.extend(access_tokens::end_all(resources, tx, user, actor, now).await?);
    revoke::publish_subject(resources, tx, user_id.into(), now).await?;
    invitations::end_all(tx, user_id).await?;
    codes::end_all(tx, user_id).await?;
    challenges::end_all(tx, user_id).await?;
    device::forget_all(resources, tx, user).await?;
    credentials::delete(tx, user_id).await?;
    awaited_passwords::delete(tx, user_id).await?;
    factors::delete_all(tx, user_id).await?;
    recovery_codes::delete_all(tx, user_id).await?;
    linked_identities::delete_all(tx, user_id).await?;
    users::delete(tx, user_id, now).await?;
    let happened =
        about(actor, Some(user.organization_id), Some(user_id.into()), now, Event::UserDeleted { erased: erase });
    resources.publisher.append(tx, &happened).await?;
    if erase {
        users::erase(tx, user_id).await?;
    }
    Ok(ended)
}
