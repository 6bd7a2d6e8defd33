//! Who stands behind an address: the first account that proves it, in whichever order things happen.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::{identity, organization::v1 as pb};
use rolecall_kernel::id::{EventId, OrganizationId, UserId};
use rolecall_kernel::key::Purpose;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;

use crate::asset_policies::{Ground, activate, create, get, revoke};
use crate::stage::{Stage, refused};

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
        assert_eq!(stage.mailed().await.len(), 0, "a draft opens nothing");
        let policy = activate(&stage, ground.owner, &policy.asset_policy_id).await.expect("activates");
        assert_eq!(policy.beneficiaries.iter().map(pb::Beneficiary::state).collect::<Vec<_>>(), [Bound, Waiting]);
        assert!(policy.beneficiaries[0].bind_time.is_some());
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
        let creation = async move { create(&asked, owner, policy).await };
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

    /// ASVS: V8.2.2
    async fn attack_t03_a_draft_tells_nobody_who_has_an_account_elsewhere(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let (elsewhere, owner) = stage.found("Other").await;
        let (ada, bob) = (stage.add_active(owner, elsewhere, &["GUEST"]).await, stage.add_active(owner, elsewhere, &["GUEST"]).await);
        stage.identity.prove(ADA, &ada.to_string());
        let policy = ground.create(&stage, &[ADA, "bob@example.org", "nobody@example.org"]).await;
        tell(&stage, proof(&stage, "bob@example.org", bob, elsewhere)).await;
        let read = get(&stage, ground.owner, &policy.asset_policy_id).await.expect("reads");
        for known in policy.beneficiaries.iter().chain(&read.beneficiaries) {
            assert_eq!((known.state(), known.bind_time), (Waiting, None), "{}", known.email);
        }
        assert_eq!(read.etag, policy.etag);
        assert_eq!(stage.audited(ground.owner, &bob.to_string()).await, Vec::<String>::new());
        let entries = stage.details(ground.owner, "organization.asset_policy_created").await;
        assert!(entries.len() == 1 && !entries[0].contains(&ada.to_string()), "{entries:?}");
        activate(&stage, ground.owner, &policy.asset_policy_id).await.expect("activates");
        assert_eq!(states(&stage, &ground, &policy.asset_policy_id).await, [Bound, Bound, Waiting]);
    }

    /// ASVS: V2.4.1
    async fn attack_t03_an_organization_learns_of_a_hundred_accounts_of_others_a_day(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let (elsewhere, owner) = stage.found("Other").await;
        let other = stage.add_active(owner, elsewhere, &["GUEST"]).await;
        let own = stage.add_active(ground.owner, ground.organization, &["GUEST"]).await;
        stage.identity.prove("own@example.org", &own.to_string());
        let emails: Vec<String> = (0..120).map(|number| format!("p{number}@example.org")).collect();
        for email in &emails {
            stage.identity.prove(email, &other.to_string());
        }
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        let begin = async |emails: &[&str]| ground.create(&stage, emails).await.asset_policy_id;
        let (first, second) = (begin(&emails[..60]).await, begin(&emails[60..]).await);
        let (nobody, mine) = (begin(&["nobody@example.org"]).await, begin(&["own@example.org"]).await);
        for _ in 0..2 {
            activate(&stage, ground.owner, &first).await.expect("what is active stays so and counts once");
        }
        let beyond = activate(&stage, ground.owner, &second).await.expect_err("60 of 40");
        assert_eq!(beyond.code(), tonic::Code::ResourceExhausted);
        assert_eq!(refused(Err::<(), _>(beyond)), "BENEFICIARY_LIMIT_REACHED");
        assert_eq!(states(&stage, &ground, &second).await, [Waiting; 60]);
        let unknown = activate(&stage, ground.owner, &nobody).await;
        assert_eq!(refused(unknown), "BENEFICIARY_LIMIT_REACHED", "whether there is anybody is not told");
        activate(&stage, ground.owner, &mine).await.expect("of its own members it knows anyway");
        stage.clock.advance(Duration::from_hours(24));
        activate(&stage, ground.owner, &second).await.expect("on another day");
    }

    async fn an_organization_has_room_for_a_thousand_policies(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let id = ground.create(&stage, &[ADA]).await.asset_policy_id;
        stage.copy_policies(998).await;
        ground.create(&stage, &[ADA]).await;
        let beyond = create(&stage, ground.owner, ground.policy(&[ADA])).await.expect_err("too many");
        assert_eq!(beyond.code(), tonic::Code::ResourceExhausted);
        assert_eq!(refused(Err::<(), _>(beyond)), "ASSET_POLICY_LIMIT_REACHED");
        let ada = stage.add_active(ground.owner, ground.organization, &["GUEST"]).await;
        tell(&stage, proof(&stage, ADA, ada, ground.organization)).await;
        assert_eq!(states(&stage, &ground, &id).await, [Bound]);
        assert_eq!(stage.waiting().await, 0, "all copies of the draft");
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
        assert_eq!(states(&stage, &ground, &id).await, [Bound], "of its own members a draft tells");
        activate(&stage, ground.owner, &id).await.expect("activates");
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
            activate(&stage, ground.owner, &id).await.expect("activates");
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
