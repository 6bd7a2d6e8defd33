//! Ends an account that nobody proved, because somebody proved its address.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{SagaId, SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::delete_user::endings;
use super::{Resources, saga};
use crate::domain::event::Event;
use crate::domain::registration::yields;
use crate::domain::saga::{Saga, SagaKind, SagaState};
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::{SAGAS_PKEY, sagas, users};

/// An account that gave its address up; what is left is done after the commit.
#[derive(Debug)]
pub(crate) struct Yielded {
    user_id: UserId,
    ended: Vec<SessionId>,
}

/// Ends the account and frees its address; none when it was proven, or ended, meanwhile.
///
/// Its membership ends after the commit, in a piece of work of its own.
pub(crate) async fn run(
    resources: &Resources,
    tx: &Tx,
    user_id: UserId,
    prover: SubjectId,
    now: Timestamp,
) -> Result<Option<Yielded>, Error> {
    let Some(user) = users::lock(tx, user_id).await?.filter(yields) else { return Ok(None) };
    begin(resources, tx, &user, now).await?;
    let target = Some(user_id.into());
    let happened = about(Some(prover), Some(user.organization_id), target, now, Event::AddressYielded);
    resources.publisher.append(tx, &happened).await?;
    let ended = endings::end_everything(resources, tx, &user, prover, false, now).await?;
    users::release_address(tx, user_id).await?;
    Ok(Some(Yielded { user_id, ended }))
}

async fn begin(resources: &Resources, tx: &Tx, user: &User, now: Timestamp) -> Result<(), Error> {
    let begun = sagas::insert(tx, &work(user.user_id), now.plus(resources.config.saga_lease)).await;
    // The account is still being made, or is being deleted: whoever does that comes to an end soon.
    begun.map_err(|error| if error.violates(SAGAS_PKEY) { Error::Conflict } else { error })
}

const fn work(user_id: UserId) -> Saga {
    Saga { saga_id: SagaId::from_uuid(user_id.as_uuid()), kind: SagaKind::YieldUser, state: SagaState::Committed }
}

impl Yielded {
    /// Makes this process obey at once, and ends the membership; what fails of that is left to the recovery.
    pub(crate) async fn finish(self, resources: &Resources, now: Timestamp) {
        super::revoke::obey(resources, &self.ended, now);
        resources.revocations.revoke_subject_before(self.user_id.into(), now);
        if let Err(error) = saga::finish(resources, &work(self.user_id)).await {
            tracing::warn!(%error, "the membership of an account that yielded is left to the recovery");
        }
    }
}
