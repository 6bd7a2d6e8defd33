//! What policies open: datasets of any organization, to those whom a policy in force names, and nothing else.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::asset_policies::{Ground, activate, create, revoke};
use crate::stage::{Stage, bytes};

const ADA: &str = "ada@example.org";

async fn read(stage: &Stage, asker: UserId, id: &str) -> Result<pb::Dataset, Status> {
    let request = pb::GetDatasetRequest { dataset_id: id.to_owned() };
    Ok(stage.datasets(asker).get_dataset(request).await?.into_inner().dataset.expect("a dataset"))
}

/// Lists everything that somebody reaches.
async fn list(stage: &Stage, asker: UserId) -> Vec<String> {
    let request = pb::ListDatasetsRequest { organization_id: "-".to_owned(), ..Default::default() };
    let page = stage.datasets(asker).list_datasets(request).await.expect("lists").into_inner();
    page.datasets.into_iter().map(|dataset| dataset.dataset_id).collect()
}

/// Makes a scientist of another organization who proved an address.
async fn ada(stage: &Stage, role: &str) -> UserId {
    let (elsewhere, owner) = stage.found("Other").await;
    let ada = stage.add_active(owner, elsewhere, &[role]).await;
    stage.identity.prove(ADA, &ada.to_string());
    ada
}

on_each_database! {
    async fn a_policy_opens_its_datasets_to_its_beneficiaries_while_it_is_in_force(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let ada = ada(&stage, "DATA_SCIENTIST").await;
        let (opened, other) = (ground.datasets[0].clone(), ground.datasets[1].clone());
        let end_time = Some(prost_types::Timestamp { seconds: stage.clock.now().as_seconds() + 600, nanos: 0 });
        let policy = pb::AssetPolicy { dataset_ids: vec![opened.clone()], end_time, ..ground.policy(&[ADA]) };
        let id = create(&stage, ground.owner, policy).await.expect("creates").asset_policy_id;
        let random = read(&stage, ada, &stage.random_id()).await.expect_err("none");
        let hidden = read(&stage, ada, &opened).await.expect_err("a draft opens nothing");
        assert_eq!(bytes(&hidden), bytes(&random));
        activate(&stage, ground.owner, &id).await.expect("activates");
        assert_eq!(read(&stage, ada, &opened).await.expect("reads").organization_id, ground.organization.to_string());
        assert_eq!(bytes(&read(&stage, ada, &other).await.expect_err("hidden")), bytes(&random));
        assert_eq!(list(&stage, ada).await, std::slice::from_ref(&opened));
        let change = pb::DeleteDatasetRequest { dataset_id: opened.clone(), ..Default::default() };
        let refused = stage.datasets(ada).delete_dataset(change).await.expect_err("reading is not changing");
        assert_eq!(refused.code(), Code::PermissionDenied);
        stage.clock.advance(std::time::Duration::from_mins(10));
        assert_eq!(bytes(&read(&stage, ada, &opened).await.expect_err("it has ended")), bytes(&random));
        assert_eq!(list(&stage, ada).await, Vec::<String>::new());
    }

    async fn who_is_revoked_taken_out_or_suspended_reaches_nothing_from_the_answer_on(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let ada = ada(&stage, "DATA_STEWARD").await;
        let mut ids = Vec::new();
        for index in 0..2 {
            let dataset_ids = vec![ground.datasets[index].clone()];
            let policy = pb::AssetPolicy { dataset_ids, ..ground.policy(&[ADA, "bob@example.org"]) };
            let id = create(&stage, ground.owner, policy).await.expect("creates").asset_policy_id;
            activate(&stage, ground.owner, &id).await.expect("activates");
            ids.push(id);
        }
        assert_eq!(list(&stage, ada).await, ground.datasets);
        revoke(&stage, ground.owner, &ids[0]).await.expect("revokes");
        assert_eq!(list(&stage, ada).await, [ground.datasets[1].clone()]);
        let without = pb::AssetPolicy {
            asset_policy_id: ids[1].clone(),
            beneficiaries: vec![crate::asset_policies::beneficiary("bob@example.org")],
            ..Default::default()
        };
        let request = pb::UpdateAssetPolicyRequest { asset_policy: Some(without), ..Default::default() };
        stage.policies(ground.owner).update_asset_policy(request).await.expect("narrows");
        assert_eq!(list(&stage, ada).await, Vec::<String>::new());
        let policy = ground.create(&stage, &[ADA]).await.asset_policy_id;
        activate(&stage, ground.owner, &policy).await.expect("activates");
        assert_eq!(list(&stage, ada).await, ground.datasets);
        stage.suspend(ground.organization).await;
        assert_eq!(list(&stage, ada).await, Vec::<String>::new());
    }

    async fn nothing_is_opened_to_guests_and_owners_of_others_see_what_names_them(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let (elsewhere, owner) = stage.found("Third").await;
        let guest = stage.add_active(owner, elsewhere, &["GUEST"]).await;
        stage.identity.prove("guest@example.org", &guest.to_string());
        stage.identity.prove("owner@example.org", &owner.to_string());
        let policy = ground.create(&stage, &["guest@example.org", "owner@example.org"]).await;
        activate(&stage, ground.owner, &policy.asset_policy_id).await.expect("activates");
        let refused = read(&stage, guest, &ground.datasets[0]).await.expect_err("a guest");
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(list(&stage, owner).await, ground.datasets);
        let admin = list(&stage, stage.admin).await;
        assert_eq!(admin, Vec::<String>::new(), "administrators read no data of organizations");
    }

    async fn a_read_beside_a_revocation_is_before_or_after_it(database) {
        let stage = Arc::new(Stage::open(&database).await);
        let ground = Ground::lay(&stage, "Acme").await;
        let ada = ada(&stage, "DATA_SCIENTIST").await;
        for _ in 0..5 {
            let id = ground.create(&stage, &[ADA]).await.asset_policy_id;
            activate(&stage, ground.owner, &id).await.expect("activates");
            let (one, two) = (Arc::clone(&stage), Arc::clone(&stage));
            let owner = ground.owner;
            let revoking = async move { revoke(&one, owner, &id).await };
            let reading = async move { list(&two, ada).await };
            let (revoked, seen) = futures::future::join(revoking, reading).await;
            revoked.expect("revokes");
            assert!(seen.is_empty() || seen == ground.datasets, "all or nothing: {seen:?}");
            assert_eq!(list(&stage, ada).await, Vec::<String>::new(), "whoever asks after the answer reaches nothing");
        }
    }
}
