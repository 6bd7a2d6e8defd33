//! Who stands behind an address: the first account that proves it, in whichever order things happen.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::{identity, organization::v1 as pb};
use rolecall_kernel::id::{EventId, OrganizationId, UserId};
use rolecall_kernel::key::Purpose;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;

use crate::asset_policies::{Ground, activate, get, revoke};
use crate::stage::Stage;

const ADA: &str = "ada@example.org";

/// The event by which identity tells that an account proved an address.
fn proof(stage: &Stage, email: &str, user: UserId, organization: OrganizationId) -> pb::IngestedEvent {
    let email = EmailAddress::parse(email).expect("an address");
    let address_hash = stage.master_key.keyed_hash(Purpose::ProvenAddress).address(&email);
    let proven = identity::v1::domain_event::Event::EmailProven(identity::v1::EmailProven { address_hash });
    let event = identity::v1::DomainEvent {
        organization_id: organization.to_string(),
        target_id: user.to_string(),
        event: Some(proven),
        ..Default::default()
    };
    let now = stage.clock.now();
    pb::IngestedEvent {
        event_id: EventId::new(now, &stage.entropy).to_string(),
        topic: "identity.email_proven".to_owned(),
        payload: event.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp { seconds: now.as_seconds(), nanos: 0 }),
        ..Default::default()
    }
}

async fn tell(stage: &Stage, event: pb::IngestedEvent) {
    let request = pb::IngestEventsRequest { events: vec![event] };
    let results = stage.memberships().ingest_events(request).await.expect("takes").into_inner().results;
    assert_eq!(results[0].outcome(), pb::IngestOutcome::Done, "{results:?}");
}

async fn states(stage: &Stage, ground: &Ground, id: &str) -> Vec<pb::BeneficiaryState> {
    let policy = get(stage, ground.owner, id).await.expect("reads");
    policy.beneficiaries.iter().map(pb::Beneficiary::state).collect()
}

use pb::BeneficiaryState::{Bound, Ended, Waiting};

on_each_database! {
    async fn who_proved_an_address_before_is_bound_at_once(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let (elsewhere, owner) = stage.found("Other").await;
        let ada = stage.add_active(owner, elsewhere, &["DATA_SCIENTIST"]).await;
        stage.identity.prove(ADA, &ada.to_string());
        let policy = ground.create(&stage, &[ADA, "bob@example.org"]).await;
        assert_eq!(policy.beneficiaries.iter().map(pb::Beneficiary::state).collect::<Vec<_>>(), [Bound, Waiting]);
        assert!(policy.beneficiaries[0].bind_time.is_some());
        assert_eq!(stage.mailed().await.len(), 0, "a draft opens nothing");
        activate(&stage, ground.owner, &policy.asset_policy_id).await.expect("activates");
        revoke(&stage, ground.owner, &policy.asset_policy_id).await.expect("revokes");
        let mailed = stage.mailed().await;
        assert_eq!(mailed, ["organization.asset_policy_activated", "organization.asset_policy_revoked"]);
    }

    async fn who_proves_an_address_later_is_bound_then_once_and_for_all(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let id = ground.create(&stage, &[ADA]).await.asset_policy_id;
        activate(&stage, ground.owner, &id).await.expect("activates");
        let ada = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        let event = proof(&stage, "Ada@Example.org", ada, ground.organization);
        for _ in 0..2 {
            tell(&stage, event.clone()).await;
            assert_eq!(states(&stage, &ground, &id).await, [Bound]);
        }
        let told = stage.audited(ground.owner, &ada.to_string()).await;
        let count = |told: &[String], topic: &str| told.iter().filter(|name| *name == topic).count();
        assert_eq!(count(&told, "asset_policy_beneficiary_bound"), 1);
        let mailed = stage.mailed().await;
        assert_eq!(count(&mailed, "organization.asset_policy_beneficiary_bound"), 1);
        let second = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        tell(&stage, proof(&stage, ADA, second, ground.organization)).await;
        let told = stage.audited(ground.owner, &second.to_string()).await;
        assert_eq!(count(&told, "asset_policy_beneficiary_bound"), 0, "the first one stays the one");
    }

    async fn a_proof_between_the_question_and_the_policy_is_not_missed(database) {
        let stage = Arc::new(Stage::open(&database).await);
        let ground = Ground::lay(&stage, "Acme").await;
        let ada = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        let gate = stage.identity.hold_next_answer();
        let (asked, policy) = (Arc::clone(&stage), ground.policy(&[ADA]));
        let owner = ground.owner;
        let creation = async move { crate::asset_policies::create(&asked, owner, policy).await };
        let proving = async {
            // Identity has answered that nobody proved it, and the answer is on its way.
            gate.until_held().await;
            tell(&stage, proof(&stage, ADA, ada, ground.organization)).await;
            gate.release();
        };
        let (created, ()) = futures::future::join(creation, proving).await;
        let created = created.expect("creates");
        assert_eq!(created.beneficiaries[0].state(), Bound);
        assert_eq!(states(&stage, &ground, &created.asset_policy_id).await, [Bound]);
    }

    async fn a_proof_that_was_given_up_long_ago_binds_nobody(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let ada = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        tell(&stage, proof(&stage, ADA, ada, ground.organization)).await;
        // Identity says that nobody has the address any more.
        let policy = ground.create(&stage, &[ADA]).await;
        assert_eq!(policy.beneficiaries[0].state(), Waiting);
    }

    async fn deletion_ends_a_bond_and_nobody_takes_its_place(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let ada = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        stage.identity.prove(ADA, &ada.to_string());
        let id = ground.create(&stage, &[ADA]).await.asset_policy_id;
        let request = pb::EndMemberRequest { user_id: ada.to_string(), actor_id: ground.owner.to_string() };
        stage.memberships().end_member(request).await.expect("ends");
        assert_eq!(states(&stage, &ground, &id).await, [Ended]);
        let second = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        tell(&stage, proof(&stage, ADA, second, ground.organization)).await;
        assert_eq!(states(&stage, &ground, &id).await, [Ended]);
        // Identity may not have heard of the deletion yet; a proof may be told after it.
        assert_eq!(ground.create(&stage, &[ADA]).await.beneficiaries[0].state(), Waiting);
        let third = ground.create(&stage, &["bob@example.org"]).await.asset_policy_id;
        tell(&stage, proof(&stage, "bob@example.org", ada, ground.organization)).await;
        assert_eq!(states(&stage, &ground, &third).await, [Waiting]);
    }

    async fn deletion_and_proof_at_once_leave_no_living_bond_of_a_dead_account(database) {
        let stage = Arc::new(Stage::open(&database).await);
        let ground = Ground::lay(&stage, "Acme").await;
        for round in 0..5 {
            let email = format!("p{round}@example.org");
            let id = ground.create(&stage, &[&email]).await.asset_policy_id;
            let user = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
            let event = proof(&stage, &email, user, ground.organization);
            let request = pb::EndMemberRequest { user_id: user.to_string(), actor_id: ground.owner.to_string() };
            let (one, two) = (Arc::clone(&stage), Arc::clone(&stage));
            let ending = async move { one.memberships().end_member(request).await };
            let (ended, ()) = futures::future::join(ending, async move { tell(&two, event).await }).await;
            ended.expect("ends");
            assert_ne!(states(&stage, &ground, &id).await, [Bound], "round {round}");
        }
    }
}
