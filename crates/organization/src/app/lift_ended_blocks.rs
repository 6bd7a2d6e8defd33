//! Writes down that blocks have ended by themselves.
//!
//! Every decision looks at the time of a block itself; this only tells the event, and makes the
//! processes that remember the subject as blocked look again.

use rolecall_db::Error;
use rolecall_kernel::id::UserId;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::member::Member;
use crate::store::{access, members};

/// How many are lifted at once.
const BATCH: u64 = 100;

/// Lifts blocks that have ended, and returns how many.
pub(crate) async fn run(app: &App) -> Result<usize, Error> {
    let ended = members::list_with_ended_block(&app.database.reader(), app.now(), BATCH).await?;
    let mut lifted = 0;
    for user in ended {
        if let Some(revision) = lift(app, user).await? {
            app.announce(user.into(), revision);
            lifted += 1;
        }
    }
    Ok(lifted)
}

/// Lifts one block in a transaction of its own; `None` when somebody else did.
async fn lift(app: &App, user: UserId) -> Result<Option<i64>, Error> {
    app.database
        .write(|tx| async move {
            let now = app.now();
            let revision = access::advance(&tx).await?;
            let Some((member, _)) = members::find_even_hidden(&tx, user).await? else { return Ok(None) };
            if member.block.is_none() || member.block_in_force(now).is_some() {
                return Ok(None);
            }
            let after = Member { block: None, ..member }.changed(now);
            members::advance(&tx, &after).await?;
            let organization_id = Some(after.organization_id);
            let what = What::MemberUnblocked { user_id: user };
            let told = Told { revision, subject_id: user.into(), organization_id, occurred: now, what };
            app.tell_change(&tx, &Origin::default(), told).await?;
            Ok(Some(revision))
        })
        .await
}
