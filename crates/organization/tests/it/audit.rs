//! The audit log: everything that happened, once, the newest first.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;

use crate::stage::{Stage, unblock};

async fn list(stage: &Stage, caller: UserId, request: pb::ListAuditEventsRequest) -> Vec<pb::AuditEvent> {
    stage.audit(caller).list_audit_events(request).await.expect("lists").into_inner().audit_events
}

fn everywhere() -> pb::ListAuditEventsRequest {
    pb::ListAuditEventsRequest { organization_id: "-".to_owned(), page_size: 1_000, ..Default::default() }
}

on_each_database! {
    /// ASVS: T34
    async fn asvs_v16_3_3_every_change_is_in_the_log_once_and_told_to_whom_it_concerns(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        stage.clock.advance(Duration::from_secs(1));
        stage.set_roles(owner, user, &["DATA_STEWARD"]).await.expect("changes");
        stage.block(owner, user).await.expect("blocks");
        stage.members(owner).unblock_member(unblock(user)).await.expect("lifts");
        assert!(stage.drain().await > 0);
        assert_eq!(stage.drain().await, 0);
        let target = pb::ListAuditEventsRequest { target_id: user.to_string(), ..everywhere() };
        let mut topics: Vec<String> = list(&stage, owner, target).await.into_iter().map(|event| event.topic).collect();
        topics.sort();
        assert_eq!(topics, [
            "organization.member_activated",
            "organization.member_added",
            "organization.member_blocked",
            "organization.member_roles_changed",
            "organization.member_unblocked",
        ]);
        assert_eq!(stage.identity.topics(), ["organization.member_roles_changed", "organization.member_blocked"]);
        let changed = pb::ListAuditEventsRequest { topic: "organization.member_roles_changed".to_owned(), ..everywhere() };
        let changed = list(&stage, owner, changed).await.remove(0);
        assert_eq!((changed.actor_id, changed.organization_id), (owner.to_string(), acme.to_string()));
        assert_eq!(changed.details.get("old_roles").map(String::as_str), Some("GUEST"));
        assert_eq!(changed.details.get("new_roles").map(String::as_str), Some("DATA_STEWARD"));
    }

    async fn an_owner_sees_its_own_organization_and_an_administrator_everything(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.found("Other").await;
        stage.add_service_account(stage.admin, "-", &["organization.access.check"]).await.expect("adds");
        stage.drain().await;
        let own = list(&stage, owner, everywhere()).await;
        assert!(!own.is_empty() && own.iter().all(|event| event.organization_id == acme.to_string()));
        assert_eq!(own, list(&stage, owner, pb::ListAuditEventsRequest { page_size: 1_000, ..Default::default() }).await);
        let all = list(&stage, stage.admin, everywhere()).await;
        assert!(all.iter().any(|event| event.organization_id.is_empty()));
        let home = list(&stage, stage.admin, pb::ListAuditEventsRequest::default()).await;
        assert!(home.iter().all(|event| event.organization_id == stage.home.to_string()));
    }

    async fn pages_cover_the_log_without_gaps(database) {
        let stage = Stage::open(&database).await;
        for index in 0..3 {
            stage.found(&format!("Acme {index}")).await;
        }
        stage.drain().await;
        let whole = list(&stage, stage.admin, everywhere()).await;
        assert!(whole.windows(2).all(|pair| {
            let key = |event: &pb::AuditEvent| {
                let time = event.occurred_time.expect("a time");
                (time.seconds, time.nanos, event.event_id.clone())
            };
            key(&pair[0]) > key(&pair[1])
        }));
        let (mut paged, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListAuditEventsRequest { page_size: 2, page_token, ..everywhere() };
            let page = stage.audit(stage.admin).list_audit_events(request).await.expect("lists").into_inner();
            paged.extend(page.audit_events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, whole);
    }

    async fn an_event_is_taken_once_and_an_unreadable_one_is_parked_alone(database) {
        let stage = Stage::open(&database).await;
        let failed = identity::domain_event::Event::LoginFailed(identity::LoginFailed { reason: "throttled".to_owned() });
        let payload = identity::DomainEvent { event: Some(failed), ..Default::default() }.encode_to_vec();
        let event = |topic: &str| pb::IngestedEvent {
            event_id: stage.random_id(),
            topic: topic.to_owned(),
            payload: payload.clone(),
            occurred_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            traceparent: String::new(),
            source_number: String::new(),
        };
        let events = vec![event("identity.login_failed"), event("identity.nothing"), event("identity.login_succeeded")];
        for _ in 0..2 {
            let request = pb::IngestEventsRequest { events: events.clone() };
            let results = stage.memberships().ingest_events(request).await.expect("takes").into_inner().results;
            let outcomes: Vec<_> = results.iter().map(pb::IngestResult::outcome).collect();
            assert_eq!(outcomes, [pb::IngestOutcome::Done, pb::IngestOutcome::Park, pb::IngestOutcome::Park]);
        }
        let taken = pb::ListAuditEventsRequest { topic: "identity.login_failed".to_owned(), ..everywhere() };
        assert_eq!(list(&stage, stage.admin, taken).await.len(), 1);
    }

    async fn a_service_tells_of_itself_alone(database) {
        let stage = Stage::open(&database).await;
        let deleted = pb::domain_event::Event::OrganizationDeleted(pb::OrganizationDeleted { name: "Acme".to_owned() });
        let event = pb::IngestedEvent {
            event_id: stage.random_id(),
            topic: "organization.organization_deleted".to_owned(),
            payload: pb::DomainEvent { event: Some(deleted), ..Default::default() }.encode_to_vec(),
            occurred_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            traceparent: String::new(),
            source_number: String::new(),
        };
        // The caller is identity.
        let request = pb::IngestEventsRequest { events: vec![event] };
        let results = stage.memberships().ingest_events(request).await.expect("answers").into_inner().results;
        assert_eq!(results[0].outcome(), pb::IngestOutcome::Park, "{results:?}");
    }
}
