//! Roles that identity changes in the name of an actor.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::stage::{Stage, names, refused};

fn change(user: UserId, actor: &impl ToString, roles: &[&str]) -> pb::ChangeMemberRolesRequest {
    pb::ChangeMemberRolesRequest {
        user_id: user.to_string(),
        roles: names(roles),
        actor_id: actor.to_string(),
        ..Default::default()
    }
}

async fn ask(stage: &Stage, request: pb::ChangeMemberRolesRequest) -> Result<pb::Member, Status> {
    let answer = stage.memberships().change_member_roles(request).await?;
    Ok(answer.into_inner().member.expect("a member"))
}

on_each_database! {
    async fn a_change_counts_at_once_and_is_the_actors(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        let list = || pb::ListMembersRequest::default();
        assert_eq!(refused(stage.members(user).list_members(list()).await), "PERMISSION_MISSING");
        let changed = ask(&stage, change(user, &owner, &["OWNER", "DATA_SCIENTIST"])).await.expect("promotes");
        assert_eq!(changed.roles, ["DATA_SCIENTIST", "OWNER"]);
        stage.members(user).list_members(list()).await.expect("obeys at once");
        let again = ask(&stage, change(user, &owner, &["OWNER", "DATA_SCIENTIST"])).await.expect("the same again");
        assert_eq!(again, changed, "what is so already stays so");
        stage.drain().await;
        let events = stage.audit(owner).list_audit_events(pb::ListAuditEventsRequest::default()).await.expect("lists");
        let events = events.into_inner().audit_events;
        let told = events.iter().filter(|event| event.topic == "organization.member_roles_changed");
        let told: Vec<_> = told.map(|event| (event.actor_id.clone(), event.target_id.clone())).collect();
        assert_eq!(told, [(owner.to_string(), user.to_string())]);
    }

    async fn the_rights_of_the_actor_decide(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let (_, stranger) = stage.found("Other").await;
        let (place, permissions) = (acme.to_string(), ["organization.members.assign_roles"]);
        let program = stage.add_service_account(owner, &place, &permissions).await.expect("adds");
        for (actor, reason) in [
            (steward.to_string(), "ACTOR_NOT_ENTITLED"),
            (stranger.to_string(), "ACTOR_NOT_ENTITLED"),
            (stage.random_id(), "ACTOR_NOT_ENTITLED"),
            (user.to_string(), "SELF_REFUSED"),
            (program.to_string(), "ROLE_NOT_GRANTABLE"),
        ] {
            assert_eq!(refused(ask(&stage, change(user, &actor, &["OWNER"])).await), reason, "{actor}");
        }
        assert_eq!(refused(ask(&stage, change(owner, &stage.admin, &["GUEST"])).await), "LAST_OWNER");
        assert_eq!(refused(ask(&stage, change(stage.new_user(), &stage.admin, &["GUEST"])).await), "MEMBER_NOT_FOUND");
        assert_eq!(refused(ask(&stage, change(user, &owner, &["ADMIN"])).await), "REQUEST_INVALID");
        assert_eq!(refused(ask(&stage, change(user, &owner, &[])).await), "REQUEST_INVALID");
        assert_eq!(stage.get(owner, user).await.expect("reads").roles, ["GUEST"]);
    }

    async fn a_check_changes_nothing(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let before = stage.get(stage.admin, user).await.expect("reads");
        let check = |roles| pb::ChangeMemberRolesRequest { validate_only: true, ..change(user, &stage.admin, roles) };
        assert_eq!(ask(&stage, check(&["OWNER"])).await.expect("possible").roles, ["OWNER"]);
        assert_eq!(stage.get(stage.admin, user).await.expect("reads"), before);
        let last = pb::ChangeMemberRolesRequest { user_id: stage.admin.to_string(), ..check(&["GUEST"]) };
        assert_eq!(refused(ask(&stage, last).await), "SELF_REFUSED");
    }

    async fn a_late_change_is_told_the_current_version(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let etag = stage.get(stage.admin, user).await.expect("reads").etag;
        let request = pb::ChangeMemberRolesRequest { etag, ..change(user, &stage.admin, &["DATA_STEWARD"]) };
        let now = ask(&stage, request.clone()).await.expect("in time").etag;
        let late = ask(&stage, request).await.expect_err("late");
        let info = late.get_details_error_info().expect("info");
        assert_eq!((info.reason.as_str(), info.metadata.get("etag")), ("ETAG_MISMATCH", Some(&now)));
    }
}
