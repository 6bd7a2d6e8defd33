//! Ends the personal access tokens of a person, with everything that was exchanged for them.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{AccessTokenId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::{Resources, revoke};
use crate::domain::access_token::session_of;
use crate::domain::event::Event;
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::access_tokens;

/// Ends all tokens of a person, in the transaction of what ends them: another password, or the end of the account.
///
/// Returns the sessions of what was exchanged for them, to be obeyed with [`revoke::obey`] after the commit.
pub(crate) async fn end_all(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    actor: Option<SubjectId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    end_made_by(resources, tx, user, actor, Timestamp::from_micros(i64::MAX), now).await
}

/// Ends the tokens that a person made up to a time; see [`end_all`].
pub(crate) async fn end_made_by(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    actor: Option<SubjectId>,
    latest: Timestamp,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let mut sessions = Vec::new();
    for id in access_tokens::delete_made_by(tx, user.user_id, latest).await? {
        publish(resources, tx, id, user, actor, now).await?;
        sessions.push(session_of(id));
    }
    Ok(sessions)
}

/// Tells the other processes and the audit log that a token has ended.
pub(super) async fn publish(
    resources: &Resources,
    tx: &Tx,
    id: AccessTokenId,
    user: &User,
    actor: Option<SubjectId>,
    now: Timestamp,
) -> Result<(), Error> {
    revoke::publish_session(resources, tx, session_of(id), now).await?;
    let event = Event::AccessTokenRevoked(id);
    let happened = about(actor, Some(user.organization_id), Some(user.user_id.into()), now, event);
    resources.publisher.append(tx, &happened).await
}
