//! Organizations whose members cannot act, and organizations with another name.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join;
use prost_types::FieldMask;
use rolecall_api::notification::v1::IngestedEvent;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Status};

use crate::stage::{Stage, Who, bytes, create, reason, refused};

async fn suspend(stage: &Stage, actor: UserId, id: impl ToString) -> Result<pb::SuspendOrganizationResponse, Status> {
    let (organization_id, reason) = (id.to_string(), "unpaid".to_owned());
    let request = pb::SuspendOrganizationRequest { organization_id, reason, ..Default::default() };
    Ok(stage.organizations(actor).suspend_organization(request).await?.into_inner())
}

async fn resume(stage: &Stage, actor: UserId, id: impl ToString) -> Result<pb::Organization, Status> {
    let request = pb::ResumeOrganizationRequest { organization_id: id.to_string(), ..Default::default() };
    let answer = stage.organizations(actor).resume_organization(request).await?.into_inner();
    Ok(answer.organization.expect("it"))
}

async fn get(stage: &Stage, id: impl ToString) -> pb::Organization {
    let request = pb::GetOrganizationRequest { organization_id: id.to_string() };
    let answer = stage.organizations(stage.admin).get_organization(request).await.expect("reads");
    answer.into_inner().organization.expect("it")
}

async fn rename(stage: &Stage, id: impl ToString, name: &str, etag: &str) -> Result<pb::Organization, Status> {
    let organization = pb::Organization {
        organization_id: id.to_string(),
        name: name.to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let request = pb::UpdateOrganizationRequest { organization: Some(organization), ..Default::default() };
    let answer = stage.organizations(stage.admin).update_organization(request).await?.into_inner();
    Ok(answer.organization.expect("it"))
}

/// Makes a guest of an organization.
async fn look_around(stage: &Stage, id: OrganizationId) -> Result<SubjectId, Status> {
    let guest = SubjectId::from(stage.new_user());
    let end = stage.now().plus(Duration::from_hours(1));
    let request = pb::AddGuestRequest {
        guest_id: guest.to_string(),
        organization_id: id.to_string(),
        expire_time: Some(prost_types::Timestamp { seconds: end.as_seconds(), nanos: 0 }),
        ..Default::default()
    };
    stage.memberships().add_guest(request).await.map(|_| guest)
}

async fn allow_guests(stage: &Stage, id: OrganizationId) {
    let settings = pb::OrganizationSettings {
        organization_id: id.to_string(),
        guest_sessions: true,
        registration_mode: pb::RegistrationMode::SelfService.into(),
        ..Default::default()
    };
    let request = pb::UpdateOrganizationSettingsRequest { settings: Some(settings), ..Default::default() };
    stage.organizations(stage.admin).update_organization_settings(request).await.expect("changes");
}

async fn own_organization(stage: &Stage, who: Who) -> Result<(), Status> {
    stage.organizations_as(who).get_organization(pb::GetOrganizationRequest::default()).await.map(drop)
}

on_each_database! {
    /// ASVS: V7.4.2
    async fn attack_t11_nobody_acts_for_a_suspended_organization_until_it_is_resumed(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        allow_guests(&stage, acme).await;
        let guest = look_around(&stage, acme).await.expect("adds");
        let program = stage.add_service_account(owner, "", &["organization.organizations.get"]).await.expect("adds");
        let all = [Who::User(owner), Who::Guest(guest), Who::ServiceAccount(program)];
        for who in all {
            own_organization(&stage, who).await.expect("may");
        }
        let suspended = suspend(&stage, stage.admin, acme).await.expect("suspends");
        let shown = suspended.organization.expect("it");
        let suspension = shown.suspension.clone().expect("a suspension");
        assert_eq!((suspension.reason.as_str(), suspension.actor_id), ("unpaid", stage.admin.to_string()));
        assert_eq!((shown.state(), &shown), (pb::OrganizationState::Suspended, &get(&stage, acme).await));
        for who in all {
            assert_eq!(refused(own_organization(&stage, who).await), "SUBJECT_INACTIVE", "{who:?}");
        }
        for id in [owner.to_string(), guest.to_string(), program.to_string()] {
            assert!(!stage.subject_access(id).await.expect("known").active);
        }
        let resumed = resume(&stage, stage.admin, acme).await.expect("resumes");
        assert_eq!((resumed.state(), resumed.suspension), (pb::OrganizationState::Active, None));
        for who in all {
            own_organization(&stage, who).await.expect("may again");
        }
    }

    async fn nobody_joins_a_suspended_organization(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let invited = stage.add_pending(owner, acme, &["GUEST"]).await;
        allow_guests(&stage, acme).await;
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        let add = crate::stage::add(stage.new_user(), stage.admin, acme, &["GUEST"]);
        assert_eq!(refused(stage.memberships().add_member(add).await), "ORGANIZATION_SUSPENDED");
        let place = acme.to_string();
        let program = stage.add_service_account(stage.admin, &place, &["organization.access.check"]).await;
        assert_eq!(refused(program), "ORGANIZATION_SUSPENDED");
        assert_eq!(refused(stage.activate(invited, stage.admin).await), "ORGANIZATION_SUSPENDED");
        assert_eq!(refused(look_around(&stage, acme).await), "GUESTS_NOT_ALLOWED");
        let register = pb::RegisterMemberRequest {
            user_id: stage.random_id(),
            organization_id: acme.to_string(),
            email: "vera@example.org".to_owned(),
            ..Default::default()
        };
        assert_eq!(refused(stage.memberships().register_member(register).await), "REGISTRATION_CLOSED");
        let directory = pb::ListDiscoverableOrganizationsRequest::default();
        let listed = stage.organizations(stage.admin).list_discoverable_organizations(directory).await.expect("lists");
        assert!(listed.into_inner().organizations.is_empty());
        let request = pb::BatchGetOrganizationsRequest { organization_ids: vec![acme.to_string()] };
        let told = stage.memberships().batch_get_organizations(request).await.expect("told").into_inner();
        assert_eq!(told.settings.len(), 1, "identity learns its login policy all the same");
        resume(&stage, stage.admin, acme).await.expect("resumes");
        stage.activate(invited, owner).await.expect("joins at last");
    }

    async fn what_cannot_be_suspended_or_resumed_says_why(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        assert_eq!(refused(suspend(&stage, stage.admin, stage.home).await), "HOME_ORGANIZATION");
        assert_eq!(refused(suspend(&stage, owner, acme).await), "PERMISSION_MISSING");
        assert_eq!(refused(resume(&stage, stage.admin, acme).await), "ORGANIZATION_NOT_SUSPENDED");
        let wordless =
            pb::SuspendOrganizationRequest { organization_id: acme.to_string(), ..Default::default() };
        let answer = stage.organizations(stage.admin).suspend_organization(wordless).await;
        assert_eq!(refused(answer), "REQUEST_INVALID");
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        assert_eq!(refused(suspend(&stage, stage.admin, acme).await), "ORGANIZATION_SUSPENDED");
        let unknown = suspend(&stage, stage.admin, stage.random_id()).await.expect_err("unknown");
        assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
        let other = resume(&stage, stage.admin, stage.random_id()).await.expect_err("unknown");
        assert_eq!(bytes(&unknown), bytes(&other));
    }

    async fn a_suspension_is_asked_for_once_and_told_to_the_owners(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        stage.block(owner, second).await.expect("blocks");
        stage.drain().await;
        let request = pb::SuspendOrganizationRequest {
            request_id: stage.random_id(),
            organization_id: acme.to_string(),
            reason: "unpaid".to_owned(),
        };
        let mut client = stage.organizations(stage.admin);
        let first = client.suspend_organization(request.clone()).await.expect("suspends").into_inner();
        assert_eq!(client.suspend_organization(request.clone()).await.expect("repeats").into_inner(), first);
        let other = pb::SuspendOrganizationRequest { reason: "worse".to_owned(), ..request };
        assert_eq!(refused(client.suspend_organization(other).await), "REQUEST_ID_REUSED");
        resume(&stage, stage.admin, acme).await.expect("resumes");
        stage.drain().await;
        let told = |topic: &str| -> Vec<IngestedEvent> {
            stage.identity.mails().into_iter().filter(|mail| mail.topic == topic).collect()
        };
        let mails = told("organization.organization_suspended");
        assert_eq!((mails.len(), told("organization.organization_resumed").len()), (1, 1));
        let event = <pb::DomainEvent as prost::Message>::decode(mails[0].payload.as_slice()).expect("an event");
        let Some(pb::domain_event::Event::OrganizationSuspended(told)) = event.event else { panic!("another event") };
        let mut owners = [owner.to_string(), second.to_string()];
        owners.sort();
        assert_eq!((told.reason.as_str(), told.owner_ids.as_slice()), ("unpaid", &owners[..]));
    }

    async fn other_processes_are_told_of_the_whole_organization(database) {
        let stage = Stage::open(&database).await;
        let (acme, _) = stage.found("Acme").await;
        let mut client = stage.members_as(Who::Service);
        let stream = client.watch_access_changes(pb::WatchAccessChangesRequest::default()).await;
        let mut stream = stream.expect("begins").into_inner();
        stream.message().await.expect("goes on").expect("a first message");
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        let told = loop {
            let message = stream.message().await.expect("goes on").expect("a message");
            if !message.organization_ids.is_empty() {
                break message;
            }
            assert!(message.subject_ids.is_empty());
        };
        assert_eq!((told.organization_ids, told.subject_ids), (vec![acme.to_string()], Vec::new()));
    }

    async fn checks_tell_that_the_organization_is_suspended(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        let request = pb::CheckAccessRequest {
            subject_id: owner.to_string(),
            permission: "organization.members.list".to_owned(),
            resource: Some(pb::Resource {
                resource: Some(pb::resource::Resource::OrganizationId(acme.to_string())),
            }),
            consistency: None,
        };
        let answer = stage.access_as(Who::User(stage.admin)).check_access(request).await.expect("answers").into_inner();
        assert_eq!((answer.allowed, answer.reason()), (false, pb::AccessReason::OrganizationSuspended));
    }

    async fn a_suspension_and_an_addition_at_once_leave_nobody_inside_unseen(database) {
        let stage = Stage::open(&database).await;
        for round in 0..10 {
            let (acme, owner) = stage.found(&format!("Acme {round}")).await;
            let adding = stage.memberships();
            let request = crate::stage::add(stage.new_user(), owner, acme, &["GUEST"]);
            let added = async move { adding.clone().add_member(request).await.map(drop) };
            let (added, suspended) = join(added, suspend(&stage, stage.admin, acme)).await;
            suspended.expect("suspends");
            let late = added.err().map(|status| reason(&status));
            let expected = ["ORGANIZATION_SUSPENDED", "ACTOR_NOT_ENTITLED"];
            assert!(late.as_deref().is_none_or(|reason| expected.contains(&reason)), "round {round}: {late:?}");
        }
    }

    async fn an_organization_gets_another_name_that_is_free(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.found("Other").await;
        let before = get(&stage, acme).await;
        let renamed = rename(&stage, acme, "Acme Labs", &before.etag).await.expect("renames");
        assert_eq!((renamed.name.as_str(), &renamed), ("Acme Labs", &get(&stage, acme).await));
        assert_ne!(renamed.etag, before.etag);
        assert_eq!(rename(&stage, acme, "Acme Labs", "").await.expect("nothing changes"), renamed);
        assert_eq!(rename(&stage, acme, "ACME labs", "").await.expect("the case").name, "ACME labs");
        assert_eq!(refused(rename(&stage, acme, "OTHER", "").await), "ORGANIZATION_NAME_TAKEN");
        assert_eq!(refused(rename(&stage, acme, "Late", &before.etag).await), "ETAG_MISMATCH");
        assert_eq!(refused(rename(&stage, acme, "", "").await), "REQUEST_INVALID");
        assert_eq!(refused(rename(&stage, stage.random_id(), "Any", "").await), "ORGANIZATION_NOT_FOUND");
        let wrong = pb::UpdateOrganizationRequest {
            organization: Some(pb::Organization { organization_id: acme.to_string(), name: "Any".to_owned(), ..Default::default() }),
            update_mask: Some(FieldMask { paths: vec!["state".to_owned()] }),
            ..Default::default()
        };
        let mut client = stage.organizations(stage.admin);
        assert_eq!(refused(client.update_organization(wrong.clone()).await), "REQUEST_INVALID");
        let none = pb::UpdateOrganizationRequest { organization: None, ..wrong.clone() };
        assert_eq!(refused(client.update_organization(none).await), "REQUEST_INVALID");
        let by_owner = pb::UpdateOrganizationRequest { update_mask: None, ..wrong };
        assert_eq!(refused(stage.organizations(owner).update_organization(by_owner).await), "PERMISSION_MISSING");
        client.create_organization(create("Acme", "new@example.org")).await.expect("the old name is free");
    }

    async fn a_deleted_organization_is_gone_with_all_who_belong_to_it_and_its_name_is_free(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (other, stranger) = stage.found("Other").await;
        allow_guests(&stage, acme).await;
        let guest = look_around(&stage, acme).await.expect("adds");
        let program = stage.add_service_account(owner, "", &["organization.organizations.get"]).await.expect("adds");
        assert_eq!(refused(delete(&stage, acme, "").await), "ORGANIZATION_NOT_SUSPENDED");
        let late = get(&stage, acme).await.etag;
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        assert_eq!(refused(delete(&stage, acme, &late).await), "ETAG_MISMATCH");
        let etag = get(&stage, acme).await.etag;
        delete(&stage, acme, &etag).await.expect("deletes");
        assert_eq!(refused(delete(&stage, acme, "").await), "ORGANIZATION_NOT_FOUND");
        assert_eq!(refused(suspend(&stage, stage.admin, acme).await), "ORGANIZATION_NOT_FOUND");
        assert_eq!(refused(stage.get(stage.admin, owner).await), "MEMBER_NOT_FOUND");
        for id in [owner.to_string(), guest.to_string(), program.to_string()] {
            assert_eq!(refused(stage.subject_access(id).await), "SUBJECT_NOT_FOUND");
        }
        for who in [Who::User(owner), Who::Guest(guest), Who::ServiceAccount(program)] {
            assert_eq!(refused(own_organization(&stage, who).await), "SUBJECT_INACTIVE");
        }
        own_organization(&stage, Who::User(stranger)).await.expect("others stay");
        let request = pb::ListOrganizationsRequest::default();
        let listed = stage.organizations(stage.admin).list_organizations(request).await.expect("lists").into_inner();
        let ids: BTreeSet<_> = listed.organizations.into_iter().map(|found| found.organization_id).collect();
        assert_eq!(ids, BTreeSet::from([stage.home.to_string(), other.to_string()]));
        let request = pb::BatchGetOrganizationsRequest { organization_ids: vec![acme.to_string()] };
        let told = stage.memberships().batch_get_organizations(request).await.expect("told").into_inner();
        assert!(told.organizations.is_empty() && told.settings.is_empty());
        stage.drain().await;
        assert!(stage.identity.topics().contains(&"organization.organization_deleted".to_owned()));
        stage.found("ACME").await;
        stage.clock.advance(Duration::from_hours(31 * 24));
        stage.organization.forget_removed().await.expect("purges");
        let reader = stage.database.reader();
        let text = "SELECT count(*) FROM organizations";
        let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), text)).await;
        let left: i64 = row.expect("reads").expect("a row").try_get_by_index(0).expect("a number");
        assert_eq!(left, 3);
    }

    async fn an_organization_stays_while_an_administrator_or_an_account_in_the_making_is_inside(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let hidden = stage.add_hidden(owner, acme, &["GUEST"]).await;
        assert_eq!(refused(delete(&stage, stage.home, "").await), "HOME_ORGANIZATION");
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        assert_eq!(refused(delete(&stage, acme, "").await), "PEER_UNAVAILABLE");
        let request = pb::RemoveMemberRequest { user_id: hidden.to_string() };
        stage.memberships().remove_member(request).await.expect("removes");
        make_admin(&stage, owner).await;
        assert_eq!(refused(delete(&stage, acme, "").await), "ORGANIZATION_HAS_ADMIN");
        let (empty, _) = stage.found("Empty").await;
        suspend(&stage, stage.admin, empty).await.expect("suspends");
        let request = pb::DeleteOrganizationRequest {
            request_id: stage.random_id(),
            organization_id: empty.to_string(),
            ..Default::default()
        };
        let mut client = stage.organizations(stage.admin);
        client.delete_organization(request.clone()).await.expect("deletes");
        client.delete_organization(request).await.expect("is asked for once");
    }

    async fn a_suspended_administrator_does_not_count_as_one_in_charge(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        make_admin(&stage, owner).await;
        let helper = stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        suspend(&stage, stage.admin, acme).await.expect("suspends");
        assert_eq!(refused(stage.block(helper, stage.admin).await), "LAST_ADMIN");
        resume(&stage, stage.admin, acme).await.expect("resumes");
        stage.block(helper, stage.admin).await.expect("another is in charge");
        assert_eq!(refused(suspend(&stage, owner, acme).await), "SELF_REFUSED");
    }
}

async fn delete(stage: &Stage, id: impl ToString, etag: &str) -> Result<(), Status> {
    let request =
        pb::DeleteOrganizationRequest { organization_id: id.to_string(), etag: etag.to_owned(), ..Default::default() };
    stage.organizations(stage.admin).delete_organization(request).await.map(drop)
}

/// Makes a member an administrator, past all rules.
async fn make_admin(stage: &Stage, user: UserId) {
    let user = user.as_uuid();
    let written = stage.database.write(|tx| async move {
        let text = "UPDATE members SET is_admin = true, roles = 'ADMIN,OWNER' WHERE user_id = $1";
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, [user.into()])).await?;
        Ok::<_, rolecall_db::Error>(())
    });
    written.await.expect("writes");
}
