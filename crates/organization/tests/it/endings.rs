//! Members that end because their accounts are deleted.

use futures::future::join;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::stage::{Stage, refused};

async fn end(stage: &Stage, actor: impl ToString, user: UserId) -> Result<(), Status> {
    let request = pb::EndMemberRequest { user_id: user.to_string(), actor_id: actor.to_string() };
    stage.memberships().end_member(request).await.map(drop)
}

on_each_database! {
    async fn an_ended_member_is_gone_everywhere_and_at_once(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["OWNER", "DATA_STEWARD"]).await;
        stage.get(user, user).await.expect("acts");
        end(&stage, stage.admin, user).await.expect("ends");
        assert_eq!(refused(stage.get(user, user).await), "SUBJECT_INACTIVE");
        assert_eq!(refused(stage.get(stage.admin, user).await), "MEMBER_NOT_FOUND");
        assert_eq!(refused(stage.subject_access(user).await), "SUBJECT_NOT_FOUND");
        end(&stage, stage.admin, user).await.expect("what is not there stays so");
        stage.drain().await;
        let events = stage.audit(stage.admin).list_audit_events(pb::ListAuditEventsRequest::default()).await;
        let events = events.expect("lists").into_inner().audit_events;
        let ended: Vec<_> = events.iter().filter(|event| event.topic == "organization.member_removed").collect();
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].actor_id.clone(), ended[0].target_id.clone()), (stage.admin.to_string(), user.to_string()));
    }

    async fn members_end_in_every_state_and_what_they_were_invited_to_ends_with_them(database) {
        let stage = Stage::open(&database).await;
        let hidden = stage.add_hidden(stage.admin, stage.home, &["GUEST"]).await;
        let pending = stage.add_pending(stage.admin, stage.home, &["GUEST"]).await;
        let blocked = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        stage.block(stage.admin, blocked).await.expect("blocks");
        for user in [hidden, pending, blocked] {
            end(&stage, stage.admin, user).await.expect("ends");
            assert_eq!(refused(stage.get(stage.admin, user).await), "MEMBER_NOT_FOUND");
            assert_eq!(refused(stage.activate(user, stage.admin).await), "MEMBER_NOT_FOUND");
        }
    }

    async fn only_who_may_delete_ends_a_member_and_never_one_above_it_or_itself(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let program = stage.add_service_account(owner, "", &["identity.users.delete"]).await.expect("adds");
        let housemate = stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        for (actor, user, reason) in [
            (owner, owner, "SELF_REFUSED"),
            (stage.admin, stage.admin, "SELF_REFUSED"),
            (steward, second, "ACTOR_NOT_ENTITLED"),
            (owner, housemate, "ACTOR_NOT_ENTITLED"),
            (stage.new_user(), steward, "ACTOR_NOT_ENTITLED"),
            (housemate, stage.admin, "ROLE_NOT_GRANTABLE"),
        ] {
            assert_eq!(refused(end(&stage, actor, user).await), reason, "{actor} {user}");
        }
        assert_eq!(refused(end(&stage, program, second).await), "ROLE_NOT_GRANTABLE");
        end(&stage, program, steward).await.expect("no owner");
        end(&stage, owner, second).await.expect("an equal, like a demotion");
        stage.set_roles(stage.admin, owner, &["GUEST"]).await.expect_err("the last");
        stage.add_active(stage.admin, acme, &["OWNER"]).await;
        stage.set_roles(stage.admin, owner, &["GUEST"]).await.expect("not the last");
        assert_eq!(refused(end(&stage, owner, housemate).await), "ACTOR_NOT_ENTITLED");
    }

    async fn the_last_in_charge_does_not_end(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        assert_eq!(refused(end(&stage, stage.admin, owner).await), "LAST_OWNER");
        stage.add_pending(stage.admin, acme, &["OWNER"]).await;
        assert_eq!(refused(end(&stage, stage.admin, owner).await), "LAST_OWNER");
        stage.get(owner, owner).await.expect("stays");
    }

    async fn attack_t25_two_owners_that_end_each_other_leave_one(database) {
        let stage = Stage::open(&database).await;
        for round in 0..10 {
            let (acme, first) = stage.found(&format!("Acme {round}")).await;
            let second = stage.add_active(first, acme, &["OWNER"]).await;
            let (left, right) = join(end(&stage, first, second), end(&stage, second, first)).await;
            assert!(left.is_ok() != right.is_ok(), "round {round}: {left:?} {right:?}");
            let (gone, stays) = if left.is_ok() { (second, first) } else { (first, second) };
            assert_eq!(refused(stage.get(stage.admin, gone).await), "MEMBER_NOT_FOUND");
            stage.get(stage.admin, stays).await.expect("stays");
        }
    }
}
