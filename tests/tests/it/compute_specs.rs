//! A computation over the data of two organizations: each opens its own by a policy and reviews its own part, the
//! people concerned are told, and the end of a policy ends it.

use rolecall_api::organization::v1 as pb;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::Code;

use crate::world;

const THREE_POSTGRES: Plan =
    Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };

const MIA: &str = "mia@beta.example";

#[tokio::test]
async fn two_organizations_allow_a_computation_and_one_ends_it_in_one_process() {
    tell(Plan { post: Post::Folder, ..world::ONE_SQLITE }).await;
}

#[tokio::test]
async fn two_organizations_allow_a_computation_and_one_ends_it_in_three_processes() {
    tell(THREE_POSTGRES).await;
}

/// What an owner opens to the scientist.
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
struct Opened {
    dataset_id: String,
    model_id: String,
    asset_policy_id: String,
}

async fn open(owner: &Actor) -> Opened {
    let named = |name: &str| name.to_owned();
    let request = pb::RegisterModelRequest { name: named("Regression"), ..Default::default() };
    let answer = owner.models().register_model(request).await.expect("registers").into_inner();
    let model_id = answer.model.expect("a model").model_id;
    let version = pb::ModelVersion {
        name: named("1.0"),
        parameter_schema: r#"{"required": ["rate"]}"#.to_owned(),
        // The same artifact in both registries.
        artifact_digest: format!("sha256:{}", "0a".repeat(32)),
        ..Default::default()
    };
    let request =
        pb::PutModelVersionRequest { model_id: model_id.clone(), version: Some(version), ..Default::default() };
    owner.models().put_model_version(request).await.expect("puts");
    let request =
        pb::PublishModelVersionRequest { model_id: model_id.clone(), version_name: named("1.0"), ..Default::default() };
    owner.models().publish_model_version(request).await.expect("publishes");
    let dataset = Some(pb::Dataset { name: named("Trial"), ..Default::default() });
    let request = pb::RegisterDatasetRequest { dataset, ..Default::default() };
    let answer = owner.datasets().register_dataset(request).await.expect("registers").into_inner();
    let dataset_id = answer.dataset.expect("a dataset").dataset_id;
    let policy = pb::AssetPolicy {
        name: named("Joint study"),
        dataset_ids: vec![dataset_id.clone()],
        beneficiaries: vec![pb::Beneficiary { email: MIA.to_owned(), ..Default::default() }],
        model_id: model_id.clone(),
        model_version: named("1.0"),
        privacy_controls: Some(pb::PrivacyControls { minimum_cohort_size: 10, ..Default::default() }),
        ..Default::default()
    };
    let request = pb::CreateAssetPolicyRequest { asset_policy: Some(policy), ..Default::default() };
    let answer = owner.asset_policies().create_asset_policy(request).await.expect("creates").into_inner();
    let asset_policy_id = answer.asset_policy.expect("a policy").asset_policy_id;
    let request = pb::ActivateAssetPolicyRequest { asset_policy_id: asset_policy_id.clone(), ..Default::default() };
    owner.asset_policies().activate_asset_policy(request).await.expect("activates");
    Opened { dataset_id, model_id, asset_policy_id }
}

async fn approve(owner: &Actor, id: &str) {
    let request = pb::ApproveComputeSpecRequest { compute_spec_id: id.to_owned(), ..Default::default() };
    owner.compute_specs().approve_compute_spec(request).await.expect("approves");
}

async fn get(actor: &Actor, id: &str) -> pb::ComputeSpec {
    let request = pb::GetComputeSpecRequest { compute_spec_id: id.to_owned() };
    let answer = actor.compute_specs().get_compute_spec(request).await.expect("reads").into_inner();
    answer.compute_spec.expect("a spec")
}

async fn tell(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    let (_, acme) = world::organization_with_owner(&stack, &admin, "Acme", "olga@acme.example").await;
    let (_, beta) = world::organization_with_owner(&stack, &admin, "Beta", "otto@beta.example").await;
    let mia = world::member(&stack, &beta, MIA, &["DATA_SCIENTIST"]).await;
    let (ours, theirs) = (open(&acme).await, open(&beta).await);
    stack.mailbox.wait_for(MIA, "Joint study: datasets are open to you").await;
    let spec = pb::ComputeSpec {
        name: "Means".to_owned(),
        model_id: ours.model_id.clone(),
        model_version: "1.0".to_owned(),
        parameters: r#"{"rate": 0.5}"#.to_owned(),
        dataset_ids: vec![ours.dataset_id.clone(), theirs.dataset_id.clone()],
        ..Default::default()
    };
    let request = pb::CreateComputeSpecRequest { compute_spec: Some(spec), ..Default::default() };
    let created = mia.compute_specs().create_compute_spec(request).await.expect("creates").into_inner();
    let id = created.compute_spec.expect("a spec").compute_spec_id;
    let request = pb::SubmitComputeSpecRequest { compute_spec_id: id.clone(), ..Default::default() };
    mia.compute_specs().submit_compute_spec(request).await.expect("submits");
    for owner in ["olga@acme.example", "otto@beta.example"] {
        stack.mailbox.wait_for(owner, "Means waits for your review").await;
    }
    let part = get(&acme, &id).await;
    assert_eq!((part.dataset_ids, part.parts.len()), (vec![ours.dataset_id.clone()], 1), "its own part alone");
    approve(&acme, &id).await;
    stack.mailbox.wait_for(MIA, "Means is approved in part").await;
    approve(&beta, &id).await;
    stack.mailbox.wait_for(MIA, "Means is approved").await;
    let approved = get(&mia, &id).await;
    assert_eq!((approved.state(), approved.obligations.len()), (pb::ComputeSpecState::Approved, 2));
    let reason = "the study is over".to_owned();
    let request = pb::RevokeAssetPolicyRequest { asset_policy_id: ours.asset_policy_id, reason, ..Default::default() };
    acme.asset_policies().revoke_asset_policy(request).await.expect("revokes");
    assert_eq!(get(&mia, &id).await.state(), pb::ComputeSpecState::Revoked);
    let run = pb::ComputeSpecRun {
        run_id: "late".to_owned(),
        state: pb::ComputeSpecRunState::Running.into(),
        ..Default::default()
    };
    let request = pb::ReportComputeSpecRunRequest { compute_spec_id: id, run: Some(run), ..Default::default() };
    let refused = mia.compute_specs().report_compute_spec_run(request).await;
    refusal::expect_reason(refused, Code::FailedPrecondition, "COMPUTE_SPEC_NOT_APPROVED");
    let mail = stack.mailbox.wait_for(MIA, "Means is revoked").await;
    assert!(mail.text.contains("a policy that it stood on was revoked"), "{}", mail.text);
    stack.mailbox.wait_for(MIA, "Joint study: datasets are open to you no longer").await;
}
