//! Tells all administrators of the instance that there is one more, or one less.

use rolecall_db::{Error, Tx};
use rolecall_kernel::time::Timestamp;

use super::App;
use crate::domain::event::{Origin, What};
use crate::domain::member::Member;
use crate::domain::role::Role;
use crate::store::members;

/// Tells the others, if the member became or ceased to be one; those who are blocked are told too.
pub(super) async fn tell(
    app: &App,
    tx: &Tx,
    origin: &Origin,
    (before, after): (&Member, &Member),
    now: Timestamp,
) -> Result<(), Error> {
    let user_id = after.user_id;
    let others = || members::list_other_admins(tx, user_id);
    let what = match (before.roles.contains(Role::Admin), after.roles.contains(Role::Admin)) {
        (false, true) => What::AdminGranted { user_id, others: others().await? },
        (true, false) => What::AdminRevoked { user_id, others: others().await? },
        (true, true) | (false, false) => return Ok(()),
    };
    app.tell(tx, origin, Some(after.organization_id), now, what).await
}
