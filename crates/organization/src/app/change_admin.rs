//! Makes a member an administrator of the instance, or takes that from it.

use super::App;
use super::change_member::{self, Case, Changed, Error, Target};
use crate::domain::event::What;
use crate::domain::member::{Member, MemberState};
use crate::domain::role::Role;
use rolecall_db::once::{Answer, Repeat, once};

/// What becomes of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// An administrator.
    Grant,
    /// No administrator any more.
    Revoke,
}

impl Change {
    /// Returns the permission that it takes.
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::Grant => "organization.instance_admins.grant",
            Self::Revoke => "organization.instance_admins.revoke",
        }
    }
}

/// Whom to change, and how.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) change: Change,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Changes the member, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let permission = command.change.permission();
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        change_member::apply(app, &tx, &command.target, permission, &[], |case| decide(command.change, case)).await
    })
    .await?;
    change_member::obey(app, &command.target, &answer).await?;
    Ok(answer)
}

fn decide(change: Change, case: &Case<'_>) -> Result<Option<(Member, What)>, Error> {
    let Case { member, now, .. } = *case;
    let old = member.roles;
    let new = match change {
        Change::Grant if case.organization_suspended => return Err(Error::OrganizationSuspended),
        Change::Grant if member.state != MemberState::Active => return Err(Error::NotActive),
        Change::Grant => old.with(Role::Admin),
        Change::Revoke => old.without(Role::Admin),
    };
    if old == new {
        return Ok(None);
    }
    let after = Member { roles: new, ..member.clone() }.changed(now);
    let (old, new) = (member.all_roles().names(), after.all_roles().names());
    Ok(Some((after, What::MemberRolesChanged { user_id: member.user_id, old, new })))
}
