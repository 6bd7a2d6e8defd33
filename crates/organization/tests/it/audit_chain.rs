//! The audit log as a chain: numbered without gaps whoever numbers, sealed, signed, erasable.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as pb;
use rolecall_db::Connection as _;
use rolecall_kernel::audit::{Entry, GENESIS, commit};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;
use rolecall_testkit::on_each_database;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::stage::{Stage, bytes, refused};

/// Delivers, chains, and makes sure that nothing is left.
pub(crate) async fn settle(stage: &Stage) {
    stage.drain().await;
    stage.organization.chain_audit().await.expect("chains");
    assert_eq!(stage.organization.chain_audit().await.expect("chains"), 0);
}

/// Verifies all that the caller may see, or one organization.
pub(crate) async fn verify(stage: &Stage, caller: UserId, place: &str) -> pb::VerifyAuditLogResponse {
    verify_with(stage, caller, place, Vec::new()).await
}

pub(crate) async fn verify_with(
    stage: &Stage,
    caller: UserId,
    place: &str,
    known_checkpoints: Vec<pb::AuditCheckpoint>,
) -> pb::VerifyAuditLogResponse {
    let organization_id = place.to_owned();
    let request = pb::VerifyAuditLogRequest { organization_id, known_checkpoints, ..Default::default() };
    stage.audit(caller).verify_audit_log(request).await.expect("verifies").into_inner()
}

/// All of an organization's entries in the order of its chain.
pub(crate) async fn entries(stage: &Stage, organization: OrganizationId) -> Vec<pb::AuditEvent> {
    let request = pb::ListAuditEventsRequest {
        organization_id: organization.to_string(),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = stage.audit(stage.admin).list_audit_events(request).await.expect("lists").into_inner();
    let mut events = answer.audit_events;
    events.sort_by_key(number);
    events
}

pub(crate) fn number(event: &pb::AuditEvent) -> i64 {
    event.sequence.parse().expect("a number")
}

/// Takes an event of identity about a person.
async fn take(
    stage: &Stage,
    organization: OrganizationId,
    target: UserId,
    topic: &str,
    what: identity::domain_event::Event,
) {
    let payload = identity::DomainEvent {
        organization_id: organization.to_string(),
        target_id: target.to_string(),
        event: Some(what),
        ..Default::default()
    };
    take_numbered(stage, topic, &payload, 0).await;
}

async fn take_numbered(stage: &Stage, topic: &str, payload: &identity::DomainEvent, number: i64) {
    let event = pb::IngestedEvent {
        event_id: stage.random_id(),
        topic: topic.to_owned(),
        payload: payload.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp { seconds: stage.now().as_seconds(), nanos: 0 }),
        traceparent: String::new(),
        source_number: number.to_string(),
    };
    let request = pb::IngestEventsRequest { events: vec![event] };
    let results = stage.memberships().ingest_events(request).await.expect("takes").into_inner().results;
    assert_eq!(results[0].outcome(), pb::IngestOutcome::Done, "{results:?}");
}

fn email_changed() -> identity::domain_event::Event {
    identity::domain_event::Event::EmailChanged(identity::EmailChanged {
        old_email: "ada@example.org".to_owned(),
        new_email: "lovelace@example.org".to_owned(),
    })
}

/// Computes the hashes of a chain from what everybody who may read it is sent.
fn recomputes(events: &[pb::AuditEvent]) -> bool {
    let id = |text: &str| (!text.is_empty()).then(|| Uuid::parse_str(text).expect("an id"));
    let mut previous = GENESIS;
    events.iter().all(|event| {
        let time = event.occurred_time.expect("a time");
        let details: BTreeMap<String, String> = event.details.clone().into_iter().collect();
        let commitment: [u8; 32] = event.details_commitment.as_slice().try_into().expect("a hash");
        let entry = Entry {
            chain: id(&event.organization_id).unwrap_or_default(),
            sequence: number(event),
            event_id: id(&event.event_id).expect("an id"),
            topic: &event.topic,
            actor: id(&event.actor_id),
            on_behalf_of: id(&event.on_behalf_of_id),
            target: id(&event.target_id),
            request_id: &event.request_id,
            occurred: Timestamp::from_micros(time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000),
            source_number: event.source_number.parse().expect("a number"),
            sealed_for: id(&event.sealed_for_id),
            commitment,
        };
        previous = entry.hash(&previous);
        previous.as_slice() == event.hash && (event.is_erased || commit(&details, &event.salt) == commitment)
    })
}

on_each_database! {
    /// ASVS: T34
    async fn entries_are_numbered_without_gaps_and_anyone_can_compute_their_hashes(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        stage.block(owner, user).await.expect("blocks");
        stage.found("Other").await;
        settle(&stage).await;
        let events = entries(&stage, acme).await;
        assert_eq!(events.iter().map(number).collect::<Vec<_>>(), (1..=i64::try_from(events.len()).expect("few")).collect::<Vec<_>>());
        assert!(recomputes(&events));
        assert!(events.iter().all(|event| event.source_number != "0"), "the relay numbers what it hands over");
        let report = verify(&stage, owner, "").await;
        assert_eq!((report.verified_count, report.findings.len()), (i32::try_from(events.len()).expect("few"), 0));
        let end = &report.checkpoints[0];
        assert_eq!((&end.organization_id, &end.sequence), (&acme.to_string(), &events.last().expect("some").sequence));
        assert_eq!(end.hash, events.last().expect("some").hash);
        let all = verify(&stage, stage.admin, "-").await;
        assert!(all.findings.is_empty() && all.verified_count > report.verified_count, "{all:?}");
    }

    async fn what_was_taken_is_listed_at_once_and_chained_in_the_order_of_its_chain(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.drain().await;
        let request = pb::ListAuditEventsRequest { page_size: 1_000, ..Default::default() };
        let listed = stage.audit(owner).list_audit_events(request.clone()).await.expect("lists").into_inner();
        assert!(!listed.audit_events.is_empty() && listed.audit_events.iter().all(|event| event.sequence.is_empty()));
        stage.clock.advance(Duration::from_secs(7));
        let late = stage.audit(owner).list_audit_events(request.clone()).await.expect("lists").into_inner();
        assert!(late.lag.expect("stated").seconds >= 7, "what waits for its number counts");
        settle(&stage).await;
        assert!(entries(&stage, acme).await.iter().all(|event| !event.sequence.is_empty()));
        let now = stage.audit(owner).list_audit_events(request).await.expect("lists").into_inner();
        assert!(now.lag.expect("stated").seconds < 7);
    }

    async fn two_replicas_that_die_and_lose_their_leases_never_fork_a_chain(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let replicas = [stage.replica(), stage.replica()];
        for _ in 0..6 {
            stage.add_active(owner, acme, &["GUEST"]).await;
            stage.found(&format!("Other {}", stage.random_id())).await;
            stage.drain().await;
            // Both are past the lease of whoever held it, so both try to take it.
            stage.clock.advance(Duration::from_secs(3));
            let tasks = TaskTracker::new();
            let works = replicas.clone().map(|replica| tasks.spawn(async move { replica.chain_audit().await }));
            let [one, other] = works;
            for _ in 0..stage.draw(4) {
                tokio::task::yield_now().await;
            }
            // A process that dies leaves its transaction to be rolled back.
            if stage.draw(2) == 0 {
                one.abort();
            }
            let _ = (one.await, other.await);
        }
        stage.clock.advance(Duration::from_secs(3));
        settle(&stage).await;
        let report = verify(&stage, stage.admin, "-").await;
        assert!(report.findings.is_empty(), "{report:?}");
        assert!(recomputes(&entries(&stage, acme).await));
    }

    async fn a_holder_of_the_lease_keeps_the_others_waiting_and_its_end_lets_them(database) {
        let stage = Stage::open(&database).await;
        let (first, second) = (stage.replica(), stage.replica());
        stage.drain().await;
        assert!(first.chain_audit().await.expect("chains") > 0);
        stage.found("Acme").await;
        stage.drain().await;
        assert_eq!(second.chain_audit().await.expect("waits"), 0);
        stage.clock.advance(Duration::from_secs(3));
        assert!(second.chain_audit().await.expect("chains") > 0);
    }

    /// ASVS: V16.2.5
    async fn who_is_erased_is_named_by_no_detail_any_more_and_the_chain_still_verifies(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        take(&stage, acme, user, "identity.email_changed", email_changed()).await;
        settle(&stage).await;
        let find = |events: Vec<pb::AuditEvent>| events.into_iter().find(|event| event.topic == "identity.email_changed").expect("listed");
        let before = find(entries(&stage, acme).await);
        assert_eq!((before.details["old_email"].as_str(), before.is_erased), ("ada@example.org", false));
        assert_eq!(before.sealed_for_id, user.to_string());
        let erased = identity::domain_event::Event::UserDeleted(identity::UserDeleted { erased: true });
        take(&stage, acme, user, "identity.user_deleted", erased).await;
        // What comes later is told without details, too.
        take(&stage, acme, user, "identity.email_changed", email_changed()).await;
        settle(&stage).await;
        let events = entries(&stage, acme).await;
        let told: Vec<_> = events.iter().filter(|event| event.topic == "identity.email_changed").collect();
        assert!(told.len() == 2 && told.iter().all(|event| event.is_erased && event.details.is_empty() && event.salt.is_empty()));
        assert_eq!(find(events.clone()).hash, before.hash);
        assert!(recomputes(&events));
        let report = verify(&stage, owner, "").await;
        assert!(report.findings.is_empty() && report.erased_count >= 2, "{report:?}");
        let row = stage.database.reader();
        let text = "SELECT count(*) AS n FROM audit_events WHERE details LIKE '%example.org%' AND topic = 'identity.email_changed'";
        let found = row.query_one_raw(crate::audit_tamper::statement(&row, text)).await.expect("asks").expect("a row");
        assert_eq!(found.try_get::<i64>("", "n").expect("a count"), 0);
    }

    async fn a_chain_that_grew_is_signed_after_a_minute(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        settle(&stage).await;
        assert_eq!(stage.organization.sign_audit().await.expect("looks"), 0);
        stage.clock.advance(Duration::from_secs(61));
        assert!(stage.organization.sign_audit().await.expect("signs") >= 2);
        assert_eq!(stage.organization.sign_audit().await.expect("looks"), 0, "nothing grew");
        let report = verify(&stage, owner, "").await;
        assert_eq!((report.checkpoint_count, report.findings.len()), (1, 0), "{report:?}");
    }

    async fn numbers_that_never_arrive_are_told(database) {
        let stage = Stage::open(&database).await;
        let failed = || identity::DomainEvent {
            event: Some(identity::domain_event::Event::LoginFailed(identity::LoginFailed { reason: "throttled".to_owned() })),
            ..Default::default()
        };
        for number in [5, 8, 6] {
            take_numbered(&stage, "identity.login_failed", &failed(), number).await;
        }
        settle(&stage).await;
        let missing = |report: pb::VerifyAuditLogResponse| -> Vec<String> {
            let is_missing = |finding: &pb::AuditFinding| finding.kind() == pb::AuditFindingKind::EventsNotArrived;
            report.findings.into_iter().filter(is_missing).map(|finding| finding.description).collect()
        };
        assert!(missing(verify(&stage, stage.admin, "-").await).is_empty(), "it may still be on its way");
        stage.clock.advance(Duration::from_secs(61));
        assert_eq!(missing(verify(&stage, stage.admin, "-").await), ["event 7 of identity has not arrived"]);
        take_numbered(&stage, "identity.login_failed", &failed(), 7).await;
        assert!(missing(verify(&stage, stage.admin, "-").await).is_empty());
    }

    async fn an_event_is_read_by_who_may_and_foreign_ids_are_as_good_as_random_ones(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (other, _) = stage.found("Other").await;
        settle(&stage).await;
        let own = entries(&stage, acme).await.remove(0);
        let foreign = entries(&stage, other).await.remove(0);
        let get = async |caller: UserId, event_id: &str| {
            let request = pb::GetAuditEventRequest { event_id: event_id.to_owned() };
            stage.audit(caller).get_audit_event(request).await.map(|answer| answer.into_inner().audit_event)
        };
        assert_eq!(get(owner, &own.event_id).await.expect("reads"), Some(own));
        assert_eq!(get(stage.admin, &foreign.event_id).await.expect("reads"), Some(foreign.clone()));
        let hidden = get(owner, &foreign.event_id).await.expect_err("hidden");
        let random = get(owner, &stage.random_id()).await.expect_err("hidden");
        assert_eq!(bytes(&hidden), bytes(&random));
        assert_eq!(refused(get(owner, &foreign.event_id).await), "AUDIT_EVENT_NOT_FOUND");
        assert_eq!(refused(get(owner, "nonsense").await), "REQUEST_INVALID");
    }

    async fn filters_that_no_index_answers_are_refused_and_a_window_narrows_any(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        stage.clock.advance(Duration::from_secs(100));
        let since = stage.now();
        stage.block(owner, user).await.expect("blocks");
        settle(&stage).await;
        let list = async |request| stage.audit(owner).list_audit_events(request).await.map(|answer| answer.into_inner().audit_events);
        let by_target = || pb::ListAuditEventsRequest { target_id: user.to_string(), ..Default::default() };
        let both = pb::ListAuditEventsRequest { actor_id: owner.to_string(), ..by_target() };
        assert_eq!(refused(list(both).await), "FILTER_NOT_INDEXED");
        let time = prost_types::Timestamp { seconds: since.as_seconds(), nanos: i32::try_from(since.subsec_nanos()).expect("small") };
        let late = list(pb::ListAuditEventsRequest { start_time: Some(time), ..by_target() }).await.expect("lists");
        assert_eq!(late.iter().map(|event| event.topic.as_str()).collect::<Vec<_>>(), ["organization.member_blocked"]);
        let early = list(pb::ListAuditEventsRequest { end_time: Some(time), ..by_target() }).await.expect("lists");
        assert!(!early.is_empty() && early.iter().all(|event| event.topic != "organization.member_blocked"));
        let by_actor = pb::ListAuditEventsRequest { actor_id: owner.to_string(), start_time: Some(time), ..Default::default() };
        assert_eq!(list(by_actor).await.expect("lists").len(), 1);
        let turned = pb::ListAuditEventsRequest { start_time: Some(time), end_time: Some(time), ..Default::default() };
        assert_eq!(refused(list(turned).await), "REQUEST_INVALID");
    }

    async fn pages_stay_as_they_are_while_entries_are_added(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.add_active(owner, acme, &["GUEST"]).await;
        stage.add_active(owner, acme, &["GUEST"]).await;
        settle(&stage).await;
        let whole: Vec<String> = entries(&stage, acme).await.into_iter().map(|event| event.event_id).collect();
        let (mut paged, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListAuditEventsRequest { page_size: 2, page_token, ..Default::default() };
            let page = stage.audit(owner).list_audit_events(request).await.expect("lists").into_inner();
            paged.extend(page.audit_events.into_iter().map(|event| event.event_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
            stage.clock.advance(Duration::from_secs(1));
            stage.add_active(owner, acme, &["GUEST"]).await;
            settle(&stage).await;
        }
        paged.sort();
        let mut whole = whole;
        whole.sort();
        assert_eq!(paged, whole);
    }
}
