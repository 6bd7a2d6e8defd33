//! Tells the owners of an organization that an administrator of the instance opened the account of one of them.
//!
//! Identity tells what happened to the account; who is an owner, and who are the others, is known here.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{SubjectId, UserId};

use super::App;
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Origin, What};
use crate::domain::member::MemberState;
use crate::domain::role::Role;
use crate::store::members;

/// Tells the other owners, if the event means that somebody else can open the account of an owner.
pub(super) async fn tell(app: &App, tx: &Tx, event: &AuditEvent) -> Result<(), Error> {
    let (Some(change), Some(actor), Some(target)) = (change(event), event.actor_id, event.target_id) else {
        return Ok(());
    };
    if actor == target {
        return Ok(());
    }
    let Some(member) = members::read_even_hidden(tx, UserId::from_uuid(target)).await? else { return Ok(()) };
    if member.state == MemberState::Hidden || !member.roles.contains(Role::Owner) {
        return Ok(());
    }
    let others = members::list_other_owners(tx, &member).await?;
    if others.is_empty() {
        return Ok(());
    }
    let request_id = Some(event.request_id.as_str().into()).filter(|_| !event.request_id.is_empty());
    let origin = Origin { actor: Some(SubjectId::from_uuid(actor)), request_id };
    let what = What::OwnerCredentialsChanged { user_id: member.user_id, change, others };
    app.tell(tx, &origin, Some(member.organization_id), event.occurred, what).await
}

/// What was changed, in the words of a mail.
fn change(event: &AuditEvent) -> Option<&'static str> {
    let was_returned = || event.details.get("returned").is_some_and(|returned| returned == "true");
    match event.topic.as_str() {
        "identity.password_set" => Some("password"),
        "identity.factors_reset" => Some("second factors"),
        "identity.email_changed" => Some("e-mail address"),
        "identity.password_reset_requested" if was_returned() => Some("code for a new password"),
        _ => None,
    }
}
