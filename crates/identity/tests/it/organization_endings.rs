//! Organizations that were deleted: everything of theirs ends here.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_api::organization::v1 as organization;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;

use crate::harness::{ADMIN, World, bearer, create_user, reason};

async fn tell(world: &World, organization_id: &str, actor: &User) -> Vec<IngestOutcome> {
    let deleted = organization::OrganizationDeleted { name: "Difference Engines".to_owned() };
    let now = world.clock.now();
    let event = organization::DomainEvent {
        actor_id: actor.user_id.clone(),
        organization_id: organization_id.to_owned(),
        event: Some(organization::domain_event::Event::OrganizationDeleted(deleted)),
        ..Default::default()
    };
    let event = IngestedEvent {
        event_id: EventId::new(now, &SystemEntropy).to_string(),
        topic: "organization.organization_deleted".to_owned(),
        payload: event.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp { seconds: now.as_seconds(), nanos: 0 }),
        traceparent: String::new(),
    };
    // A repeat does nothing.
    let request = bearer(&world.service_token(), IngestEventsRequest { events: vec![event.clone(), event] });
    let answer = world.directory().ingest_events(request).await.expect("taken").into_inner();
    answer.results.iter().map(IngestResult::outcome).collect()
}

async fn program(world: &World, token: &str) -> (ServiceAccount, String) {
    let request = CreateServiceAccountRequest {
        name: "Data platform".to_owned(),
        permissions: vec!["identity.users.list".to_owned()],
        ..Default::default()
    };
    let made = world.service_accounts().create_service_account(bearer(token, request)).await.expect("made");
    let account = made.into_inner().service_account.expect("an account");
    let request = CreateApiKeyRequest { service_account_id: account.service_account_id.clone(), ..Default::default() };
    let key = world.service_accounts().create_api_key(bearer(token, request)).await.expect("made").into_inner();
    (account, key.secret)
}

on_each_database! {
    /// ASVS: V7.4.2
    async fn the_accounts_and_programs_of_a_deleted_organization_end_and_no_others(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let kept = world.join(&root, "kept@example.org", "GUEST").await;
        let (id, owner) = world.second_organization("charles@example.org").await;
        let guest = world.join(&owner.access_token, "guest@example.org", "GUEST").await;
        let (_, code) = world.invite(&owner.access_token, "late@example.org", "GUEST").await;
        let (_, key) = program(&world, &owner.access_token).await;
        assert_eq!(tell(&world, &id, &admin).await, [IngestOutcome::Done, IngestOutcome::Done]);
        assert_eq!(world.identity.recover().await, 4);
        assert_eq!(world.identity.recover().await, 0);
        let over = world.accounts().get_account(bearer(&owner.access_token, GetAccountRequest {})).await;
        assert_eq!(reason(&over.expect_err("over")), "SESSION_ENDED");
        let late = world.accept(&code).await.expect_err("over");
        assert_eq!(reason(&late), "INVITATION_NOT_FOUND");
        let exchange = world.authentication().exchange_api_key(ExchangeApiKeyRequest { api_key: key, ..Default::default() }).await;
        assert_eq!(reason(&exchange.expect_err("over")), "CREDENTIALS_REFUSED");
        for (user_id, stays) in [(guest.user_id, false), (kept.user_id, true)] {
            let get = GetUserRequest { user_id };
            assert_eq!(world.users().get_user(bearer(&root, get)).await.is_ok(), stays);
        }
        assert_eq!(world.rows("users WHERE deleted IS NULL").await, 2);
        assert_eq!(world.rows("service_accounts").await, 0);
        let again = world.users().create_user(bearer(&root, create_user("guest@example.org", "GUEST"))).await;
        assert_eq!(reason(&again.expect_err("reserved until it is purged")), "EMAIL_TAKEN");
    }

    async fn it_is_looked_for_what_was_on_its_way_for_a_while(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let (id, _) = world.second_organization("charles@example.org").await;
        tell(&world, &id, &admin).await;
        assert_eq!(world.identity.recover().await, 1);
        assert_eq!(world.rows("organization_endings").await, 1);
        world.clock.advance(Duration::from_mins(10));
        assert_eq!(world.identity.recover().await, 0);
        assert_eq!(world.rows("organization_endings").await, 0);
    }

    async fn an_organization_that_cannot_be_ended_keeps_no_other_from_its_end(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let (one, _) = world.second_organization("charles@example.org").await;
        world.clock.advance(Duration::from_millis(1));
        let (other, _) = world.second_organization("luigi@example.org").await;
        tell(&world, &one, &admin).await;
        tell(&world, &other, &admin).await;
        world.execute("UPDATE users SET email = 'unreadable' WHERE email = 'charles@example.org'").await;
        assert_eq!(world.identity.recover().await, 1, "the other");
        world.execute("UPDATE users SET email = 'charles@example.org' WHERE email = 'unreadable'").await;
        assert_eq!(world.identity.recover().await, 1, "it is tried again");
    }
}
