//! Makes the home organization with its first member, administrator and owner.

use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::OrganizationName;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::member::{Member, MemberState};
use crate::domain::organization::{MfaPolicy, Organization, OrganizationState};
use crate::domain::role::{Role, RoleSet};
use crate::store::{access, members, organizations};

/// What the home organization is, and who comes first.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: OrganizationName,
    pub(crate) mfa_policy: MfaPolicy,
    pub(crate) user_id: UserId,
    /// The call; nobody is signed in yet.
    pub(crate) origin: Origin,
}

/// Why there is no new home.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is one already, with other content.
    #[error("the home organization exists already")]
    AlreadyBootstrapped,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Makes the home organization; repeating it with the same content changes nothing.
pub(crate) async fn run(app: &App, command: &Command) -> Result<(), Error> {
    let revision = app.database.write(|tx| async move { bootstrap(app, &tx, command).await }).await;
    match revision {
        Ok(Some(revision)) => app.announce(command.user_id.into(), revision),
        Ok(None) => {}
        // Some other organization has the name, or the ids are in use: this is not the first time.
        Err(Error::Store(rolecall_db::Error::Unique(_))) => return Err(Error::AlreadyBootstrapped),
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn bootstrap(app: &App, tx: &Tx, command: &Command) -> Result<Option<i64>, Error> {
    let Command { organization_id, user_id, mfa_policy, ref name, ref origin } = *command;
    let revision = access::advance(tx).await?;
    if let Some(home) = organizations::find_home(tx).await? {
        let member = members::find_even_hidden(tx, user_id).await?;
        let is_member = member.is_some_and(|(member, _)| member.organization_id == home.organization_id);
        let is_same_home = home.organization_id == organization_id && home.mfa_policy == mfa_policy;
        let same = is_same_home && home.name == *name && is_member;
        return if same { Ok(None) } else { Err(Error::AlreadyBootstrapped) };
    }
    let now = app.now();
    let (state, name) = (OrganizationState::Active, name.clone());
    let organization =
        Organization { organization_id, name: name.clone(), state, home: true, mfa_policy, version: 1, created: now };
    organizations::insert(tx, &organization).await?;
    let roles: RoleSet = [Role::Admin, Role::Owner].into_iter().collect();
    let hidden = Member::hidden(user_id, organization_id, roles, now);
    members::insert(tx, &Member { state: MemberState::Active, ..hidden }, None).await?;
    let organization_id = Some(organization_id);
    let created = What::OrganizationCreated { organization_id: organization.organization_id, name };
    app.tell(tx, origin, organization_id, now, created).await?;
    let what = What::MemberActivated { user_id, roles: roles.names() };
    let told = Told { revision, subject_id: user_id.into(), organization_id, occurred: now, what };
    app.tell_change(tx, origin, told).await?;
    Ok(Some(revision))
}
