//! Ends a member whose account gave its address to whoever proved it.

use rolecall_db::fault;
use rolecall_kernel::id::UserId;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::guard::{Orphaned, keep_somebody_in_charge};
use crate::domain::member::{Member, MemberState};
use crate::store::{access, members};

/// Why the member stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody who can act would be in charge.
    #[error(transparent)]
    Orphaned(#[from] Orphaned),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Ends the member, whatever its state; what is not there stays so.
pub(crate) async fn run(app: &App, user: UserId, origin: &Origin) -> Result<(), Error> {
    let revision = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            let Some((member, _)) = members::find_even_hidden(&tx, user).await? else { return Ok(None) };
            let now = app.now();
            let gone = Member { state: MemberState::Hidden, ..member.clone() };
            keep_somebody_in_charge(&member, &gone, members::count_others(&tx, &member, now).await?, now)?;
            members::delete(&tx, user).await?;
            let (organization_id, what) = (Some(member.organization_id), What::MemberRemoved { user_id: user });
            let told = Told { revision, subject_id: user.into(), organization_id, occurred: now, what };
            app.tell_change(&tx, origin, told).await?;
            Ok::<_, Error>(Some(revision))
        })
        .await?;
    fault::point("yield_member.after_commit");
    // Who repeats this may ask a process that did not hear of it yet.
    let revision = match revision {
        Some(revision) => revision,
        None => access::head(&app.database.reader()).await?.revision,
    };
    app.announce(user.into(), revision);
    Ok(())
}
