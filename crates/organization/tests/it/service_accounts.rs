//! Service accounts: bounded by whoever makes them.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_testkit::on_each_database;

use crate::stage::{Stage, Who, block, refused, unblock};

on_each_database! {
    /// ASVS: V10.4.11
    async fn attack_t19_nobody_gives_what_it_does_not_hold(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let (acme, home) = (acme.to_string(), stage.home.to_string());
        let list = "organization.members.list";
        for (actor, place, permission, reason) in [
            (owner, "", "organization.organizations.create", "PERMISSION_NOT_GRANTABLE"),
            (owner, "", "organization.datasets.update_registered", "PERMISSION_NOT_GRANTABLE"),
            (stage.admin, "-", "organization.datasets.get", "PERMISSION_NOT_GRANTABLE"),
            (owner, "-", list, "ACTOR_NOT_ENTITLED"),
            (owner, &home, list, "ORGANIZATION_NOT_FOUND"),
            (guest, "", list, "ACTOR_NOT_ENTITLED"),
            (guest, &acme, list, "ACTOR_NOT_ENTITLED"),
            (owner, "", "organization.members.eat", "REQUEST_INVALID"),
        ] {
            let answer = stage.add_service_account(actor, place, &[permission]).await;
            assert_eq!(refused(answer), reason, "{place} {permission}");
        }
    }

    async fn a_service_account_acts_where_it_was_given_rights_until_it_is_removed(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let program = stage.add_service_account(owner, "", &["organization.members.list"]).await.expect("adds");
        let access = stage.subject_access(program).await.expect("known");
        assert_eq!((access.kind(), access.organization_id), (pb::SubjectKind::ServiceAccount, acme.to_string()));
        let mut client = stage.members_as(Who::ServiceAccount(program));
        let own = client.list_members(pb::ListMembersRequest::default()).await.expect("lists").into_inner();
        assert_eq!(own.members.len(), 1);
        let foreign = pb::ListMembersRequest { organization_id: stage.home.to_string(), ..Default::default() };
        assert_eq!(refused(client.list_members(foreign).await), "ORGANIZATION_NOT_FOUND");
        for _ in 0..2 {
            let request = pb::RemoveServiceAccountRequest { service_account_id: program.to_string() };
            stage.memberships().remove_service_account(request).await.expect("what is not there stays so");
        }
        assert_eq!(refused(client.list_members(pb::ListMembersRequest::default()).await), "SUBJECT_INACTIVE");
    }

    async fn adding_is_repeated_with_the_same_content_only(database) {
        let stage = Stage::open(&database).await;
        let request = pb::AddServiceAccountRequest {
            service_account_id: stage.random_id(),
            organization_id: "-".to_owned(),
            permissions: vec!["organization.access.check".to_owned()],
            actor_id: stage.admin.to_string(),
            validate_only: false,
        };
        let mut client = stage.memberships();
        for _ in 0..2 {
            let answer = client.add_service_account(request.clone()).await.expect("adds").into_inner();
            assert_eq!(answer.organization_id, "");
        }
        let other = pb::AddServiceAccountRequest { organization_id: String::new(), ..request };
        assert_eq!(refused(client.add_service_account(other).await), "REQUEST_INVALID");
    }

    async fn an_account_that_was_removed_before_it_was_added_gets_no_rights(database) {
        let stage = Stage::open(&database).await;
        let service_account_id = stage.random_id();
        let removal = pb::RemoveServiceAccountRequest { service_account_id: service_account_id.clone() };
        stage.memberships().remove_service_account(removal).await.expect("what is not there stays so");
        let request = pb::AddServiceAccountRequest {
            service_account_id: service_account_id.clone(),
            organization_id: "-".to_owned(),
            permissions: vec!["organization.access.check".to_owned()],
            actor_id: stage.admin.to_string(),
            validate_only: false,
        };
        let late = stage.memberships().add_service_account(request.clone()).await;
        assert_eq!(refused(late), "SUBJECT_REMOVED");
        assert_eq!(refused(stage.subject_access(&service_account_id).await), "SUBJECT_NOT_FOUND");
        stage.clock.advance(Duration::from_hours(25));
        stage.organization.forget_removed().await.expect("sweeps");
        stage.memberships().add_service_account(request).await.expect("forgotten");
    }

    async fn other_permissions_count_from_the_next_call_on_and_are_bounded_by_the_actor(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (_, stranger) = stage.found("Other").await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let program = stage.add_service_account(owner, "", &["organization.members.list"]).await.expect("adds");
        let update = |actor: String, permissions: &[&str]| {
            let request = pb::UpdateServiceAccountRequest {
                service_account_id: program.to_string(),
                permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
                actor_id: actor,
            };
            let mut client = stage.memberships();
            async move { client.update_service_account(request).await.map(drop) }
        };
        for (actor, permission, reason) in [
            (owner, "organization.organizations.create", "PERMISSION_NOT_GRANTABLE"),
            (stage.admin, "organization.datasets.get", "PERMISSION_NOT_GRANTABLE"),
            (guest, "organization.members.list", "ACTOR_NOT_ENTITLED"),
            (stranger, "organization.members.list", "SUBJECT_NOT_FOUND"),
            (owner, "organization.members.eat", "REQUEST_INVALID"),
        ] {
            assert_eq!(refused(update(actor.to_string(), &[permission]).await), reason, "{permission}");
        }
        assert_eq!(refused(update(owner.to_string(), &[]).await), "REQUEST_INVALID");
        let mut client = stage.members_as(Who::ServiceAccount(program));
        client.list_members(pb::ListMembersRequest::default()).await.expect("as before");
        let revision = stage.subject_access(program).await.expect("known").revision;
        for _ in 0..2 {
            update(owner.to_string(), &["organization.access.check"]).await.expect("changes");
        }
        let access = stage.subject_access(program).await.expect("known");
        assert_eq!(access.grants.len(), 1);
        assert_eq!(access.grants[0].permission, "organization.access.check");
        assert!(access.revision > revision, "{} after {revision}", access.revision);
        assert_eq!(refused(client.list_members(pb::ListMembersRequest::default()).await), "PERMISSION_MISSING");
        // Put back, nobody's rights are asked for, and what is gone from the catalogue is left out.
        update(String::new(), &["organization.members.list", "organization.members.eat"]).await.expect("puts back");
        client.list_members(pb::ListMembersRequest::default()).await.expect("as before");
    }

    async fn a_program_that_assigns_roles_makes_no_owners(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let program = stage.add_service_account(owner, "", &["organization.members.assign_roles"]).await.expect("adds");
        let mut client = stage.members_as(Who::ServiceAccount(program));
        client.update_member_roles(crate::stage::roles(guest, &["DATA_STEWARD"])).await.expect("may");
        let up = client.update_member_roles(crate::stage::roles(guest, &["OWNER"])).await;
        assert_eq!(refused(up), "ROLE_NOT_GRANTABLE");
        let down = client.update_member_roles(crate::stage::roles(second, &["GUEST"])).await;
        assert_eq!(refused(down), "ROLE_NOT_GRANTABLE");
        let beside = client.update_member_roles(crate::stage::roles(second, &["OWNER", "DATA_STEWARD"])).await;
        assert_eq!(refused(beside), "ROLE_NOT_GRANTABLE");
    }

    /// ASVS: V8.2.1
    async fn attack_t19_a_program_that_blocks_keeps_out_no_owner_and_no_administrator(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let admin = stage.add_active(owner, acme, &["GUEST"]).await;
        let grant = pb::GrantAdminRequest { user_id: admin.to_string(), ..Default::default() };
        stage.members(stage.admin).grant_admin(grant).await.expect("grants");
        stage.block(owner, second).await.expect("an owner blocks an owner");
        for (maker, place) in [(owner, ""), (stage.admin, "-")] {
            let program = stage.add_service_account(maker, place, &["organization.members.block"]).await.expect("adds");
            let mut client = stage.members_as(Who::ServiceAccount(program));
            for above in [owner, admin] {
                assert_eq!(refused(client.block_member(block(above)).await), "ROLE_NOT_GRANTABLE", "{place}");
            }
            assert_eq!(refused(client.unblock_member(unblock(second)).await), "ROLE_NOT_GRANTABLE", "{place}");
            client.block_member(block(guest)).await.expect("whom it is there for");
            client.unblock_member(unblock(guest)).await.expect("whom it is there for");
        }
    }
}
