//! Tells the owners of an organization that somebody from outside made another one.
//!
//! An administrator of the instance may make owners anywhere, and never does so unseen. Those who
//! are blocked are told too: nobody gets rid of the witnesses by blocking them first.

use rolecall_db::{Error, Tx};
use rolecall_kernel::time::Timestamp;

use super::App;
use crate::domain::actor::Subject;
use crate::domain::event::{Origin, What};
use crate::domain::member::Member;
use crate::domain::role::Role;
use crate::store::members;

/// Tells the other owners, if the member is one now and `giver` made it one from outside.
pub(super) async fn tell(
    app: &App,
    tx: &Tx,
    origin: &Origin,
    giver: &Subject,
    member: &Member,
    now: Timestamp,
) -> Result<(), Error> {
    if !member.roles.contains(Role::Owner) || !giver.is_outside_administrator(member.organization_id) {
        return Ok(());
    }
    let others = members::list_other_owners(tx, member).await?;
    // The first owner of an organization has nobody beside it.
    if others.is_empty() {
        return Ok(());
    }
    let origin = Origin { actor: Some(giver.subject_id()), ..origin.clone() };
    let what = What::OwnerAdded { user_id: member.user_id, others };
    app.tell(tx, &origin, Some(member.organization_id), now, what).await
}
