//! Refused calls in the audit log: written down by every context, also when the server ends before the minute does.

use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::notification::v1 as notification;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::stack::Stack;
use tokio::process::Command;
use tonic::Code;

use crate::world::{self, eventually};

/// A row of the audit log: who, which method, how often.
type Row = (String, String, String);

/// ASVS: V16.3.3
#[tokio::test]
async fn asvs_v16_3_2_whom_every_context_refused_is_in_the_audit_log() {
    let mut stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let guest = world::member(&stack, &admin, "pat@home.example", &["GUEST"]).await;
    for _ in 0..3 {
        let refused = guest.users().list_users(identity::ListUsersRequest::default()).await;
        assert_eq!(refused.expect_err("closed").code(), Code::PermissionDenied);
    }
    for _ in 0..2 {
        let refused = guest.members().list_members(organization::ListMembersRequest::default()).await;
        assert_eq!(refused.expect_err("closed").code(), Code::PermissionDenied);
    }
    let request = notification::ListDeliveriesRequest::default();
    assert_eq!(guest.deliveries().list_deliveries(request).await.expect_err("closed").code(), Code::PermissionDenied);
    end(&mut stack).await;
    stack.revive().await;
    let row = |method: &str, count: &str| (guest.id.clone(), format!("/rolecall.{method}"), count.to_owned());
    let expected = [
        row("identity.v1.UserService/ListUsers", "3"),
        row("notification.v1.DeliveryService/ListDeliveries", "1"),
        row("organization.v1.MemberService/ListMembers", "2"),
    ];
    let found = eventually(|| refused_calls(&admin), |rows| rows.len() == expected.len()).await;
    assert_eq!(found, expected);
}

/// Asks the server to end, and waits until it has; meanwhile clients can hang up.
async fn end(stack: &mut Stack) {
    for pid in stack.pids() {
        let status = Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await;
        assert!(status.is_ok_and(|status| status.success()), "kill cannot be run");
    }
    let ended = async {
        while !stack.has_casualty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), ended).await.expect("the server does not end");
}

async fn refused_calls(admin: &Actor) -> Vec<Row> {
    let request = organization::ListAuditEventsRequest { page_size: 1_000, ..Default::default() };
    let events = admin.audit().list_audit_events(request).await.expect("listed").into_inner().audit_events;
    let refused = events.into_iter().filter(|event| event.topic.ends_with(".calls_refused"));
    let mut rows: Vec<Row> = refused
        .map(|event| (event.actor_id, event.details["method"].clone(), event.details["count"].clone()))
        .collect();
    rows.sort();
    rows
}
