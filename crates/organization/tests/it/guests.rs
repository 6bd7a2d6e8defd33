//! Guests, and owners who act as others: what their organization allows, and what changes at once when it does not.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_authz::IMPERSONATE;
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::stage::{Stage, Who, bytes, refused};

/// Lets an organization allow guests, and its owners to act as others, or not.
async fn allow(stage: &Stage, owner: UserId, guests: bool, owners: bool) {
    let settings = pb::OrganizationSettings {
        guest_sessions: guests,
        owner_impersonation: owners,
        ..pb::OrganizationSettings::default()
    };
    let paths = vec!["guest_sessions".to_owned(), "owner_impersonation".to_owned()];
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = pb::UpdateOrganizationSettingsRequest { settings: Some(settings), update_mask, ..Default::default() };
    stage.organizations(owner).update_organization_settings(request).await.expect("changed");
}

fn adding(stage: &Stage, organization: &(impl ToString + ?Sized)) -> pb::AddGuestRequest {
    let seconds = stage.now().plus(Duration::from_hours(12)).as_seconds();
    pb::AddGuestRequest {
        guest_id: stage.random_id(),
        organization_id: organization.to_string(),
        expire_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        actor_id: String::new(),
    }
}

async fn add(stage: &Stage, organization: OrganizationId) -> Result<SubjectId, Status> {
    let request = adding(stage, &organization);
    let guest = SubjectId::parse(&request.guest_id).expect("an id");
    let answer = stage.memberships().add_guest(request).await?.into_inner();
    assert_eq!(answer.organization_id, organization.to_string());
    Ok(guest)
}

async fn check(stage: &Stage, guest: SubjectId, permission: &str, organization: OrganizationId) -> pb::AccessReason {
    let resource = pb::resource::Resource::OrganizationId(organization.to_string());
    let request = pb::CheckAccessRequest {
        subject_id: guest.to_string(),
        permission: permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: None,
    };
    let answer = stage.access_as(Who::User(stage.admin)).check_access(request).await.expect("answers").into_inner();
    answer.reason()
}

async fn my_access(stage: &Stage, guest: SubjectId) -> Result<pb::GetMyAccessResponse, Status> {
    Ok(stage.access_as(Who::Guest(guest)).get_my_access(pb::GetMyAccessRequest {}).await?.into_inner())
}

const READ: &str = "organization.organizations.get";

on_each_database! {
    async fn guests_come_only_where_they_are_allowed(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let closed = add(&stage, acme).await.expect_err("off by default");
        let unknown = add(&stage, OrganizationId::new(stage.now(), &stage.entropy)).await.expect_err("unknown");
        assert_eq!(crate::stage::reason(&closed), "GUESTS_NOT_ALLOWED");
        assert_eq!(bytes(&closed), bytes(&unknown), "strangers do not learn which");
        assert_eq!(refused(stage.memberships().add_guest(adding(&stage, "")).await), "GUESTS_NOT_ALLOWED");
        allow(&stage, owner, true, false).await;
        add(&stage, acme).await.expect("allowed");
        allow(&stage, stage.admin, true, false).await;
        let home = stage.memberships().add_guest(adding(&stage, "")).await.expect("the home organization").into_inner();
        assert_eq!(home.organization_id, stage.home.to_string());
        let wrong = pb::AddGuestRequest { guest_id: "x".to_owned(), ..Default::default() };
        assert_eq!(refused(stage.memberships().add_guest(wrong).await), "REQUEST_INVALID");
    }

    async fn a_guest_holds_what_the_role_holds_without_an_account(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        allow(&stage, owner, true, false).await;
        let guest = add(&stage, acme).await.expect("added");
        let access = stage.subject_access(guest).await.expect("known");
        assert_eq!((access.kind(), access.organization_id.clone()), (pb::SubjectKind::Guest, acme.to_string()));
        assert_eq!((access.roles, access.active, access.blocked), (vec!["GUEST".to_owned()], true, false));
        let grants: Vec<&str> = access.grants.iter().map(|grant| grant.permission.as_str()).collect();
        assert_eq!(grants, [READ]);
        let mine = my_access(&stage, guest).await.expect("answered");
        assert_eq!((mine.kind(), mine.impersonator_id.as_str(), mine.subject_id), (pb::SubjectKind::Guest, "", guest.to_string()));
        let mut organizations = stage.organizations_as(Who::Guest(guest));
        let seen = organizations.get_organization(pb::GetOrganizationRequest::default()).await.expect("its own");
        assert_eq!(seen.into_inner().organization.expect("an organization").name, "Acme");
        let other = pb::GetOrganizationRequest { organization_id: stage.home.to_string() };
        assert_eq!(refused(organizations.get_organization(other).await), "ORGANIZATION_NOT_FOUND");
        let member = pb::GetMemberRequest { user_id: owner.to_string() };
        assert_eq!(refused(stage.members_as(Who::Guest(guest)).get_member(member).await), "PERMISSION_MISSING");
        assert_eq!(check(&stage, guest, READ, acme).await, pb::AccessReason::RoleHoldsPermission);
        assert_eq!(check(&stage, guest, READ, stage.home).await, pb::AccessReason::NotAMember);
        assert_eq!(check(&stage, guest, "identity.users.get", acme).await, pb::AccessReason::PermissionMissing);
        stage.drain().await;
        let request = pb::ListAuditEventsRequest { target_id: guest.to_string(), ..Default::default() };
        let events = stage.audit(owner).list_audit_events(request).await.expect("listed").into_inner().audit_events;
        assert_eq!(events.iter().map(|event| event.topic.as_str()).collect::<Vec<_>>(), ["organization.guest_added"]);
    }

    async fn guests_end_at_once_when_they_are_allowed_no_more(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        allow(&stage, owner, true, false).await;
        let guests = [add(&stage, acme).await.expect("added"), add(&stage, acme).await.expect("added")];
        for guest in guests {
            my_access(&stage, guest).await.expect("let in, and remembered");
        }
        allow(&stage, owner, false, false).await;
        for guest in guests {
            assert_eq!(refused(my_access(&stage, guest).await), "SUBJECT_INACTIVE");
            assert_eq!(refused(stage.subject_access(guest).await), "SUBJECT_NOT_FOUND");
        }
        allow(&stage, owner, true, false).await;
        assert_eq!(refused(my_access(&stage, guests[0]).await), "SUBJECT_INACTIVE", "none comes back");
    }

    async fn a_guest_is_ended_before_its_time_and_ends_by_itself(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        allow(&stage, owner, true, false).await;
        let guest = add(&stage, acme).await.expect("added");
        my_access(&stage, guest).await.expect("let in, and remembered");
        for _ in 0..2 {
            let request = pb::RemoveGuestRequest { guest_id: guest.to_string() };
            stage.memberships().remove_guest(request).await.expect("what is not there stays so");
        }
        assert_eq!(refused(my_access(&stage, guest).await), "SUBJECT_INACTIVE");
        let request = adding(&stage, &acme);
        for _ in 0..2 {
            stage.memberships().add_guest(request.clone()).await.expect("repeatable");
        }
        let elsewhere = pb::AddGuestRequest { organization_id: stage.home.to_string(), ..request.clone() };
        assert_eq!(refused(stage.memberships().add_guest(elsewhere).await), "GUESTS_NOT_ALLOWED");
        stage.clock.advance(Duration::from_hours(12));
        let ended = stage.subject_access(&request.guest_id).await.expect("not swept yet");
        assert!(!ended.active, "it cannot act");
        let guest = SubjectId::parse(&request.guest_id).expect("an id");
        assert_eq!(check(&stage, guest, READ, acme).await, pb::AccessReason::SubjectUnknown, "as after the sweep");
    }

    async fn owners_hold_the_right_to_act_as_others_only_where_it_is_allowed(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let held = |access: pb::GetMyAccessResponse| {
            access.grants.into_iter().find(|grant| grant.permission == IMPERSONATE).map(|grant| grant.scope())
        };
        let ask = |user: UserId| {
            let mut access = stage.access_as(Who::User(user));
            async move { held(access.get_my_access(pb::GetMyAccessRequest {}).await.expect("answered").into_inner()) }
        };
        assert_eq!(ask(stage.admin).await, Some(pb::PermissionScope::All));
        assert_eq!(ask(owner).await, None);
        allow(&stage, owner, false, true).await;
        assert_eq!(ask(owner).await, Some(pb::PermissionScope::OwnOrganization));
        assert_eq!(ask(steward).await, None);
        allow(&stage, owner, false, false).await;
        assert_eq!(ask(owner).await, None);
    }
}
