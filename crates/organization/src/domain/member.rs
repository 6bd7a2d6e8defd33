//! Memberships: their states, roles and blocks.

use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::Reason;
use rolecall_kernel::time::Timestamp;

use super::custom_role::{CustomRoles, Roles};
use super::role::{Role, RoleSet};

/// Where a membership stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// Added, and not confirmed by the account's side: nobody sees it, it counts for nothing.
    Hidden,
    /// Invited: the roles wait until the person accepts.
    Pending,
    /// The person accepted; the roles count.
    Active,
}

/// Why and until when a member is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) reason: Reason,
    /// When it ends by itself.
    pub(crate) until: Option<Timestamp>,
    pub(crate) since: Timestamp,
    pub(crate) actor: SubjectId,
}

impl Block {
    /// Tells whether the block keeps the member out at this time.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The membership of a person in its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) user_id: UserId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) state: MemberState,
    /// The built-in ones.
    pub(crate) roles: RoleSet,
    /// Those that its organization composed.
    pub(crate) custom: CustomRoles,
    pub(crate) block: Option<Block>,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Member {
    /// Makes a membership that nobody sees until it is confirmed.
    pub(crate) fn hidden(user_id: UserId, organization_id: OrganizationId, roles: RoleSet, now: Timestamp) -> Self {
        Self {
            user_id,
            organization_id,
            state: MemberState::Hidden,
            roles,
            custom: CustomRoles::default(),
            block: None,
            version: 1,
            created: now,
            updated: now,
        }
    }

    /// Returns the block that keeps the member out now; one that has ended is none.
    pub(crate) fn block_in_force(&self, now: Timestamp) -> Option<&Block> {
        self.block.as_ref().filter(|block| block.is_in_force(now))
    }

    /// Tells whether the member can act now.
    pub(crate) fn can_act(&self, now: Timestamp) -> bool {
        self.state == MemberState::Active && self.block_in_force(now).is_none()
    }

    /// Tells whether the member holds the role and can use it now; this is what the guards count.
    pub(crate) fn acts_as(&self, role: Role, now: Timestamp) -> bool {
        self.roles.contains(role) && self.can_act(now)
    }

    /// Returns the roles of both kinds.
    pub(crate) fn all_roles(&self) -> Roles {
        Roles { built_in: self.roles, custom: self.custom.clone() }
    }

    /// Returns the member with these roles in the place of its own.
    #[must_use]
    pub(crate) fn with_roles(self, roles: Roles) -> Self {
        Self { roles: roles.built_in, custom: roles.custom, ..self }
    }

    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// Notes a change.
    #[must_use]
    pub(crate) fn changed(mut self, now: Timestamp) -> Self {
        self.version += 1;
        self.updated = now;
        self
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn owner(state: MemberState, blocked: bool, until: Option<i64>) -> Member {
        let roles = [Role::Owner].into_iter().collect();
        let user = UserId::new(NOW, &SystemEntropy);
        let block = blocked.then(|| Block {
            reason: Reason::parse("a test").expect("valid"),
            until: until.map(Timestamp::from_seconds),
            since: NOW,
            actor: user.into(),
        });
        let organization = OrganizationId::new(NOW, &SystemEntropy);
        Member { state, block, ..Member::hidden(user, organization, roles, NOW) }
    }

    #[test]
    fn only_active_unblocked_members_can_act() {
        for (state, blocked, until, can_act) in [
            (MemberState::Active, false, None, true),
            (MemberState::Pending, false, None, false),
            (MemberState::Hidden, false, None, false),
            (MemberState::Active, true, None, false),
            (MemberState::Active, true, Some(1_001), false),
            (MemberState::Active, true, Some(1_000), true),
            (MemberState::Pending, true, Some(999), false),
        ] {
            assert_eq!(owner(state, blocked, until).acts_as(Role::Owner, NOW), can_act, "{state:?} {until:?}");
        }
        assert!(!owner(MemberState::Active, false, None).acts_as(Role::Admin, NOW));
    }

    #[test]
    fn a_block_ends_at_its_time_without_anybody_doing_anything() {
        let member = owner(MemberState::Active, true, Some(1_001));
        assert!(member.block_in_force(NOW).is_some());
        assert!(member.block_in_force(Timestamp::from_seconds(1_001)).is_none());
    }
}
