//! Who must not disappear: an organization's last owner, the instance's last administrator.

use super::member::Member;
use super::role::Role;
use rolecall_kernel::id::UserId;
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
    /// Nobody would be left who logs in when no identity provider answers.
    #[error("the break-glass owner of an organization stays as it is")]
    BreakGlass,
    /// An administrator of the instance would have no way in.
    #[error("no identity provider speaks for administrators of the instance")]
    NoWayIn,
}

/// How many others are in charge, counted under the lock of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Others {
    /// Other owners of the organization that can act.
    pub(crate) owners: u64,
    /// Other administrators of the instance that can act.
    pub(crate) admins: u64,
    /// Who alone has a password in the organization; none where everybody may have one.
    pub(crate) break_glass: Option<UserId>,
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
    let is_break_glass = others.break_glass == Some(before.user_id);
    if loses(Role::Owner) && is_break_glass {
        return Err(Orphaned::BreakGlass);
    }
    let becomes_admin = !before.roles.contains(Role::Admin) && after.roles.contains(Role::Admin);
    if becomes_admin && others.break_glass.is_some() && !is_break_glass {
        return Err(Orphaned::NoWayIn);
    }
    if loses(Role::Admin) && others.admins == 0 {
        return Err(Orphaned::Instance);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::id::OrganizationId;
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
        let none = Others { owners: 0, admins: 0, break_glass: None };
        let both = member(&[Role::Admin, Role::Owner]);
        let demoted = Member { roles: [Role::Admin, Role::Guest].into_iter().collect(), ..both.clone() };
        assert_eq!(keep_somebody_in_charge(&both, &demoted, none, NOW), Err(Orphaned::Organization));
        assert_eq!(keep_somebody_in_charge(&both, &blocked(&both), none, NOW), Err(Orphaned::Organization));
        let one_owner = Others { owners: 1, ..none };
        assert_eq!(keep_somebody_in_charge(&both, &blocked(&both), one_owner, NOW), Err(Orphaned::Instance));
        assert_eq!(keep_somebody_in_charge(&both, &demoted, one_owner, NOW), Ok(()));
        let somebody = Others { owners: 1, admins: 1, ..none };
        assert_eq!(keep_somebody_in_charge(&both, &blocked(&both), somebody, NOW), Ok(()));
    }

    #[test]
    fn the_break_glass_owner_stays_an_owner_who_can_act() {
        let owner = member(&[Role::Owner]);
        let others = Others { owners: 5, admins: 5, break_glass: Some(owner.user_id) };
        let demoted = Member { roles: [Role::Guest].into_iter().collect(), ..owner.clone() };
        assert_eq!(keep_somebody_in_charge(&owner, &demoted, others, NOW), Err(Orphaned::BreakGlass));
        assert_eq!(keep_somebody_in_charge(&owner, &blocked(&owner), others, NOW), Err(Orphaned::BreakGlass));
        let both = Member { roles: [Role::Guest, Role::Owner].into_iter().collect(), ..owner.clone() };
        assert_eq!(keep_somebody_in_charge(&owner, &both, others, NOW), Ok(()));
    }

    #[test]
    fn nobody_becomes_an_administrator_who_has_no_password() {
        let (owner, guest) = (member(&[Role::Owner]), member(&[Role::Guest]));
        let with_admin = |member: &Member| Member { roles: member.roles.with(Role::Admin), ..member.clone() };
        let others = Others { owners: 1, admins: 1, break_glass: Some(owner.user_id) };
        let refused = keep_somebody_in_charge(&guest, &with_admin(&guest), others, NOW);
        assert_eq!(refused, Err(Orphaned::NoWayIn));
        assert_eq!(keep_somebody_in_charge(&owner, &with_admin(&owner), others, NOW), Ok(()));
        let managed = Others { break_glass: None, ..others };
        assert_eq!(keep_somebody_in_charge(&guest, &with_admin(&guest), managed, NOW), Ok(()));
    }

    #[test]
    fn who_could_not_act_before_is_not_missed() {
        let none = Others { owners: 0, admins: 0, break_glass: None };
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
