//! What belongs to another organization is answered byte for byte like what does not exist.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::stage::{Stage, bytes};

/// Calls every method with this id in the place of each id that it takes.
async fn swap(stage: &Stage, caller: UserId, user: &str, organization: &str) -> Vec<(&'static str, Status)> {
    let user_id = || user.to_owned();
    let organization_id = || organization.to_owned();
    let (mut members, mut organizations) = (stage.members(caller), stage.organizations(caller));
    let get = pb::GetMemberRequest { user_id: user_id() };
    let list = pb::ListMembersRequest { organization_id: organization_id(), ..Default::default() };
    let roles =
        pb::UpdateMemberRolesRequest { user_id: user_id(), roles: vec!["GUEST".to_owned()], ..Default::default() };
    let block = pb::BlockMemberRequest { user_id: user_id(), reason: "a test".to_owned(), ..Default::default() };
    let unblock = pb::UnblockMemberRequest { user_id: user_id(), ..Default::default() };
    let read = pb::GetOrganizationRequest { organization_id: organization_id() };
    let log = pb::ListAuditEventsRequest { organization_id: organization_id(), ..Default::default() };
    let (mut audit, mut verifying) = (stage.audit(caller), stage.audit(caller));
    let export = pb::ExportAuditEventsRequest { organization_id: organization_id(), ..Default::default() };
    let verify = pb::VerifyAuditLogRequest { organization_id: organization_id(), ..Default::default() };
    vec![
        ("GetMember", members.get_member(get).await.expect_err("hidden")),
        ("ListMembers", members.list_members(list).await.expect_err("hidden")),
        ("UpdateMemberRoles", members.update_member_roles(roles).await.expect_err("hidden")),
        ("BlockMember", members.block_member(block).await.expect_err("hidden")),
        ("UnblockMember", members.unblock_member(unblock).await.expect_err("hidden")),
        ("GetOrganization", organizations.get_organization(read).await.expect_err("hidden")),
        ("ExportAuditEvents", audit.export_audit_events(export).await.map(drop).expect_err("hidden")),
        ("VerifyAuditLog", verifying.verify_audit_log(verify).await.expect_err("hidden")),
        ("ListAuditEvents", stage.audit(caller).list_audit_events(log).await.expect_err("hidden")),
    ]
}

on_each_database! {
    /// ASVS: T21
    async fn asvs_v8_2_2_foreign_and_random_ids_are_answered_the_same(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (other, stranger) = stage.found("Other").await;
        let foreign = swap(&stage, owner, &stranger.to_string(), &other.to_string()).await;
        let random = swap(&stage, owner, &stage.random_id(), &stage.random_id()).await;
        for ((method, foreign), (_, random)) in foreign.iter().zip(&random) {
            assert_eq!(foreign.code(), Code::NotFound, "{method}");
            assert_eq!(bytes(foreign), bytes(random), "{method}");
        }
        // An administrator sees everything, and is told the same of what does not exist.
        let random = swap(&stage, stage.admin, &stage.random_id(), &stage.random_id()).await;
        for ((method, foreign), (_, random)) in foreign.iter().zip(&random) {
            assert_eq!(bytes(foreign), bytes(random), "{method}");
        }
    }

    /// ASVS: T21
    async fn asvs_v8_4_1_the_internal_methods_hide_foreign_organizations_from_actors(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (other, _) = stage.found("Other").await;
        let call = |organization_id: String| {
            let request = pb::CheckAddMemberRequest {
                organization_id,
                roles: vec!["GUEST".to_owned()],
                actor_id: owner.to_string(),
            };
            let mut client = stage.memberships();
            async move { client.check_add_member(request).await.expect_err("hidden") }
        };
        assert_eq!(bytes(&call(other.to_string()).await), bytes(&call(stage.random_id()).await));
    }

    /// ASVS: T21
    async fn asvs_v8_4_1_an_owner_lists_its_own_members_whatever_it_asks_for(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.found("Other").await;
        for place in ["", "-", &acme.to_string()] {
            let request = pb::ListMembersRequest { organization_id: place.to_owned(), ..Default::default() };
            let members = stage.members(owner).list_members(request).await.expect("lists").into_inner().members;
            assert!(members.len() == 1 && members[0].user_id == owner.to_string(), "{place}");
        }
    }
}
