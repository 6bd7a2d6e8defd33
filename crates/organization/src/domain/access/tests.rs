use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{ServiceAccountId, UserId};
use rolecall_kernel::text::Reason;

use super::*;
use crate::domain::member::{Block, Member, MemberState};
use crate::domain::permission::CATALOGUE;
use crate::domain::role::Role;
use crate::domain::service_account::ServiceAccount;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn organization() -> OrganizationId {
    OrganizationId::new(NOW, &SystemEntropy)
}

fn member(organization: OrganizationId, roles: &[Role]) -> Member {
    let roles = roles.iter().copied().collect();
    let hidden = Member::hidden(UserId::new(NOW, &SystemEntropy), organization, roles, NOW);
    Member { state: MemberState::Active, ..hidden }
}

fn person(member: Member) -> Subject {
    Subject::from(Who::Member(member))
}

fn blocked(member: &Member, until: Option<Timestamp>) -> Member {
    let reason = Reason::parse("a test").expect("valid");
    let block = Block { reason, until, since: NOW, actor: member.user_id.into() };
    Member { block: Some(block), ..member.clone() }
}

fn account(organization_id: Option<OrganizationId>, permission: &'static str) -> Subject {
    let service_account_id = ServiceAccountId::new(NOW, &SystemEntropy);
    let permissions = [permission.to_owned()].into_iter().collect();
    Subject::from(Who::ServiceAccount(ServiceAccount { service_account_id, organization_id, permissions }))
}

fn ask(subject: &Subject, permission: &str, target: Target) -> AccessReason {
    let permission = Permission::find(permission);
    decide(&Question { subject: Some(subject), permission, target: Some(target) }, NOW).reason
}

fn anything(organization_id: OrganizationId) -> Target {
    Target { organization_id, record_of: None }
}

#[test]
fn every_refusal_names_the_first_thing_that_is_wrong() {
    let own = organization();
    let subject = person(member(own, &[Role::Owner]));
    let permission = Permission::find("organization.members.list");
    let target = Some(anything(own));
    let reason = |subject, permission, target| decide(&Question { subject, permission, target }, NOW).reason;
    assert_eq!(reason(Some(&subject), None, target), AccessReason::PermissionUnknown);
    assert_eq!(reason(None, permission, target), AccessReason::SubjectUnknown);
    assert_eq!(reason(Some(&subject), permission, None), AccessReason::ResourceUnknown);
    assert_eq!(reason(Some(&subject), permission, target), AccessReason::RoleHoldsPermission);
}

#[test]
fn roles_are_judged_by_where_they_hold_the_permission() {
    let (own, foreign) = (organization(), organization());
    for (roles, permission, place, reason) in [
        (&[Role::Admin][..], "organization.members.list", foreign, AccessReason::RoleHoldsPermission),
        (&[Role::Owner], "organization.members.list", own, AccessReason::RoleHoldsPermission),
        (&[Role::Owner], "organization.members.list", foreign, AccessReason::NotAMember),
        (&[Role::Guest], "organization.members.list", own, AccessReason::PermissionMissing),
        (&[Role::Guest], "organization.members.get", own, AccessReason::NotOwnRecord),
        (&[Role::DataSteward], "organization.datasets.update_registered", own, AccessReason::ConditionNotMet),
        (&[Role::DataScientist], "organization.datasets.register", own, AccessReason::PermissionMissing),
        (
            &[Role::DataScientist, Role::DataSteward],
            "organization.datasets.register",
            own,
            AccessReason::RoleHoldsPermission,
        ),
        (&[Role::Admin], "organization.datasets.get", own, AccessReason::PermissionMissing),
        (&[], "organization.members.get", own, AccessReason::PermissionMissing),
    ] {
        let subject = person(member(own, roles));
        assert_eq!(ask(&subject, permission, anything(place)), reason, "{roles:?} {permission}");
    }
}

#[test]
fn the_own_record_is_open_and_that_of_a_colleague_is_not() {
    let own = organization();
    let guest = member(own, &[Role::Guest]);
    let target = |user: UserId| Target { organization_id: own, record_of: Some(user.into()) };
    let subject = person(guest.clone());
    assert_eq!(ask(&subject, "identity.users.get", target(guest.user_id)), AccessReason::OwnRecord);
    let colleague = member(own, &[Role::Guest]).user_id;
    assert_eq!(ask(&subject, "identity.users.get", target(colleague)), AccessReason::NotOwnRecord);
}

#[test]
fn who_is_invited_or_blocked_may_nothing() {
    let own = organization();
    let owner = member(own, &[Role::Owner, Role::Admin]);
    let pending = person(Member { state: MemberState::Pending, ..owner.clone() });
    let kept_out = person(blocked(&owner, None));
    for permission in CATALOGUE {
        assert_eq!(ask(&pending, permission.name, anything(own)), AccessReason::SubjectInactive);
        assert_eq!(ask(&kept_out, permission.name, anything(own)), AccessReason::Blocked);
    }
    let over = person(blocked(&owner, Some(NOW)));
    assert_eq!(ask(&over, "organization.members.list", anything(own)), AccessReason::RoleHoldsPermission);
}

#[test]
fn a_service_account_may_what_it_was_given_where_it_was_given() {
    let (own, foreign) = (organization(), organization());
    let permission = "organization.access.check";
    for (subject, place, reason) in [
        (account(Some(own), permission), own, AccessReason::PermissionGiven),
        (account(Some(own), permission), foreign, AccessReason::NotAMember),
        (account(None, permission), foreign, AccessReason::PermissionGiven),
        (account(Some(own), "organization.members.list"), own, AccessReason::PermissionMissing),
    ] {
        assert_eq!(ask(&subject, permission, anything(place)), reason);
    }
}

#[test]
fn the_roles_of_an_answer_are_exactly_those_that_allow() {
    let own = organization();
    let subject = person(member(own, &[Role::DataScientist, Role::Guest, Role::Owner]));
    let permission = Permission::find("organization.models.get");
    let question = Question { subject: Some(&subject), permission, target: Some(anything(own)) };
    assert_eq!(decide(&question, NOW).roles.names(), ["DATA_SCIENTIST", "OWNER"]);
}

#[test]
fn what_is_listed_as_a_grant_is_what_is_decided() {
    let (own, foreign) = (organization(), organization());
    for bits in 0_u8..32 {
        let roles: Vec<Role> = Role::ALL
            .into_iter()
            .enumerate()
            .filter(|(index, _)| bits & (1 << index) != 0)
            .map(|(_, role)| role)
            .collect();
        let subject = person(member(own, &roles));
        let grants = subject.grants(&[]);
        for permission in CATALOGUE {
            let held = grants.iter().find(|grant| grant.permission == permission.name).map(|grant| grant.holding);
            let here = ask(&subject, permission.name, anything(own)).allows();
            let there = ask(&subject, permission.name, anything(foreign)).allows();
            assert_eq!(here, matches!(held, Some(Holding::Own | Holding::Any)), "{roles:?} {}", permission.name);
            assert_eq!(there, held == Some(Holding::Any), "{roles:?} {}", permission.name);
            assert_eq!(here, subject.may(permission.name, own, NOW));
            assert_eq!(there, subject.may(permission.name, foreign, NOW));
        }
    }
}
