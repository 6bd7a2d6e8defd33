//! Makes the roles of an invited member count, if the inviter may still invite.

use rolecall_db::{Tx, fault};
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::entitlement::{Lacking, find_actor};
use super::powers_given::Giving;
use super::{App, Told, confirm_member, create_organization, owner_added};
use crate::domain::actor::Subject;
use crate::domain::custom_role::CustomRoles;
use crate::domain::event::{Origin, What};
use crate::domain::member::{Member, MemberState};
use crate::domain::organization::OrganizationState;
use crate::store::{access, members, organizations};

const PERMISSION: &str = "identity.users.create";

/// Why the member stays inactive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such member.
    #[error("no such member")]
    NotFound,
    /// The inviter may no longer invite.
    #[error("the inviter may no longer invite")]
    InviterNotEntitled,
    /// The organization is suspended.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// The organization is still being made, and that could not be ended now.
    #[error("the organization is being made")]
    Unfinished,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

impl From<Lacking> for Error {
    fn from(lacking: Lacking) -> Self {
        match lacking {
            Lacking::Store(error) => Self::Store(error),
            Lacking::OrganizationMissing
            | Lacking::OrganizationNotFound
            | Lacking::OrganizationSuspended
            | Lacking::Right => Self::InviterNotEntitled,
        }
    }
}

/// Activates the member; one that is active stays as it is.
pub(crate) async fn run(app: &App, user: UserId, inviter: SubjectId, origin: &Origin) -> Result<Member, Error> {
    finish_organization(app, user).await?;
    let (member, revision) = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            activate(app, &tx, revision, user, inviter, origin).await
        })
        .await?;
    fault::point("activate_member.after_commit");
    if let Some(revision) = revision {
        app.announce(user.into(), revision);
    }
    Ok(member)
}

/// The first owner of an organization may accept before whoever made it has come to the end.
async fn finish_organization(app: &App, user: UserId) -> Result<(), Error> {
    let reader = app.database.reader();
    let Some(member) = members::read_even_hidden(&reader, user).await? else { return Ok(()) };
    let organization = organizations::find_even_hidden(&reader, member.organization_id).await?;
    if organization.is_none_or(|organization| organization.state != OrganizationState::Hidden) {
        return Ok(());
    }
    create_organization::finish(app, member.organization_id, user).await.map(drop).map_err(|_| Error::Unfinished)
}

async fn activate(
    app: &App,
    tx: &Tx,
    revision: i64,
    user: UserId,
    inviter: SubjectId,
    origin: &Origin,
) -> Result<(Member, Option<i64>), Error> {
    let now = app.now();
    let (member, added_by) = members::find_even_hidden(tx, user).await?.ok_or(Error::NotFound)?;
    if member.state == MemberState::Active {
        return Ok((member, None));
    }
    if organizations::is_suspended(tx, member.organization_id).await? {
        return Err(Error::OrganizationSuspended);
    }
    let inviter = find_inviter(tx, inviter, &member, now).await?;
    let (member, revision) = if member.state == MemberState::Hidden {
        // The account was made, or there were no invitation: confirming it was only not done yet.
        let adder = Origin { actor: added_by, ..origin.clone() };
        let pending = confirm_member::reveal(app, tx, revision, member, &adder).await?;
        (pending, access::advance(tx).await?)
    } else {
        (member, revision)
    };
    let active = finish(app, tx, revision, member, origin, now).await?;
    owner_added::tell(app, tx, origin, &inviter, &active, now).await?;
    let giving = Giving { giver: &inviter, organization_id: active.organization_id, origin, now };
    giving.to_member(app, tx, &CustomRoles::default(), &active).await?;
    Ok((active, Some(revision)))
}

/// Finds the inviter, if it may still invite.
async fn find_inviter(tx: &Tx, inviter: SubjectId, member: &Member, now: Timestamp) -> Result<Subject, Error> {
    let inviter = find_actor(tx, inviter, now).await?;
    let organization = member.organization_id;
    let entitled =
        inviter.may(PERMISSION, organization, now) && inviter.may_grant(&member.all_roles(), organization, now);
    if entitled { Ok(inviter) } else { Err(Error::InviterNotEntitled) }
}

/// The person itself is the actor: it accepted, or registered.
pub(super) async fn finish(
    app: &App,
    tx: &Tx,
    revision: i64,
    member: Member,
    origin: &Origin,
    now: Timestamp,
) -> Result<Member, rolecall_db::Error> {
    let active = Member { state: MemberState::Active, ..member }.changed(now);
    members::advance(tx, &active).await?;
    let user_id = active.user_id;
    let told = Told {
        revision,
        subject_id: user_id.into(),
        organization_id: Some(active.organization_id),
        occurred: now,
        what: What::MemberActivated { user_id, roles: active.all_roles().names() },
    };
    let origin = Origin { actor: Some(user_id.into()), ..origin.clone() };
    app.tell_change(tx, &origin, told).await?;
    Ok(active)
}
