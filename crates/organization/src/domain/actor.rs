//! Subjects as actors: what they may do where, and which roles and permissions they may give.

use std::borrow::Cow;

use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::custom_role::{CustomRole, CustomRoles, Roles};
use super::guest::Guest;
use super::member::{Block, Member, MemberState};
use super::permission::{CATALOGUE, Condition, Holding, Permission};
use super::role::{Role, RoleSet};
use super::service_account::ServiceAccount;

/// What kind of subject somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// A person.
    Member(Member),
    /// A program.
    ServiceAccount(ServiceAccount),
    /// A stranger, without an account.
    Guest(Guest),
}

/// Whoever can act, as the tables know it at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub(crate) who: Who,
    /// Whether its organization keeps it out.
    pub(crate) organization_suspended: bool,
}

impl From<Who> for Subject {
    /// Makes a subject whose organization is in operation.
    fn from(who: Who) -> Self {
        Self { who, organization_suspended: false }
    }
}

/// A permission without conditions, and where it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) permission: Cow<'static, str>,
    pub(crate) holding: Holding,
}

impl Subject {
    /// Returns the subject's id.
    pub fn subject_id(&self) -> SubjectId {
        match &self.who {
            Who::Member(member) => member.user_id.into(),
            Who::ServiceAccount(account) => account.service_account_id.into(),
            Who::Guest(guest) => guest.guest_id,
        }
    }

    /// Returns where the subject belongs; none for a service account of the whole instance.
    pub fn organization_id(&self) -> Option<OrganizationId> {
        match &self.who {
            Who::Member(member) => Some(member.organization_id),
            Who::ServiceAccount(account) => account.organization_id,
            Who::Guest(guest) => Some(guest.organization_id),
        }
    }

    /// Tells whether the subject's roles and permissions count, a block and the state of its organization aside.
    pub(crate) fn is_active(&self) -> bool {
        match &self.who {
            Who::Member(member) => member.state == MemberState::Active,
            Who::ServiceAccount(_) => true,
            Who::Guest(guest) => guest.allowed,
        }
    }

    /// Returns the block that keeps the subject out now.
    pub(crate) fn block_in_force(&self, now: Timestamp) -> Option<&Block> {
        match &self.who {
            Who::Member(member) => member.block_in_force(now),
            Who::ServiceAccount(_) | Who::Guest(_) => None,
        }
    }

    /// Tells whether the time of the subject is over; only guests have one.
    pub(crate) fn has_ended(&self, now: Timestamp) -> bool {
        matches!(&self.who, Who::Guest(guest) if now >= guest.expires)
    }

    /// Tells whether the subject can act now.
    pub fn can_act(&self, now: Timestamp) -> bool {
        let is_kept_out = self.organization_suspended || self.block_in_force(now).is_some() || self.has_ended(now);
        self.is_active() && !is_kept_out
    }

    /// Tells whether what the subject may in this organization it may as an administrator of the instance alone.
    pub(crate) fn is_outside_administrator(&self, organization: OrganizationId) -> bool {
        let owns = self.organization_id() == Some(organization) && self.roles().contains(Role::Owner);
        self.roles().contains(Role::Admin) && !owns
    }

    /// Returns the subject's built-in roles; a service account has none.
    pub(crate) fn roles(&self) -> RoleSet {
        match &self.who {
            Who::Member(member) => member.roles,
            Who::ServiceAccount(_) => RoleSet::default(),
            Who::Guest(_) => RoleSet::default().with(Role::Guest),
        }
    }

    /// Returns the roles of a person that its organization composed.
    pub(crate) fn custom(&self) -> Option<&CustomRoles> {
        match &self.who {
            Who::Member(member) => Some(&member.custom),
            Who::ServiceAccount(_) | Who::Guest(_) => None,
        }
    }

    /// Returns the subject's roles of both kinds.
    pub(crate) fn all_roles(&self) -> Roles {
        Roles { built_in: self.roles(), custom: self.custom().cloned().unwrap_or_default() }
    }

    /// Returns the widest place where the subject holds the permission.
    pub(crate) fn holding(&self, permission: &Permission<'_>) -> Option<Holding> {
        match &self.who {
            Who::Member(member) => {
                let built_in = member.roles.iter().filter_map(|role| permission.held_by(role));
                built_in.chain(member.custom.iter().filter_map(|role| permission.held_by_custom(role))).max()
            }
            Who::ServiceAccount(account) => {
                let held = if account.organization_id.is_some() { Holding::Own } else { Holding::Any };
                account.permissions.contains(permission.name).then_some(held)
            }
            // What is held on the own record, or on a condition about who somebody is, needs an account.
            Who::Guest(_) => permission.held_by(Role::Guest).filter(|held| matches!(held, Holding::Own | Holding::Any)),
        }
    }

    /// Lists the permissions that the subject holds, but for the one to act as others, whose condition is about both
    /// sides; `registered` are those of other backends.
    pub(crate) fn grants(&self, registered: &[String]) -> Vec<Grant> {
        let unconditional = |permission: Cow<'static, str>| {
            let holding = self.holding(&Permission::named(&permission)?)?;
            match holding {
                Holding::If(Condition::ImpersonationAllowed) => None,
                Holding::If(_) | Holding::OnSelf | Holding::Own | Holding::Any => Some(Grant { permission, holding }),
            }
        };
        let ours = CATALOGUE.iter().map(|permission| Cow::Borrowed(permission.name));
        ours.chain(registered.iter().cloned().map(Cow::Owned)).filter_map(unconditional).collect()
    }

    /// Tells whether the subject can use the permission now, on anything in this organization.
    pub fn may(&self, permission: &str, organization: OrganizationId, now: Timestamp) -> bool {
        self.can_act(now)
            && match Permission::named(permission).and_then(|permission| self.holding(&permission)) {
                Some(Holding::Any) => true,
                Some(Holding::Own) => self.organization_id() == Some(organization),
                Some(Holding::OnSelf | Holding::If(_)) | None => false,
            }
    }

    /// Tells whether the subject can use the permission now on rows to which it stands in the relation that the
    /// permission names.
    pub fn may_if_related(&self, permission: &str, now: Timestamp) -> bool {
        let held = Permission::named(permission).and_then(|permission| self.holding(&permission));
        self.can_act(now) && matches!(held, Some(Holding::If(_)))
    }

    /// Tells whether the subject can use the permission now, on anything in the whole instance.
    pub(crate) fn may_everywhere(&self, permission: &str, now: Timestamp) -> bool {
        let held = Permission::named(permission).and_then(|permission| self.holding(&permission));
        self.can_act(now) && held == Some(Holding::Any)
    }

    /// Tells whether the subject gives and composes everything in this organization, as administrators and owners do.
    pub(crate) fn reigns(&self, organization: OrganizationId) -> bool {
        let owns = self.organization_id() == Some(organization) && self.roles().contains(Role::Owner);
        self.roles().contains(Role::Admin) || owns
    }

    /// Returns the roles of a member that put it above this subject: owners and administrators are changed by those
    /// alone, and not by a program, whatever it was entrusted with.
    pub(crate) fn above(&self, member: &Member) -> Vec<String> {
        if self.reigns(member.organization_id) {
            return Vec::new();
        }
        let above = member.roles.iter().filter(|role| matches!(role, Role::Owner | Role::Admin));
        above.map(|role| role.name().to_owned()).collect()
    }

    /// Returns the names of those of the roles that the subject may not give or take in this organization.
    ///
    /// To give is a right of its own, beside the permission to assign roles at all: an administrator and an owner may
    /// give every role of an organization. A service account that was entrusted with assigning roles may give the
    /// built-in ones that let nobody assign roles in turn. Whoever else was, by a role that its organization composed,
    /// gives no more than it holds; of composed roles that is true of programs too.
    pub(crate) fn ungrantable(&self, roles: &Roles, organization: OrganizationId, now: Timestamp) -> Vec<String> {
        if !self.may("organization.members.assign_roles", organization, now) {
            return roles.names();
        }
        let reigns = self.reigns(organization);
        let is_program = matches!(&self.who, Who::ServiceAccount(_));
        let gives = |role: Role| match role {
            Role::Admin => false,
            Role::Owner => reigns,
            Role::DataScientist | Role::DataSteward | Role::Guest => reigns || is_program || self.covers(role),
        };
        let composed = |role: &&CustomRole| !(reigns || self.lacking(role.permissions.iter()).is_empty());
        let built_in = roles.built_in.iter().filter(|role| !gives(*role)).collect();
        Roles { built_in, custom: roles.custom.iter().filter(composed).cloned().collect() }.names()
    }

    /// Tells whether the subject may give all these roles in this organization.
    pub(crate) fn may_grant(&self, roles: &Roles, organization: OrganizationId, now: Timestamp) -> bool {
        self.ungrantable(roles, organization, now).is_empty()
    }

    /// Tells whether the subject holds all that the role holds.
    fn covers(&self, role: Role) -> bool {
        let covered = |permission: &Permission<'_>| self.holding(permission) >= permission.held_by(role);
        CATALOGUE.iter().all(covered)
    }

    /// Returns those of the permissions that a composed role would hold and the subject does not.
    pub(crate) fn lacking<'a>(&self, permissions: impl Iterator<Item = &'a String>) -> Vec<String> {
        let lacks = |name: &&String| {
            Permission::named(name).is_some_and(|permission| self.holding(&permission) < permission.composed())
        };
        permissions.filter(lacks).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::id::{RoleId, ServiceAccountId, UserId};

    use super::*;
    use crate::domain::custom_role::RoleName;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn organization() -> OrganizationId {
        OrganizationId::new(NOW, &SystemEntropy)
    }

    fn member(organization: OrganizationId, roles: &[Role]) -> Subject {
        let roles = roles.iter().copied().collect();
        let hidden = Member::hidden(UserId::new(NOW, &SystemEntropy), organization, roles, NOW);
        Subject::from(Who::Member(Member { state: MemberState::Active, ..hidden }))
    }

    fn set(roles: &[Role]) -> Roles {
        Roles::from(roles.iter().copied().collect::<RoleSet>())
    }

    #[test]
    fn attack_t22_an_administrator_grants_every_organizational_role_anywhere_and_never_admin() {
        let admin = member(organization(), &[Role::Admin]);
        let all = set(&[Role::Owner, Role::DataSteward, Role::DataScientist, Role::Guest]);
        assert!(admin.may_grant(&all, organization(), NOW));
        assert!(!admin.may_grant(&set(&[Role::Admin]), organization(), NOW));
    }

    #[test]
    fn an_owner_grants_in_its_own_organization_only() {
        let (own, foreign) = (organization(), organization());
        let owner = member(own, &[Role::Owner]);
        assert!(owner.may_grant(&set(&[Role::Owner, Role::Guest]), own, NOW));
        assert!(!owner.may_grant(&set(&[Role::Guest]), foreign, NOW));
    }

    #[test]
    fn an_administrator_is_an_outsider_where_it_is_no_owner() {
        let own = organization();
        let both = member(own, &[Role::Admin, Role::Owner]);
        assert!(both.is_outside_administrator(organization()));
        assert!(!both.is_outside_administrator(own));
        assert!(member(own, &[Role::Admin, Role::DataSteward]).is_outside_administrator(own));
        assert!(!member(own, &[Role::Owner]).is_outside_administrator(organization()));
    }

    #[test]
    fn attack_t22_nobody_else_grants_anything() {
        let own = organization();
        let others = member(own, &[Role::DataScientist, Role::DataSteward, Role::Guest]);
        assert!(!others.may_grant(&set(&[Role::Guest]), own, NOW));
    }

    #[test]
    fn a_service_account_grants_no_role_that_grants() {
        let own = organization();
        let permissions = ["organization.members.assign_roles"].into_iter().map(str::to_owned).collect();
        let service_account_id = ServiceAccountId::new(NOW, &SystemEntropy);
        let account = ServiceAccount { service_account_id, organization_id: Some(own), permissions };
        let account = Subject::from(Who::ServiceAccount(account));
        assert!(account.may_grant(&set(&[Role::DataScientist]), own, NOW));
        assert!(!account.may_grant(&set(&[Role::Owner]), own, NOW));
        assert!(!account.may_grant(&set(&[Role::Guest]), organization(), NOW));
    }

    #[test]
    fn a_guest_holds_what_the_role_holds_but_for_what_needs_an_account() {
        let own = organization();
        let expires = Timestamp::from_seconds(1_001);
        let guest =
            Guest { guest_id: SubjectId::new(NOW, &SystemEntropy), organization_id: own, expires, allowed: true };
        let stranger = Subject::from(Who::Guest(guest));
        let grants = stranger.grants(&[]);
        let names: Vec<&str> = grants.iter().map(|grant| grant.permission.as_ref()).collect();
        assert_eq!(names, ["organization.organizations.get"]);
        let may = |guest: Guest, now| Subject::from(Who::Guest(guest)).may("organization.organizations.get", own, now);
        assert!(may(guest, NOW) && !may(guest, expires) && !may(Guest { allowed: false, ..guest }, NOW));
        assert!(!stranger.may("organization.organizations.get", organization(), NOW));
        assert!(!stranger.may("identity.users.get", own, NOW));
        assert!(!stranger.may_grant(&set(&[Role::Guest]), own, NOW));
    }

    #[test]
    fn nobody_acts_for_a_suspended_organization_and_all_keep_what_they_hold() {
        let own = organization();
        let owner = member(own, &[Role::Owner]);
        let kept_out = Subject { organization_suspended: true, ..owner.clone() };
        assert!(owner.may_grant(&set(&[Role::Guest]), own, NOW) && owner.can_act(NOW));
        assert!(!kept_out.can_act(NOW) && !kept_out.may("organization.members.list", own, NOW));
        assert!(!kept_out.may_grant(&set(&[Role::Guest]), own, NOW));
        assert_eq!(kept_out.grants(&[]), owner.grants(&[]));
    }

    #[test]
    fn conditional_permissions_are_grants_but_for_the_one_to_act_as_others() {
        let steward = member(organization(), &[Role::DataSteward]);
        let grants = steward.grants(&[]);
        let names: Vec<&str> = grants.iter().map(|grant| grant.permission.as_ref()).collect();
        assert!(names.contains(&"organization.datasets.register"));
        assert!(names.contains(&"organization.datasets.update_registered"));
        let admin = member(organization(), &[Role::Admin]);
        assert!(admin.grants(&[]).iter().all(|grant| grant.permission != "identity.users.impersonate"));
    }

    fn composed(name: &str, permissions: &[&str]) -> CustomRole {
        let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
        let name = RoleName::parse(name).expect("a name");
        CustomRole { role_id: RoleId::new(NOW, &SystemEntropy), name, permissions }
    }

    fn holder(organization: OrganizationId, roles: &[Role], custom: &[CustomRole]) -> Subject {
        let built_in = roles.iter().copied().collect();
        let hidden = Member::hidden(UserId::new(NOW, &SystemEntropy), organization, built_in, NOW);
        let custom = custom.iter().cloned().collect();
        Subject::from(Who::Member(Member { state: MemberState::Active, custom, ..hidden }))
    }

    #[test]
    fn a_composed_role_holds_what_it_was_given_as_owners_hold_it_and_what_guests_hold() {
        let own = organization();
        let given = ["organization.members.list", "organization.datasets.get_registered", "pipelines.runs.start"];
        let analyst = holder(own, &[], &[composed("ANALYST", &given)]);
        let held = |name: &str| Permission::named(name).and_then(|permission| analyst.holding(&permission));
        assert_eq!(held("organization.members.list"), Some(Holding::Own));
        assert_eq!(held("organization.datasets.get_registered"), Some(Holding::If(Condition::Registrant)));
        assert_eq!(held("pipelines.runs.start"), Some(Holding::Own));
        assert_eq!(held("organization.members.get"), Some(Holding::OnSelf));
        assert_eq!(held("organization.members.block"), None);
        assert!(!analyst.may("organization.members.list", organization(), NOW));
        let beyond = composed("KING", &["organization.organizations.create", "identity.users.impersonate"]);
        let king = holder(own, &[], &[beyond]);
        assert!(!king.may("organization.organizations.create", own, NOW));
        assert_eq!(king.holding(Permission::find("identity.users.impersonate").expect("one")), None);
    }

    #[test]
    fn who_assigns_roles_by_a_composed_one_gives_no_more_than_it_holds() {
        let own = organization();
        let assigns = composed("PEOPLE", &["organization.members.assign_roles", "organization.members.list"]);
        let (less, more) =
            (composed("LISTS", &["organization.members.list"]), composed("BLOCKS", &["organization.members.block"]));
        let roles = |role: &CustomRole| Roles { custom: [role.clone()].into_iter().collect(), ..Roles::default() };
        let people = holder(own, &[], std::slice::from_ref(&assigns));
        assert!(people.may_grant(&roles(&less), own, NOW) && people.may_grant(&set(&[Role::Guest]), own, NOW));
        assert_eq!(people.ungrantable(&roles(&more), own, NOW), ["BLOCKS"]);
        for beyond in [Role::Owner, Role::DataScientist, Role::DataSteward, Role::Admin] {
            assert!(!people.may_grant(&set(&[beyond]), own, NOW), "{beyond}");
        }
        let both = holder(own, &[Role::DataScientist], &[assigns]);
        assert!(both.may_grant(&set(&[Role::DataScientist]), own, NOW));
        let permissions = ["organization.members.assign_roles"].into_iter().map(str::to_owned).collect();
        let service_account_id = ServiceAccountId::new(NOW, &SystemEntropy);
        let program = ServiceAccount { service_account_id, organization_id: Some(own), permissions };
        let program = Subject::from(Who::ServiceAccount(program));
        assert!(!program.may_grant(&roles(&more), own, NOW));
        for sovereign in [member(own, &[Role::Owner]), member(organization(), &[Role::Admin])] {
            assert!(sovereign.may_grant(&roles(&more), own, NOW));
        }
    }
}
