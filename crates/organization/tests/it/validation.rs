//! Bad input: all violations at once, and nothing stored.

use rolecall_api::organization::v1 as pb;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::stage::{Stage, Who, create, refused};

fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument);
    let bad = status.get_details_bad_request().expect("violations");
    bad.field_violations.into_iter().map(|violation| violation.field).collect()
}

on_each_database! {
    async fn all_violations_are_told_at_once(database) {
        let stage = Stage::open(&database).await;
        let request = pb::CreateOrganizationRequest {
            request_id: "one".to_owned(),
            name: "a".repeat(101),
            first_owner: Some(pb::FirstOwner { email: "ada".to_owned(), name: "\u{202e}".to_owned(), ..Default::default() }),
            mfa_policy: 7,
            ..Default::default()
        };
        let status = stage.organizations(stage.admin).create_organization(request).await.expect_err("wrong");
        let wanted = ["request_id", "name", "first_owner.email", "first_owner.name", "first_owner.given_name", "first_owner.family_name", "mfa_policy"];
        assert_eq!(fields(&status), wanted);
        let request = pb::BlockMemberRequest {
            until_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            ..Default::default()
        };
        let status = stage.members(stage.admin).block_member(request).await.expect_err("wrong");
        assert_eq!(fields(&status), ["user_id", "reason", "until_time"]);
        let request = pb::UpdateMemberRolesRequest { user_id: "X".to_owned(), roles: vec!["king".to_owned(); 2], ..Default::default() };
        let status = stage.members(stage.admin).update_member_roles(request).await.expect_err("wrong");
        assert_eq!(fields(&status), ["user_id", "roles[0]", "roles[1]"]);
        let status = stage.access_as(Who::User(stage.admin)).check_access(pb::CheckAccessRequest::default()).await;
        assert_eq!(fields(&status.expect_err("wrong")), ["subject_id", "permission", "resource"]);
        let request = pb::AddServiceAccountRequest { organization_id: "x".to_owned(), ..Default::default() };
        let status = stage.memberships().add_service_account(request).await.expect_err("wrong");
        assert_eq!(fields(&status), ["service_account_id", "actor_id", "organization_id", "permissions"]);
        let status = stage.memberships().add_member(pb::AddMemberRequest::default()).await.expect_err("wrong");
        assert_eq!(fields(&status), ["user_id", "roles", "actor_id"]);
        let list = stage.organizations(stage.admin).list_organizations(pb::ListOrganizationsRequest::default()).await;
        assert_eq!(list.expect("lists").into_inner().organizations.len(), 1);
    }

    async fn a_page_token_serves_its_own_list_and_caller_only(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.add_active(owner, acme, &["GUEST"]).await;
        let list = |organization: &str, page_token: &str| pb::ListMembersRequest {
            organization_id: organization.to_owned(),
            page_size: 1,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        let acme = acme.to_string();
        let first = stage.members(owner).list_members(list(&acme, "")).await.expect("lists").into_inner();
        let token = first.next_page_token;
        let second = stage.members(owner).list_members(list(&acme, &token)).await.expect("goes on").into_inner();
        assert_ne!(first.members[0].user_id, second.members[0].user_id);
        assert_eq!(second.next_page_token, "");
        for (caller, organization) in [(owner, "-"), (owner, ""), (stage.admin, acme.as_str())] {
            let status = stage.members(caller).list_members(list(organization, &token)).await.expect_err("foreign");
            assert_eq!(fields(&status), ["page_token"]);
        }
        let negative = pb::ListMembersRequest { page_size: -1, ..Default::default() };
        assert_eq!(refused(stage.members(owner).list_members(negative).await), "REQUEST_INVALID");
    }

    async fn batches_are_bounded(database) {
        let stage = Stage::open(&database).await;
        let many = pb::BatchGetMembersRequest { user_ids: vec![stage.admin.to_string(); 1_001] };
        assert_eq!(refused(stage.memberships().batch_get_members(many).await), "REQUEST_INVALID");
        let full = pb::BatchGetMembersRequest { user_ids: vec![stage.admin.to_string(); 1_000] };
        assert_eq!(stage.memberships().batch_get_members(full).await.expect("reads").into_inner().members.len(), 1);
        let home = pb::BatchGetOrganizationsRequest { organization_ids: vec![stage.home.to_string(), stage.random_id()] };
        let home = stage.memberships().batch_get_organizations(home).await.expect("reads").into_inner();
        assert_eq!(home.organizations.len(), 1);
    }

    async fn what_a_role_does_not_hold_is_denied_before_anything_is_read(database) {
        let stage = Stage::open(&database).await;
        let guest = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let answer = stage.organizations(guest).create_organization(create("Acme", "ada@example.org")).await;
        assert_eq!(refused(answer), "PERMISSION_MISSING");
        assert_eq!(refused(stage.block(guest, stage.admin).await), "PERMISSION_MISSING");
    }
}
