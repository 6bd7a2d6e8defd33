//! Removes a member that is not active.

use rolecall_kernel::id::UserId;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::member::MemberState;
use crate::store::{access, members, removals};

/// Why the member stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is active; only its account's end could end it.
    #[error("the member is active")]
    Active,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Removes the member; what is not there stays so, even if it was on its way.
pub(crate) async fn run(app: &App, user: UserId, origin: &Origin) -> Result<(), Error> {
    let revision = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            removals::insert(&tx, user.into(), app.now()).await?;
            let Some((member, _)) = members::find_even_hidden(&tx, user).await? else { return Ok(None) };
            if member.state == MemberState::Active {
                return Err(Error::Active);
            }
            members::delete_inactive(&tx, user).await?;
            // Nobody saw a hidden member, so nobody is told that it is gone.
            if member.state == MemberState::Pending {
                let organization_id = Some(member.organization_id);
                let what = What::MemberRemoved { user_id: user };
                let told = Told { revision, subject_id: user.into(), organization_id, occurred: app.now(), what };
                app.tell_change(&tx, origin, told).await?;
            }
            Ok(Some(revision))
        })
        .await?;
    if let Some(revision) = revision {
        app.announce(user.into(), revision);
    }
    Ok(())
}
