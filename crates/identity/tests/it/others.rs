//! What the other services of the suite ask and tell.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_api::organization::v1 as organization;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{EventId, OrganizationId, UserId};
use rolecall_kernel::time::{Clock as _, Timestamp};
use rolecall_testkit::on_each_database;
use tonic::Code;

use crate::harness::{ADMIN, World, bearer, reason};

fn blocked_event(world: &World, user_id: &str, at: Timestamp) -> IngestedEvent {
    let event = organization::DomainEvent {
        target_id: user_id.to_owned(),
        event: Some(organization::domain_event::Event::MemberBlocked(organization::MemberBlocked::default())),
        ..Default::default()
    };
    IngestedEvent {
        event_id: EventId::new(world.clock.now(), &SystemEntropy).to_string(),
        topic: "organization.member_blocked".to_owned(),
        payload: event.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp {
            seconds: at.as_seconds(),
            nanos: at.subsec_nanos().cast_signed(),
        }),
        traceparent: String::new(),
    }
}

async fn ingest(world: &World, events: Vec<IngestedEvent>) -> Vec<IngestOutcome> {
    let request = bearer(&world.service_token(), IngestEventsRequest { events });
    let answer = world.directory().ingest_events(request).await.expect("taken").into_inner();
    answer.results.iter().map(IngestResult::outcome).collect()
}

on_each_database! {
    /// ASVS: T11
    async fn asvs_v7_4_2_a_block_ends_the_sessions_begun_before_it_and_none_begun_after(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let user = world.join(&root.access_token, "ada@example.org", "GUEST").await;
        let before = world.log_in("ada@example.org").await;
        let blocked_at = world.clock.advance(Duration::from_secs(1));
        world.clock.advance(Duration::from_secs(1));
        let after = world.log_in("ada@example.org").await;
        let event = blocked_event(&world, &user.user_id, blocked_at);
        assert_eq!(ingest(&world, vec![event.clone(), event]).await, [IngestOutcome::Done, IngestOutcome::Done]);
        let account = |token: String| {
            let mut accounts = world.accounts();
            async move { accounts.get_account(bearer(&token, GetAccountRequest {})).await }
        };
        let refused = account(before.access_token).await.expect_err("over");
        assert_eq!(reason(&refused), "SESSION_ENDED");
        account(after.access_token).await.expect("goes on");
        world.identity.relay().drain().await;
        let ended = world.peers.topics().into_iter().filter(|topic| topic == "identity.session_ended").count();
        assert_eq!(ended, 1, "the repeat did nothing");
    }

    async fn events_that_cannot_be_read_are_parked_and_those_of_others_done(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let good = blocked_event(&world, &admin.user_id, world.clock.now());
        let events = vec![
            IngestedEvent { payload: vec![0xff; 9], ..good.clone() },
            IngestedEvent { event_id: "nothing".to_owned(), ..good.clone() },
            IngestedEvent { topic: "organization.member_unblocked".to_owned(), ..good },
        ];
        let expected = [IngestOutcome::Park, IngestOutcome::Park, IngestOutcome::Done];
        assert_eq!(ingest(&world, events).await, expected);
    }

    async fn the_first_owner_is_invited_once_however_often_it_is_asked_for(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let now = world.clock.now();
        let request = InviteFirstOwnerRequest {
            user_id: UserId::new(now, &SystemEntropy).to_string(),
            organization_id: OrganizationId::new(now, &SystemEntropy).to_string(),
            organization_name: "Difference Engines".to_owned(),
            actor_id: admin.user_id.clone(),
            email: "owner@example.org".to_owned(),
            name: "Charles Babbage".to_owned(),
            ..Default::default()
        };
        for _ in 0..3 {
            world.directory().invite_first_owner(bearer(&world.service_token(), request.clone())).await.expect("invited");
        }
        world.identity.relay().drain().await;
        assert_eq!(world.peers.known().mail.len(), 1);
        let other = InviteFirstOwnerRequest { user_id: UserId::new(now, &SystemEntropy).to_string(), ..request };
        let refused = world.directory().invite_first_owner(bearer(&world.service_token(), other)).await.expect_err("taken");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "EMAIL_TAKEN"));
        let ask = BatchGetContactsRequest { subject_ids: vec![admin.user_id.clone(), UserId::new(now, &SystemEntropy).to_string()] };
        let contacts = world.directory().batch_get_contacts(bearer(&world.service_token(), ask)).await.expect("told").into_inner().contacts;
        assert_eq!(contacts.len(), 1);
        assert_eq!((contacts[0].email.as_str(), contacts[0].name.as_str()), (ADMIN, "Grace Hopper"));
    }

    async fn asvs_v8_3_3_people_cannot_call_what_is_between_services(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let refused = world.directory().batch_get_contacts(bearer(&token, BatchGetContactsRequest::default())).await;
        assert_eq!(refused.expect_err("refused").code(), Code::PermissionDenied);
    }

    /// ASVS: V14.2.4, T35, T40
    async fn asvs_v10_1_1_no_event_and_no_stored_row_holds_a_code_in_the_clear(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let (_, code) = world.invite(&token, "ada@example.org", "GUEST").await;
        let known = world.peers.known();
        let holds = |payload: &[u8]| payload.windows(code.len()).any(|part| part == code.as_bytes());
        assert!(!known.audit.iter().any(|event| holds(&event.payload)));
        assert!(!known.mail.iter().any(|event| holds(&event.payload)));
    }
}
