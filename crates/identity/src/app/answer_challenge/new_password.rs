//! A new password, in a login that demands one: the last thing before its tokens.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::{Answered, Asked, Error, Held, Verdict, advance, hold, judge};
use crate::app::password_rules::PasswordRules;
use crate::app::{Resources, access_tokens, revoke};
use crate::domain::challenge::Due;
use crate::domain::event::Event;
use crate::domain::password::{Password, PasswordError};
use crate::domain::session::EndReason;
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::sessions::{self, Which};
use crate::store::{challenges, codes, credentials, users};

/// Takes a new password; every session that was opened with the old one ends.
pub(super) async fn answer(
    resources: &Resources,
    asked: Asked<'_>,
    new: Password,
    rules: PasswordRules,
    deadline: Option<Instant>,
) -> Result<Answered, Error> {
    // Before anything is hashed: who has not shown a factor yet has no password to set.
    let old = preview(resources, asked).await?;
    if resources.hashing.verify(new.clone(), Some(old), deadline).await? {
        return Err(Error::PasswordRefused(PasswordError::Unchanged));
    }
    let hash = resources.hashing.check_and_hash(rules.policy, new, rules.context, deadline).await?;
    let hash = &hash.map_err(Error::PasswordRefused)?;
    let write = resources.db.write(|tx| async move {
        let held = hold(resources, &tx, asked).await?;
        if held.due != Some(Due::ChangePassword) {
            return Err(held.unexpected());
        }
        let now = resources.now();
        let ended = replace(resources, &tx, &held, hash, now).await?;
        let mut proved = held.proved(asked, None);
        (proved.password_hash, proved.change_due) = (hash, false);
        let step = advance(resources, &tx, asked, &proved).await?;
        Ok(Verdict::Accepted { step, recovery_codes: Vec::new(), ended })
    });
    write.await?.finish(resources, asked.began)
}

/// Returns the stored hash if a new password is due now.
async fn preview(resources: &Resources, asked: Asked<'_>) -> Result<String, Error> {
    let reader = resources.db.reader();
    let user = users::find(&reader, asked.user_id).await?.ok_or(Error::ChallengeRefused)?;
    let challenge = challenges::find(&reader, asked.hash, asked.began).await?.ok_or(Error::ChallengeRefused)?;
    let standing = challenges::standing(&reader, asked.user_id).await?;
    let held = judge(resources, asked, user, challenge, standing)?;
    if held.due == Some(Due::ChangePassword) { Ok(held.password_hash) } else { Err(held.unexpected()) }
}

/// Stores the password and returns which sessions it ended.
async fn replace(
    resources: &Resources,
    tx: &Tx,
    held: &Held,
    hash: &str,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let user = &held.user;
    if !credentials::replace(tx, user.user_id, &held.password_hash, hash, now).await? {
        return Err(StoreError::Conflict.into());
    }
    touch(tx, user, now).await?;
    let (reason, actor) = (EndReason::PasswordChanged, Some(SubjectId::from(user.user_id)));
    let mut ended = sessions::end_of_user(tx, user.user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, actor, reason, now).await?;
    ended.extend(access_tokens::end_all(resources, tx, user, actor, now).await?);
    codes::end_all(tx, user.user_id).await?;
    resources.publisher.append(tx, &by_user(user, now, Event::PasswordChanged)).await?;
    Ok(ended)
}

async fn touch(tx: &Tx, user: &User, now: Timestamp) -> Result<(), Error> {
    let own = RowFacts::of_subject(Some(user.organization_id), user.user_id.into());
    if let Some(permit) = Scope::SelfOnly(user.user_id.into()).permit(own) {
        users::touch(tx, &permit, now).await?;
    }
    Ok(())
}
