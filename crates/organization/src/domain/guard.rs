//! Who must not disappear: an organization's last owner, the instance's last administrator.

use super::member::Member;
use super::role::Role;
use rolecall_kernel::time::Timestamp;

/// A change would leave nobody in charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Orphaned {
    /// The organization would have no owner that can act.
    #[error("an organization keeps at least one owner that can act")]
    Organization,
    /// The instance would have no administrator that can act.
    #[error("the instance keeps at least one administrator that can act")]
    Instance,
}

/// How many others are in charge, counted under the lock of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Others {
    /// Other owners of the organization that can act.
    pub(crate) owners: u64,
    /// Other administrators of the instance that can act.
    pub(crate) admins: u64,
}

/// Refuses a change after which nobody who can act is in charge any more.
pub(crate) fn keep_somebody_in_charge(
    before: &Member,
    after: &Member,
    others: Others,
    now: Timestamp,
) -> Result<(), Orphaned> {
    let loses = |role| before.acts_as(role, now) && !after.acts_as(role, now);
    if loses(Role::Owner) && others.owners == 0 {
        return Err(Orphaned::Organization);
    }
    if loses(Role::Admin) && others.admins == 0 {
        return Err(Orphaned::Instance);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::id::{OrganizationId, UserId};
    use rolecall_kernel::text::Reason;

    use super::*;
    use crate::domain::member::{Block, MemberState};
    use crate::domain::role::RoleSet;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn member(roles: &[Role]) -> Member {
        let roles: RoleSet = roles.iter().copied().collect();
        let user = UserId::new(NOW, &SystemEntropy);
        let hidden = Member::hidden(user, OrganizationId::new(NOW, &SystemEntropy), roles, NOW);
        Member { state: MemberState::Active, ..hidden }
    }

    fn blocked(member: &Member) -> Member {
        let block = Block {
            reason: Reason::parse("a test").expect("valid"),
            until: Some(Timestamp::from_seconds(2_000)),
            since: NOW,
            actor: member.user_id.into(),
        };
        Member { block: Some(block), ..member.clone() }
    }

    #[test]
    fn the_last_in_charge_is_neither_demoted_nor_blocked() {
        let none = Others { owners: 0, admins: 0 };
        let both = member(&[Role::Admin, Role::Owner]);
        let demoted = Member { roles: [Role::Admin, Role::Guest].into_iter().collect(), ..both.clone() };
        assert_eq!(keep_somebody_in_charge(&both, &demoted, none, NOW), Err(Orphaned::Organization));
        assert_eq!(keep_somebody_in_charge(&both, &blocked(&both), none, NOW), Err(Orphaned::Organization));
        let one_owner = Others { owners: 1, admins: 0 };
        assert_eq!(keep_somebody_in_charge(&both, &blocked(&both), one_owner, NOW), Err(Orphaned::Instance));
        assert_eq!(keep_somebody_in_charge(&both, &demoted, one_owner, NOW), Ok(()));
        let somebody = Others { owners: 1, admins: 1 };
        assert_eq!(keep_somebody_in_charge(&both, &blocked(&both), somebody, NOW), Ok(()));
    }

    #[test]
    fn who_could_not_act_before_is_not_missed() {
        let none = Others { owners: 0, admins: 0 };
        let owner = member(&[Role::Owner]);
        let pending = Member { state: MemberState::Pending, ..owner.clone() };
        assert_eq!(keep_somebody_in_charge(&pending, &blocked(&pending), none, NOW), Ok(()));
        let kept_out = blocked(&owner);
        let demoted = Member { roles: [Role::Guest].into_iter().collect(), ..kept_out.clone() };
        assert_eq!(keep_somebody_in_charge(&kept_out, &demoted, none, NOW), Ok(()));
        let guest = member(&[Role::Guest]);
        assert_eq!(keep_somebody_in_charge(&guest, &blocked(&guest), none, NOW), Ok(()));
    }
}
