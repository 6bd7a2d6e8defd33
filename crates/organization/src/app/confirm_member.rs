//! Reveals an added member, its roles pending; one that registered itself is active at once.

use rolecall_db::{Tx, fault};
use rolecall_kernel::id::UserId;

use super::{App, Told, activate_member};
use crate::domain::event::{Origin, What};
use crate::domain::member::{Member, MemberState};
use crate::store::{access, members};

/// Why nobody is revealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such member.
    #[error("no such member")]
    NotFound,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Reveals the member; one that is visible stays as it is.
pub(crate) async fn run(app: &App, user: UserId, origin: &Origin) -> Result<(), Error> {
    let revision = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            let (member, added_by) = members::find_even_hidden(&tx, user).await?.ok_or(Error::NotFound)?;
            if member.state != MemberState::Hidden {
                return Ok(None);
            }
            let origin = Origin { actor: added_by, ..origin.clone() };
            let pending = reveal(app, &tx, revision, member, &origin).await?;
            if added_by != Some(user.into()) {
                return Ok::<_, Error>(Some(revision));
            }
            // Who registered itself has nothing to accept.
            let revision = access::advance(&tx).await?;
            activate_member::finish(app, &tx, revision, pending, &origin, app.now()).await?;
            Ok(Some(revision))
        })
        .await?;
    fault::point("confirm_member.after_commit");
    if let Some(revision) = revision {
        app.announce(user.into(), revision);
    }
    Ok(())
}

/// Reveals a hidden member under the revision that was drawn for it.
pub(super) async fn reveal(
    app: &App,
    tx: &Tx,
    revision: i64,
    member: Member,
    origin: &Origin,
) -> Result<Member, rolecall_db::Error> {
    let now = app.now();
    let pending = Member { state: MemberState::Pending, ..member }.changed(now);
    members::advance(tx, &pending).await?;
    let user_id = pending.user_id;
    let told = Told {
        revision,
        subject_id: user_id.into(),
        organization_id: Some(pending.organization_id),
        occurred: now,
        what: What::MemberAdded { user_id, roles: pending.all_roles().names() },
    };
    app.tell_change(tx, origin, told).await?;
    Ok(pending)
}
