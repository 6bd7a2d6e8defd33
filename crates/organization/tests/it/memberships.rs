//! Becoming a member: hidden, pending, active.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_testkit::on_each_database;
use tonic::Code;

use crate::stage::{Stage, Who, add, names, reason, refused};

fn check(stage: &Stage, user: rolecall_kernel::id::UserId) -> pb::CheckAccessRequest {
    let resource = pb::resource::Resource::OrganizationId(stage.home.to_string());
    pb::CheckAccessRequest {
        subject_id: user.to_string(),
        permission: "organization.members.list".to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: None,
    }
}

on_each_database! {
    async fn a_hidden_member_is_seen_by_nobody(database) {
        let stage = Stage::open(&database).await;
        let hidden = stage.add_hidden(stage.admin, stage.home, &["OWNER"]).await;
        assert_eq!(refused(stage.get(stage.admin, hidden).await), "MEMBER_NOT_FOUND");
        let list = pb::ListMembersRequest { organization_id: "-".to_owned(), ..Default::default() };
        let list = stage.members(stage.admin).list_members(list).await.expect("lists").into_inner();
        assert_eq!(list.members.len(), 1);
        assert_eq!(refused(stage.subject_access(hidden).await), "SUBJECT_NOT_FOUND");
        let batch = pb::BatchGetMembersRequest { user_ids: vec![hidden.to_string()] };
        assert!(stage.memberships().batch_get_members(batch).await.expect("reads").into_inner().members.is_empty());
        let mut access = stage.access_as(Who::User(stage.admin));
        let checked = access.check_access(check(&stage, hidden)).await.expect("answers").into_inner();
        assert_eq!(checked.reason(), pb::AccessReason::SubjectUnknown);
        // It is no second owner either: the first one still is the last.
        assert_eq!(refused(stage.block(stage.admin, hidden).await), "MEMBER_NOT_FOUND");
    }

    async fn those_who_hold_a_role_and_can_act_are_listed_by_it(database) {
        let stage = Stage::open(&database).await;
        let pending = stage.add_pending(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let listed = async |organization_id: String, role: &str| {
            let request = pb::ListMembersByRoleRequest { organization_id, role: role.to_owned() };
            stage.memberships().list_members_by_role(request).await.expect("lists").into_inner()
        };
        let home = stage.home.to_string();
        assert!(listed(home.clone(), "DATA_STEWARD").await.user_ids.is_empty(), "nobody who only is invited");
        stage.activate(pending, stage.admin).await.expect("accepts");
        let stewards = listed(home.clone(), "DATA_STEWARD").await;
        assert_eq!((stewards.user_ids, stewards.has_more), (vec![pending.to_string()], false));
        assert_eq!(listed(home.clone(), "OWNER").await.user_ids, [stage.admin.to_string()]);
        assert!(listed(pending.to_string(), "OWNER").await.user_ids.is_empty(), "an organization that is not there");
        stage.block(stage.admin, pending).await.expect("blocked");
        assert!(listed(home.clone(), "DATA_STEWARD").await.user_ids.is_empty(), "nobody who is blocked");
        assert!(listed(home, "KING").await.user_ids.is_empty());
    }

    async fn a_member_becomes_pending_and_then_active(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_pending(stage.admin, stage.home, &["DATA_STEWARD", "DATA_SCIENTIST"]).await;
        let member = stage.get(stage.admin, user).await.expect("seen");
        assert_eq!(member.state(), pb::MemberState::Pending);
        assert_eq!(member.roles, ["DATA_SCIENTIST", "DATA_STEWARD"]);
        assert!(!stage.subject_access(user).await.expect("known").active);
        assert_eq!(refused(stage.get(user, user).await), "SUBJECT_INACTIVE");
        let active = stage.activate(user, stage.admin).await.expect("accepts");
        assert_eq!(active.state(), pb::MemberState::Active);
        assert_eq!(stage.get(user, user).await.expect("reads itself"), active);
        assert_eq!(stage.activate(user, stage.admin).await.expect("the same again"), active);
        let confirm = pb::ConfirmMemberRequest { user_id: user.to_string() };
        stage.memberships().confirm_member(confirm).await.expect("the same again");
        assert_eq!(stage.get(user, user).await.expect("unchanged"), active);
    }

    async fn adding_is_repeated_with_the_same_content_only(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_hidden(stage.admin, stage.home, &["GUEST"]).await;
        let again = stage.memberships().add_member(add(user, stage.admin, stage.home, &["GUEST"])).await;
        assert_eq!(again.expect("the same again").into_inner().organization.expect("it").name, "Home");
        let other = stage.memberships().add_member(add(user, stage.admin, stage.home, &["OWNER"])).await;
        assert_eq!(refused(other), "REQUEST_INVALID");
    }

    async fn only_who_may_invite_adds_and_only_roles_that_it_may_give(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let pending = stage.add_pending(owner, acme, &["OWNER"]).await;
        let blocked = stage.add_active(owner, acme, &["OWNER"]).await;
        stage.block(owner, blocked).await.expect("blocks");
        let new = stage.new_user();
        for (actor, organization, reason) in [
            (steward, acme, "ACTOR_NOT_ENTITLED"),
            (pending, acme, "ACTOR_NOT_ENTITLED"),
            (blocked, acme, "ACTOR_NOT_ENTITLED"),
            (new, acme, "ACTOR_NOT_ENTITLED"),
            (owner, stage.home, "ORGANIZATION_NOT_FOUND"),
            (steward, stage.home, "ORGANIZATION_NOT_FOUND"),
        ] {
            let answer = stage.memberships().add_member(add(new, actor, organization, &["GUEST"])).await;
            assert_eq!(refused(answer), reason, "{actor} {organization}");
        }
        let admin = stage.memberships().add_member(add(new, owner, acme, &["ADMIN"])).await;
        assert_eq!(refused(admin), "REQUEST_INVALID");
        stage.add_active(stage.admin, acme, &["OWNER"]).await;
    }

    async fn an_empty_organization_is_the_actors_own(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let request = pb::CheckAddMemberRequest { roles: names(&["GUEST"]), actor_id: owner.to_string(), ..Default::default() };
        let answer = stage.memberships().check_add_member(request).await.expect("it may").into_inner();
        assert_eq!(answer.organization.expect("it").organization_id, acme.to_string());
        let platform = stage.add_service_account(stage.admin, "-", &["identity.users.create"]).await.expect("adds");
        let request = pb::CheckAddMemberRequest { roles: names(&["GUEST"]), actor_id: platform.to_string(), ..Default::default() };
        assert_eq!(refused(stage.memberships().check_add_member(request).await), "REQUEST_INVALID");
        // It may create accounts, and was not entrusted with roles.
        let request = pb::CheckAddMemberRequest {
            organization_id: acme.to_string(),
            roles: names(&["GUEST"]),
            actor_id: platform.to_string(),
        };
        assert_eq!(refused(stage.memberships().check_add_member(request).await), "ROLE_NOT_GRANTABLE");
    }

    async fn attack_t23_an_invitation_dies_with_the_rights_of_the_inviter(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let invited = stage.add_pending(second, acme, &["GUEST"]).await;
        stage.set_roles(owner, second, &["GUEST"]).await.expect("demotes");
        assert_eq!(refused(stage.activate(invited, second).await), "INVITER_NOT_ENTITLED");
        assert_eq!(stage.get(owner, invited).await.expect("stays").state(), pb::MemberState::Pending);
        stage.activate(invited, owner).await.expect("another inviter may");
    }

    async fn who_accepts_before_it_is_confirmed_is_confirmed_by_that(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_hidden(stage.admin, stage.home, &["GUEST"]).await;
        let member = stage.activate(user, stage.admin).await.expect("accepts");
        assert_eq!(member.state(), pb::MemberState::Active);
        assert_eq!(refused(stage.activate(stage.new_user(), stage.admin).await), "MEMBER_NOT_FOUND");
    }

    async fn only_members_that_never_became_active_are_removed(database) {
        let stage = Stage::open(&database).await;
        let remove = |user: rolecall_kernel::id::UserId| {
            let mut client = stage.memberships();
            async move { client.remove_member(pb::RemoveMemberRequest { user_id: user.to_string() }).await }
        };
        let hidden = stage.add_hidden(stage.admin, stage.home, &["GUEST"]).await;
        let pending = stage.add_pending(stage.admin, stage.home, &["GUEST"]).await;
        let active = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        for user in [hidden, pending, pending, stage.new_user()] {
            remove(user).await.expect("what is not there stays so");
            assert_eq!(refused(stage.get(stage.admin, user).await), "MEMBER_NOT_FOUND");
        }
        assert_eq!(refused(remove(active).await), "REQUEST_INVALID");
        stage.get(stage.admin, active).await.expect("stays");
        let confirm = pb::ConfirmMemberRequest { user_id: hidden.to_string() };
        assert_eq!(refused(stage.memberships().confirm_member(confirm).await), "MEMBER_NOT_FOUND");
    }

    async fn who_was_removed_before_it_was_added_is_not_added(database) {
        let stage = Stage::open(&database).await;
        let (late, again) = (stage.new_user(), stage.add_hidden(stage.admin, stage.home, &["GUEST"]).await);
        for user in [late, again] {
            let request = pb::RemoveMemberRequest { user_id: user.to_string() };
            stage.memberships().remove_member(request).await.expect("what is not there stays so");
            let request = add(user, stage.admin, stage.home, &["GUEST"]);
            let late = stage.memberships().add_member(request).await.expect_err("it was removed");
            assert_eq!((late.code(), reason(&late).as_str()), (Code::Aborted, "SUBJECT_REMOVED"));
            let confirm = pb::ConfirmMemberRequest { user_id: user.to_string() };
            assert_eq!(refused(stage.memberships().confirm_member(confirm).await), "MEMBER_NOT_FOUND");
        }
        stage.clock.advance(Duration::from_hours(23));
        stage.organization.forget_removed().await.expect("sweeps");
        let early = stage.memberships().add_member(add(late, stage.admin, stage.home, &["GUEST"])).await;
        assert_eq!(refused(early), "SUBJECT_REMOVED");
        stage.clock.advance(Duration::from_hours(2));
        stage.organization.forget_removed().await.expect("sweeps");
        stage.memberships().add_member(add(late, stage.admin, stage.home, &["GUEST"])).await.expect("forgotten");
    }
}
