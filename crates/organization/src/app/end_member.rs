//! Ends a member whose account is being deleted, if whoever deletes it may.

use rolecall_db::{Tx, fault};
use rolecall_kernel::id::{SubjectId, UserId};

use super::entitlement::{Lacking, find_actor};
use super::{App, Told};
use crate::domain::actor::Subject;
use crate::domain::event::{Origin, What};
use crate::domain::guard::{Orphaned, keep_somebody_in_charge};
use crate::domain::member::{Member, MemberState};
use crate::domain::role::{Role, RoleSet};
use crate::store::{access, members};

const PERMISSION: &str = "identity.users.delete";

/// Why the member stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody does this to itself.
    #[error("nobody does this to itself")]
    OnItself,
    /// The actor lacks the right.
    #[error("the actor lacks the right")]
    NotEntitled,
    /// The member holds roles that are beyond the actor.
    #[error("the roles are not the actor's to take")]
    NotGrantable(Vec<String>),
    /// Nobody who can act would be in charge.
    #[error(transparent)]
    Orphaned(#[from] Orphaned),
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
            | Lacking::Right => Self::NotEntitled,
        }
    }
}

/// Ends the member, whatever its state; what is not there stays so.
pub(crate) async fn run(app: &App, user: UserId, actor: SubjectId, origin: &Origin) -> Result<(), Error> {
    let origin = &Origin { actor: Some(actor), ..origin.clone() };
    let revision = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            let Some((member, _)) = members::find_even_hidden(&tx, user).await? else { return Ok(None) };
            end(app, &tx, revision, &member, actor, origin).await?;
            Ok::<_, Error>(Some(revision))
        })
        .await?;
    fault::point("end_member.after_commit");
    // Who repeats this may ask a process that did not hear of it yet.
    let revision = match revision {
        Some(revision) => revision,
        None => access::head(&app.database.reader()).await?.revision,
    };
    app.announce(user.into(), revision);
    Ok(())
}

async fn end(
    app: &App,
    tx: &Tx,
    revision: i64,
    member: &Member,
    actor: SubjectId,
    origin: &Origin,
) -> Result<(), Error> {
    let now = app.now();
    if actor == member.user_id.into() {
        return Err(Error::OnItself);
    }
    let actor = find_actor(tx, actor, now).await?;
    if !actor.may(PERMISSION, member.organization_id, now) {
        return Err(Error::NotEntitled);
    }
    let beyond = beyond(&actor, member);
    if !beyond.is_empty() {
        return Err(Error::NotGrantable(beyond.names()));
    }
    let gone = Member { state: MemberState::Hidden, ..member.clone() };
    keep_somebody_in_charge(member, &gone, members::count_others(tx, member, now).await?, now)?;
    members::delete(tx, member.user_id).await?;
    let (organization_id, what) = (Some(member.organization_id), What::MemberRemoved { user_id: member.user_id });
    let told = Told { revision, subject_id: member.user_id.into(), organization_id, occurred: now, what };
    Ok(app.tell_change(tx, origin, told).await?)
}

/// Which roles keep their holder from being ended by the actor: an end takes all of them at once.
fn beyond(actor: &Subject, member: &Member) -> RoleSet {
    let is_beyond = |role: &Role| match role {
        Role::Admin => !actor.roles().contains(Role::Admin),
        Role::Owner => !actor.reigns(member.organization_id),
        Role::DataScientist | Role::DataSteward | Role::Guest => false,
    };
    member.roles.iter().filter(is_beyond).collect()
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::id::{OrganizationId, ServiceAccountId};
    use rolecall_kernel::time::Timestamp;

    use super::*;
    use crate::domain::actor::Who;
    use crate::domain::service_account::ServiceAccount;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn set(roles: &[Role]) -> RoleSet {
        roles.iter().copied().collect()
    }

    fn member(organization: OrganizationId, roles: &[Role]) -> Member {
        Member::hidden(UserId::new(NOW, &SystemEntropy), organization, set(roles), NOW)
    }

    #[test]
    fn only_admin_ends_a_holder_of_admin_and_none_but_owners_and_admin_an_owner() {
        let organization = OrganizationId::new(NOW, &SystemEntropy);
        let person = |roles: &[Role]| Subject::from(Who::Member(member(organization, roles)));
        let service_account_id = ServiceAccountId::new(NOW, &SystemEntropy);
        let permissions = [PERMISSION.to_owned()].into_iter().collect();
        let program = Subject::from(Who::ServiceAccount(ServiceAccount {
            service_account_id,
            organization_id: None,
            permissions,
        }));
        let (admin, owner, guest) = (person(&[Role::Admin]), person(&[Role::Owner]), person(&[Role::Guest]));
        let both = member(organization, &[Role::Admin, Role::Owner]);
        assert!(beyond(&admin, &both).is_empty());
        assert_eq!(beyond(&owner, &both), set(&[Role::Admin]));
        for lesser in [&program, &guest] {
            assert_eq!(beyond(lesser, &both), set(&[Role::Admin, Role::Owner]));
        }
        let others = member(organization, &[Role::DataScientist, Role::DataSteward, Role::Guest]);
        assert!([&admin, &owner, &program].into_iter().all(|actor| beyond(actor, &others).is_empty()));
        assert!(beyond(&owner, &member(organization, &[Role::Owner])).is_empty());
    }
}
