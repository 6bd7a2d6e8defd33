//! Changing roles.

use rolecall_api::organization::v1 as pb;
use rolecall_testkit::on_each_database;
use tonic_types::StatusExt as _;

use crate::stage::{Stage, refused, roles};

on_each_database! {
    /// ASVS: T11
    async fn asvs_v8_3_2_a_change_of_roles_counts_on_the_next_call(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        let list = || pb::ListMembersRequest::default();
        assert_eq!(refused(stage.members(user).list_members(list()).await), "PERMISSION_MISSING");
        let changed = stage.set_roles(owner, user, &["OWNER", "DATA_SCIENTIST"]).await.expect("promotes");
        assert_eq!(changed.member.expect("it").roles, ["DATA_SCIENTIST", "OWNER"]);
        stage.members(user).list_members(list()).await.expect("obeys at once");
        stage.set_roles(owner, user, &["GUEST"]).await.expect("demotes");
        assert_eq!(refused(stage.members(user).list_members(list()).await), "PERMISSION_MISSING");
    }

    async fn attack_t22_nobody_changes_itself(database) {
        let stage = Stage::open(&database).await;
        assert_eq!(refused(stage.set_roles(stage.admin, stage.admin, &["GUEST"]).await), "SELF_REFUSED");
        assert_eq!(refused(stage.block(stage.admin, stage.admin).await), "SELF_REFUSED");
    }

    async fn attack_t25_the_last_owner_stays_owner(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        assert_eq!(refused(stage.set_roles(stage.admin, owner, &["GUEST"]).await), "LAST_OWNER");
        stage.add_pending(owner, acme, &["OWNER"]).await;
        assert_eq!(refused(stage.set_roles(stage.admin, owner, &["GUEST"]).await), "LAST_OWNER");
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        stage.set_roles(stage.admin, owner, &["GUEST"]).await.expect("another one is there");
        assert_eq!(refused(stage.set_roles(stage.admin, second, &["GUEST"]).await), "LAST_OWNER");
    }

    async fn admin_is_not_a_role_of_organizations_and_stays_as_it_is(database) {
        let stage = Stage::open(&database).await;
        let owner = stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        assert_eq!(refused(stage.set_roles(owner, stage.admin, &["ADMIN"]).await), "REQUEST_INVALID");
        let changed = stage.set_roles(owner, stage.admin, &["GUEST"]).await.expect("demotes an owner");
        assert_eq!(changed.member.expect("it").roles, ["ADMIN", "GUEST"]);
    }

    async fn a_late_change_is_told_the_current_version(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let etag = stage.get(stage.admin, user).await.expect("reads").etag;
        let request = pb::UpdateMemberRolesRequest { etag: etag.clone(), ..roles(user, &["DATA_STEWARD"]) };
        stage.members(stage.admin).update_member_roles(request.clone()).await.expect("in time");
        let late = stage.members(stage.admin).update_member_roles(request).await.expect_err("late");
        let info = late.get_details_error_info().expect("info");
        assert_eq!((late.code(), info.reason.as_str()), (tonic::Code::Aborted, "ETAG_MISMATCH"));
        let now = stage.get(stage.admin, user).await.expect("reads").etag;
        assert_eq!(info.metadata.get("etag"), Some(&now));
        assert_ne!(etag, now);
    }

    async fn a_repeated_request_changes_once_and_is_answered_the_same(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let request_id = stage.random_id();
        let request = pb::UpdateMemberRolesRequest { request_id, ..roles(user, &["DATA_STEWARD"]) };
        let mut client = stage.members(stage.admin);
        let first = client.update_member_roles(request.clone()).await.expect("changes").into_inner();
        stage.set_roles(stage.admin, user, &["GUEST"]).await.expect("changes back");
        let again = client.update_member_roles(request.clone()).await.expect("repeats").into_inner();
        assert_eq!(first, again);
        assert_eq!(stage.get(stage.admin, user).await.expect("reads").roles, ["GUEST"]);
        let other = pb::UpdateMemberRolesRequest { roles: vec!["OWNER".to_owned()], ..request };
        assert_eq!(refused(client.update_member_roles(other).await), "REQUEST_ID_REUSED");
    }

    async fn parallel_repeats_of_a_request_change_once(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let request_id = stage.random_id();
        let calls = (0..8).map(|_| {
            let request = pb::UpdateMemberRolesRequest { request_id: request_id.clone(), ..roles(user, &["OWNER"]) };
            let mut client = stage.members(stage.admin);
            async move { client.update_member_roles(request).await.expect("answers").into_inner() }
        });
        let answers = futures::future::join_all(calls).await;
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
