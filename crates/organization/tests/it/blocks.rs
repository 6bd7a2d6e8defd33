//! Blocking and unblocking.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::time::Timestamp;
use rolecall_testkit::on_each_database;

use crate::stage::{Stage, block, refused, unblock};

fn wire(time: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(time.subsec_nanos()).expect("below a second");
    prost_types::Timestamp { seconds: time.as_seconds(), nanos }
}

on_each_database! {
    /// ASVS: V7.4.2
    async fn attack_t11_a_blocked_member_is_refused_on_its_next_call_until_it_is_unblocked(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        stage.get(user, user).await.expect("may");
        let blocked = stage.block(stage.admin, user).await.expect("blocks").member.expect("it");
        let shown = blocked.block.expect("a block");
        assert_eq!((shown.reason.as_str(), shown.actor_id), ("a test", stage.admin.to_string()));
        assert_eq!(refused(stage.get(user, user).await), "SUBJECT_INACTIVE");
        assert!(stage.subject_access(user).await.expect("known").blocked);
        let lifted = stage.members(stage.admin).unblock_member(unblock(user)).await.expect("lifts").into_inner();
        assert_eq!(lifted.member.expect("it").block, None);
        stage.get(user, user).await.expect("may again");
        assert_eq!(refused(stage.members(stage.admin).unblock_member(unblock(user)).await), "MEMBER_NOT_BLOCKED");
    }

    async fn a_block_ends_by_itself(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let end = stage.now().plus(Duration::from_mins(1));
        let request = pb::BlockMemberRequest { until_time: Some(wire(end)), ..block(user) };
        stage.members(stage.admin).block_member(request).await.expect("blocks");
        let access = stage.subject_access(user).await.expect("known");
        assert!(access.blocked);
        assert_eq!(access.blocked_until_time, Some(wire(end)));
        stage.clock.set(end);
        // Before anything was written down, every reader sees that it is over.
        let access = stage.subject_access(user).await.expect("known");
        assert!(!access.blocked && access.blocked_until_time.is_none());
        assert_eq!(stage.get(stage.admin, user).await.expect("reads").block, None);
        assert_eq!(refused(stage.members(stage.admin).unblock_member(unblock(user)).await), "MEMBER_NOT_BLOCKED");
        assert_eq!(stage.organization.lift_ended_blocks().await.expect("lifts"), 1);
        assert_eq!(stage.organization.lift_ended_blocks().await.expect("nothing left"), 0);
        stage.get(user, user).await.expect("may again");
    }

    async fn attack_t25_the_last_owner_and_the_last_administrator_are_not_blocked(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        assert_eq!(refused(stage.block(stage.admin, owner).await), "LAST_OWNER");
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let end = stage.now().plus(Duration::from_mins(1));
        let request = pb::BlockMemberRequest { until_time: Some(wire(end)), ..block(second) };
        stage.members(owner).block_member(request).await.expect("for a minute");
        assert_eq!(refused(stage.block(stage.admin, owner).await), "LAST_OWNER");
        stage.clock.set(end);
        stage.block(stage.admin, owner).await.expect("the other can act again");
        assert_eq!(refused(stage.block(stage.admin, second).await), "LAST_OWNER");
        let helper = stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        assert_eq!(refused(stage.block(helper, stage.admin).await), "LAST_ADMIN");
    }

    async fn who_has_not_accepted_is_not_blocked(database) {
        let stage = Stage::open(&database).await;
        let pending = stage.add_pending(stage.admin, stage.home, &["GUEST"]).await;
        assert_eq!(refused(stage.block(stage.admin, pending).await), "MEMBER_NOT_ACTIVE");
        assert_eq!(refused(stage.members(stage.admin).unblock_member(unblock(pending)).await), "MEMBER_NOT_ACTIVE");
    }

    async fn a_block_is_asked_for_once_and_replaced_by_another(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let request = pb::BlockMemberRequest { request_id: stage.random_id(), ..block(user) };
        let mut client = stage.members(stage.admin);
        let first = client.block_member(request.clone()).await.expect("blocks").into_inner();
        stage.clock.advance(Duration::from_secs(5));
        assert_eq!(client.block_member(request.clone()).await.expect("repeats").into_inner(), first);
        let longer = pb::BlockMemberRequest { reason: "worse".to_owned(), ..block(user) };
        let second = client.block_member(longer).await.expect("replaces").into_inner();
        assert_eq!(second.member.expect("it").block.expect("a block").reason, "worse");
        let unblock = pb::UnblockMemberRequest { request_id: stage.random_id(), ..unblock(user) };
        let lifted = client.unblock_member(unblock.clone()).await.expect("lifts").into_inner();
        assert_eq!(client.unblock_member(unblock).await.expect("repeats").into_inner(), lifted);
    }
}
