//! Which members a list shows.

use std::collections::BTreeSet;
use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::stage::{Stage, block, refused};

async fn list(stage: &Stage, asker: UserId, filter: &str) -> Result<Vec<String>, Status> {
    let request = pb::ListMembersRequest { filter: filter.to_owned(), ..Default::default() };
    let members = stage.members(asker).list_members(request).await?.into_inner().members;
    Ok(members.into_iter().map(|member| member.user_id).collect())
}

on_each_database! {
    async fn members_are_filtered_by_role_state_and_block(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.found("Other").await;
        let both = stage.add_active(owner, acme, &["DATA_STEWARD", "DATA_SCIENTIST"]).await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let pending = stage.add_pending(owner, acme, &["GUEST"]).await;
        stage.add_hidden(owner, acme, &["GUEST"]).await;
        let end = stage.now().plus(Duration::from_mins(1));
        let until_time = Some(prost_types::Timestamp { seconds: end.as_seconds(), nanos: 0 });
        let request = pb::BlockMemberRequest { until_time, ..block(steward) };
        stage.members(owner).block_member(request).await.expect("blocks");
        for (filter, expected) in [
            ("", vec![owner, both, steward, pending]),
            ("role = DATA_STEWARD", vec![both, steward]),
            ("role = DATA_SCIENTIST", vec![both]),
            ("role = OWNER OR role = GUEST", vec![owner, pending]),
            ("role = ADMIN", vec![]),
            ("state = PENDING", vec![pending]),
            ("state = MEMBER_STATE_ACTIVE", vec![owner, both, steward]),
            ("blocked = true", vec![steward]),
            ("role = DATA_STEWARD AND blocked = false", vec![both]),
        ] {
            let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(list(&stage, owner, filter).await.expect("lists"), expected, "{filter}");
        }
        // A block that has ended is none, before anybody has written that down.
        stage.clock.set(end.plus(Duration::from_secs(1)));
        assert!(list(&stage, owner, "blocked = true").await.expect("lists").is_empty());
        assert_eq!(list(&stage, owner, "blocked = false").await.expect("lists").len(), 4);
    }

    async fn pages_of_a_filtered_list_hold_every_member_once_and_belong_to_the_filter(database) {
        let stage = Stage::open(&database).await;
        let mut expected = BTreeSet::new();
        for index in 0..5 {
            let roles: &[&str] = if index % 2 == 0 { &["GUEST"] } else { &["DATA_STEWARD"] };
            let user = stage.add_active(stage.admin, stage.home, roles).await;
            if index % 2 == 0 {
                expected.insert(user.to_string());
            }
        }
        let mut client = stage.members(stage.admin);
        let mut request =
            pb::ListMembersRequest { filter: "role = GUEST".to_owned(), page_size: 2, ..Default::default() };
        let first = client.list_members(request.clone()).await.expect("lists").into_inner();
        request.page_token = first.next_page_token;
        let second = client.list_members(request.clone()).await.expect("lists").into_inner();
        assert_eq!(second.next_page_token, "");
        let found = [first.members, second.members].concat().into_iter().map(|member| member.user_id);
        assert_eq!(found.collect::<BTreeSet<_>>(), expected);
        "role = OWNER".clone_into(&mut request.filter);
        assert_eq!(refused(client.list_members(request).await), "REQUEST_INVALID");
    }

    async fn what_no_index_serves_or_cannot_be_read_is_refused(database) {
        let stage = Stage::open(&database).await;
        for filter in ["email = \"a@b.example\"", "ada", "role : OWNER", "role != OWNER", "NOT blocked = true",
            "role = \"OWN*\"", "role = OWNER OR blocked = true"] {
            assert_eq!(refused(list(&stage, stage.admin, filter).await), "FILTER_NOT_INDEXED", "{filter}");
        }
        for (filter, reason) in [
            ("role = king", "FILTER_VALUE"),
            ("blocked = yes", "FILTER_VALUE"),
            ("state = HIDDEN", "FILTER_VALUE"),
            ("role =", "FILTER_SYNTAX"),
            (&"a".repeat(1_001), "TOO_LONG"),
        ] {
            let status = list(&stage, stage.admin, filter).await.expect_err("is refused");
            let broken = status.get_details_bad_request().map(|told| told.field_violations).unwrap_or_default();
            assert_eq!((broken[0].field.as_str(), broken[0].reason.as_str()), ("filter", reason), "{filter}");
        }
    }
}
