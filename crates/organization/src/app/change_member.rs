//! What all changes of a member share: the lock, the scope, the actor's rights, the guards, the event.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;

use super::powers_given::Giving;
use super::{App, Told, admin_changed, owner_added};
use crate::domain::actor::Subject;
use crate::domain::custom_role::{CustomRoles, RoleName};
use crate::domain::event::{Origin, What};
use crate::domain::guard::{Orphaned, keep_somebody_in_charge};
use crate::domain::member::Member;
use crate::domain::role::Role;
use crate::store::{access, members, organizations, roles, subjects};
use rolecall_db::once::{Answer, RequestIdReused};

/// Why a member stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such member within the scope of the caller.
    #[error("no such member")]
    NotFound,
    /// Nobody does this to itself.
    #[error("nobody does this to itself")]
    OnItself,
    /// The caller lost the right to it while asking.
    #[error("the caller lacks the right")]
    NotEntitled,
    /// Nobody who can act would be in charge.
    #[error(transparent)]
    Orphaned(#[from] Orphaned),
    /// The caller may not give or take these roles.
    #[error("the roles are not the caller's to give")]
    NotGrantable(Vec<String>),
    /// The organization has no such roles, by their places in the request.
    #[error("some are no roles of the organization")]
    RolesUnknown(Vec<usize>),
    /// Somebody else changed the member; this is its version now.
    #[error("the member has changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// The member has not accepted its invitation.
    #[error("the member has not accepted its invitation")]
    NotActive,
    /// The organization of the member is suspended.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// The member is not blocked.
    #[error("the member is not blocked")]
    NotBlocked,
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Whom a caller wants to change, and by which right.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) user_id: UserId,
    /// Where the caller holds the permission.
    pub(crate) scope: Scope,
    pub(crate) origin: Origin,
}

/// A member after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) member: Member,
    pub(crate) revision: i64,
}

/// Makes this process obey before it answers, also when another one made the change and answered nobody.
pub(crate) async fn obey(app: &App, target: &Target, answer: &Answer<Changed>) -> Result<(), Error> {
    let revision = match answer {
        Answer::Fresh(changed) => changed.revision,
        Answer::Repeated(_) => access::head(&app.database.reader()).await?.revision,
    };
    app.announce(target.user_id.into(), revision);
    Ok(())
}

/// What a decision is made on.
pub(crate) struct Case<'a> {
    pub(crate) member: &'a Member,
    pub(crate) actor: &'a Subject,
    /// Whether the organization of the member is suspended.
    pub(crate) organization_suspended: bool,
    /// Those of the composed roles that the change names which the organization has.
    pub(crate) named: CustomRoles,
    pub(crate) now: Timestamp,
}

/// Changes a member in the given transaction; `decide` says how, or that nothing changes. `names` are those of composed
/// roles that it looks at.
pub(crate) async fn apply(
    app: &App,
    tx: &Tx,
    target: &Target,
    permission: &'static str,
    names: &[RoleName],
    decide: impl Fn(&Case<'_>) -> Result<Option<(Member, What)>, Error> + Send,
) -> Result<Changed, Error> {
    let now = app.now();
    // First of all: from here on nobody else changes anybody's access until this transaction ends.
    let revision = access::advance(tx).await?;
    let member = members::find_locked(tx, &target.scope, target.user_id).await?.ok_or(Error::NotFound)?;
    let actor = entitled_actor(tx, target, &member, permission, now).await?;
    let organization_suspended = organizations::is_suspended(tx, member.organization_id).await?;
    let known = roles::find_named(tx, member.organization_id, names).await?;
    let case = Case { member: &member, actor: &actor, organization_suspended, named: known, now };
    let Some((after, what)) = decide(&case)? else {
        return Ok(Changed { revision: access::give_back(tx).await?, member });
    };
    let others = members::count_others(tx, &member, now).await?;
    keep_somebody_in_charge(&member, &after, others, now)?;
    let facts = RowFacts::of_subject(Some(member.organization_id), member.user_id.into());
    let permit = target.scope.permit(facts).ok_or(Error::NotFound)?;
    if after.custom != member.custom {
        roles::assign(tx, after.user_id, &after.custom).await?;
    }
    members::update(tx, &permit, &after).await?;
    let told = Told {
        revision,
        subject_id: after.user_id.into(),
        organization_id: Some(after.organization_id),
        occurred: now,
        what,
    };
    app.tell_change(tx, &target.origin, told).await?;
    if !member.roles.contains(Role::Owner) {
        owner_added::tell(app, tx, &target.origin, &actor, &after, now).await?;
    }
    let giving = Giving { giver: &actor, organization_id: after.organization_id, origin: &target.origin, now };
    giving.to_member(app, tx, &member.custom, &after).await?;
    admin_changed::tell(app, tx, &target.origin, (&member, &after), now).await?;
    Ok(Changed { member: after, revision })
}

/// Reads the actor under the lock: what it was allowed a moment ago it may have lost since.
async fn entitled_actor(
    tx: &Tx,
    target: &Target,
    member: &Member,
    permission: &'static str,
    now: Timestamp,
) -> Result<Subject, Error> {
    let actor = target.origin.actor.ok_or(Error::NotEntitled)?;
    if actor == member.user_id.into() {
        return Err(Error::OnItself);
    }
    let actor = subjects::find(tx, &Scope::All, actor).await?.ok_or(Error::NotEntitled)?;
    if !actor.may(permission, member.organization_id, now) {
        return Err(Error::NotEntitled);
    }
    let above = actor.above(member);
    if above.is_empty() { Ok(actor) } else { Err(Error::NotGrantable(above)) }
}
