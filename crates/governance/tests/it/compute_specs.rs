//! Compute specs: who may want what, who allows it, who sees what of it, and what ends it.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::ComputeSpecState::{
    Approved, Draft, PartlyApproved, Rejected, Revoked, Submitted, Withdrawn,
};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::asset_policies::{Ground, activate, revoke};
use crate::stage::{Stage, bytes, refused, violations};

const ADA: &str = "ada@example.org";
const FIT: &str = r#"{"epochs": 3}"#;

fn wanted(ground: &Ground, datasets: &[String]) -> pb::ComputeSpec {
    pb::ComputeSpec {
        name: "Means".to_owned(),
        model_id: ground.model.clone(),
        model_version: "1.0".to_owned(),
        parameters: FIT.to_owned(),
        dataset_ids: datasets.to_vec(),
        ..Default::default()
    }
}

async fn create(stage: &Stage, creator: UserId, spec: pb::ComputeSpec) -> Result<pb::ComputeSpec, Status> {
    stage.clock.advance(Duration::from_millis(1));
    let request = pb::CreateComputeSpecRequest { compute_spec: Some(spec), ..Default::default() };
    Ok(stage.specs(creator).create_compute_spec(request).await?.into_inner().compute_spec.expect("a spec"))
}

async fn submit(stage: &Stage, creator: UserId, id: &str) -> Result<pb::ComputeSpec, Status> {
    let request = pb::SubmitComputeSpecRequest { compute_spec_id: id.to_owned(), ..Default::default() };
    Ok(stage.specs(creator).submit_compute_spec(request).await?.into_inner().compute_spec.expect("a spec"))
}

async fn withdraw(stage: &Stage, creator: UserId, id: &str) -> Result<pb::ComputeSpec, Status> {
    let request = pb::WithdrawComputeSpecRequest { compute_spec_id: id.to_owned(), ..Default::default() };
    Ok(stage.specs(creator).withdraw_compute_spec(request).await?.into_inner().compute_spec.expect("a spec"))
}

async fn approve(stage: &Stage, owner: UserId, id: &str) -> Result<pb::ComputeSpec, Status> {
    let request = pb::ApproveComputeSpecRequest { compute_spec_id: id.to_owned(), ..Default::default() };
    Ok(stage.specs(owner).approve_compute_spec(request).await?.into_inner().compute_spec.expect("a spec"))
}

async fn reject(stage: &Stage, owner: UserId, id: &str) -> Result<pb::ComputeSpec, Status> {
    let (compute_spec_id, reason) = (id.to_owned(), "too much".to_owned());
    let request = pb::RejectComputeSpecRequest { compute_spec_id, reason, ..Default::default() };
    Ok(stage.specs(owner).reject_compute_spec(request).await?.into_inner().compute_spec.expect("a spec"))
}

async fn get(stage: &Stage, asker: UserId, id: &str) -> Result<pb::ComputeSpec, Status> {
    let request = pb::GetComputeSpecRequest { compute_spec_id: id.to_owned() };
    Ok(stage.specs(asker).get_compute_spec(request).await?.into_inner().compute_spec.expect("a spec"))
}

async fn report(
    stage: &Stage,
    who: UserId,
    id: &str,
    run: &str,
    reported: pb::ComputeSpecRunState,
) -> Result<pb::ComputeSpecRun, Status> {
    let run = Some(pb::ComputeSpecRun { run_id: run.to_owned(), state: reported.into(), ..Default::default() });
    let request = pb::ReportComputeSpecRunRequest { compute_spec_id: id.to_owned(), run, ..Default::default() };
    Ok(stage.specs(who).report_compute_spec_run(request).await?.into_inner().run.expect("a run"))
}

/// Lists all pages.
async fn list(stage: &Stage, asker: UserId, request: pb::ListComputeSpecsRequest) -> Vec<String> {
    let mut request = pb::ListComputeSpecsRequest { page_size: 2, ..request };
    let mut ids = Vec::new();
    loop {
        let page = stage.specs(asker).list_compute_specs(request.clone()).await.expect("lists").into_inner();
        assert!(page.compute_specs.iter().all(|spec| spec.parameters.is_empty() && spec.runs.is_empty()));
        ids.extend(page.compute_specs.into_iter().map(|spec| spec.compute_spec_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ids;
        }
    }
}

fn everywhere() -> pb::ListComputeSpecsRequest {
    pb::ListComputeSpecsRequest { organization_id: "-".to_owned(), ..Default::default() }
}

/// Two organizations whose policies name a scientist of a third one, with the same artifact in both registries.
struct World {
    acme: Ground,
    beta: Ground,
    /// The owner of the organization of the scientist.
    owner: UserId,
    ada: UserId,
    policies: [String; 2],
}

impl World {
    async fn make(stage: &Stage) -> Self {
        let (acme, beta) = (Ground::lay(stage, "Acme").await, Ground::lay(stage, "Beta").await);
        let (elsewhere, owner) = stage.found("Third").await;
        let ada = stage.add_active(owner, elsewhere, &["DATA_SCIENTIST"]).await;
        stage.identity.prove(ADA, &ada.to_string());
        let mut policies = Vec::new();
        for ground in [&acme, &beta] {
            let id = ground.create(stage, &[ADA]).await.asset_policy_id;
            activate(stage, ground.owner, &id).await.expect("activates");
            policies.push(id);
        }
        Self { acme, beta, owner, ada, policies: policies.try_into().expect("two") }
    }

    fn both(&self) -> pb::ComputeSpec {
        wanted(&self.acme, &[self.acme.datasets[0].clone(), self.beta.datasets[0].clone()])
    }

    /// Submits a spec over both organizations.
    async fn submitted(&self, stage: &Stage) -> String {
        let id = create(stage, self.ada, self.both()).await.expect("creates").compute_spec_id;
        submit(stage, self.ada, &id).await.expect("submits").compute_spec_id
    }

    async fn approved(&self, stage: &Stage) -> String {
        let id = self.submitted(stage).await;
        approve(stage, self.acme.owner, &id).await.expect("approves");
        approve(stage, self.beta.owner, &id).await.expect("approves");
        id
    }

    async fn state(&self, stage: &Stage, id: &str) -> pb::ComputeSpecState {
        get(stage, self.ada, id).await.expect("reads").state()
    }
}

on_each_database! {
    async fn a_spec_over_two_organizations_is_reviewed_by_each_run_and_ended_with_a_policy(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        stage.mailed().await;
        let (ada, acme, beta) = (world.ada, world.acme.owner, world.beta.owner);
        let draft = create(&stage, ada, world.both()).await.expect("creates");
        let id = draft.compute_spec_id.as_str();
        assert_eq!((draft.state(), draft.etag.as_str(), draft.parts.len()), (Draft, "v1", 2));
        assert_eq!(refused(get(&stage, acme, id).await), "COMPUTE_SPEC_NOT_FOUND");
        assert_eq!(submit(&stage, ada, id).await.expect("submits").state(), Submitted);
        assert_eq!(submit(&stage, ada, id).await.expect("stays").etag, "v2");
        assert_eq!(refused(report(&stage, ada, id, "r1", pb::ComputeSpecRunState::Running).await), "COMPUTE_SPEC_NOT_APPROVED");
        assert_eq!(approve(&stage, acme, id).await.expect("approves").state(), Approved, "its own part");
        let partly = get(&stage, ada, id).await.expect("reads");
        assert_eq!((partly.state(), partly.obligations.len()), (PartlyApproved, 0));
        let seen = get(&stage, beta, id).await.expect("reads");
        assert_eq!((seen.state(), seen.dataset_ids.clone(), seen.parts.len()), (Submitted, vec![world.beta.datasets[0].clone()], 1));
        assert_eq!((seen.parameters.as_str(), seen.creator_id.clone()), (r#"{"epochs":3}"#, ada.to_string()));
        approve(&stage, beta, id).await.expect("approves");
        let approved = get(&stage, ada, id).await.expect("reads");
        assert_eq!((approved.state(), approved.obligations.len()), (Approved, 2));
        assert_eq!(approved.obligations[0].privacy_controls, world.acme.policy(&[]).privacy_controls);
        assert_eq!(get(&stage, beta, id).await.expect("reads").obligations.len(), 1);
        report(&stage, ada, id, "r1", pb::ComputeSpecRunState::Running).await.expect("reports");
        let before = stage.revision().await;
        revoke(&stage, acme, &world.policies[0]).await.expect("revokes");
        assert!(stage.revision().await >= before + 2, "the change stream tells of the policy and of the spec");
        let ended = get(&stage, ada, id).await.expect("reads");
        assert_eq!((ended.state(), ended.revoke_cause(), ended.runs.len()), (Revoked, pb::ComputeSpecRevokeCause::PolicyRevoked, 1));
        assert_eq!(refused(report(&stage, ada, id, "r2", pb::ComputeSpecRunState::Running).await), "COMPUTE_SPEC_NOT_APPROVED");
        report(&stage, ada, id, "r1", pb::ComputeSpecRunState::Failed).await.expect("how it ended is recorded");
        assert_eq!(refused(report(&stage, ada, id, "r1", pb::ComputeSpecRunState::Running).await), "COMPUTE_SPEC_RUN_ENDED");
        let seen = get(&stage, beta, id).await.expect("reads");
        assert_eq!((seen.state(), seen.revoke_cause()), (Revoked, pb::ComputeSpecRevokeCause::Unspecified));
        assert_eq!(refused(approve(&stage, beta, id).await), "COMPUTE_SPEC_NOT_UNDER_REVIEW");
        assert_eq!(refused(withdraw(&stage, ada, id).await), "COMPUTE_SPEC_ENDED");
        let mailed = stage.mailed().await;
        let count = |topic: &str| mailed.iter().filter(|name| **name == format!("organization.compute_spec_{topic}")).count();
        assert_eq!((count("review_requested"), count("partly_approved"), count("approved"), count("revoked")), (2, 1, 1, 1));
        let told = stage.audited(world.owner, id).await;
        assert_eq!(told, [
            "compute_spec_approved", "compute_spec_created", "compute_spec_partly_approved", "compute_spec_revoked",
            "compute_spec_run_reported", "compute_spec_run_reported", "compute_spec_submitted",
        ]);
        assert_eq!(stage.audited(beta, id).await, ["compute_spec_review_requested", "compute_spec_reviewed"]);
    }

    async fn a_rejection_ends_the_whole_and_tells_the_creator_alone_why(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let id = world.submitted(&stage).await;
        approve(&stage, world.acme.owner, &id).await.expect("approves");
        assert_eq!(reject(&stage, world.beta.owner, &id).await.expect("rejects").state(), Rejected);
        let seen = get(&stage, world.ada, &id).await.expect("reads");
        let reasons: Vec<&str> = seen.parts.iter().map(|part| part.reject_reason.as_str()).filter(|text| !text.is_empty()).collect();
        assert_eq!((seen.state(), reasons), (Rejected, vec!["too much"]));
        let elsewhere = get(&stage, world.acme.owner, &id).await.expect("reads");
        assert_eq!((elsewhere.state(), elsewhere.parts[0].reject_reason.as_str()), (Revoked, ""));
        assert_eq!(refused(approve(&stage, world.acme.owner, &id).await), "COMPUTE_SPEC_NOT_UNDER_REVIEW");
        assert_eq!(refused(submit(&stage, world.ada, &id).await), "COMPUTE_SPEC_NOT_DRAFT");
    }

    async fn nothing_is_submitted_that_no_policy_allows(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let (ada, acme) = (world.ada, &world.acme);
        let beyond = pb::ComputeSpec { parameters: r#"{"epochs": 11}"#.to_owned(), ..wanted(acme, &acme.datasets) };
        let id = create(&stage, ada, beyond).await.expect("a draft may say so").compute_spec_id;
        assert_eq!(refused(submit(&stage, ada, &id).await), "COMPUTE_SPEC_UNCOVERED", "beyond the bounds of the policy");
        let id = world.submitted(&stage).await;
        let narrower = pb::AssetPolicy {
            asset_policy_id: world.policies[0].clone(),
            dataset_ids: vec![acme.datasets[1].clone()],
            ..Default::default()
        };
        let request = pb::UpdateAssetPolicyRequest { asset_policy: Some(narrower), ..Default::default() };
        stage.policies(acme.owner).update_asset_policy(request).await.expect("narrows");
        let ended = get(&stage, ada, &id).await.expect("reads");
        assert_eq!((ended.state(), ended.revoke_cause()), (Revoked, pb::ComputeSpecRevokeCause::PolicyNarrowed));
        let told = violations(create(&stage, ada, world.both()).await);
        let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["compute_spec.dataset_ids[0]", "compute_spec.model_id"], "no policy that opens these names it");
    }

    async fn what_changed_since_the_submission_is_seen_at_the_approval(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let id = world.submitted(&stage).await;
        stage.set_roles(world.owner, world.ada, &["GUEST"]).await;
        assert_eq!(refused(approve(&stage, world.acme.owner, &id).await), "COMPUTE_SPEC_UNCOVERED");
        stage.set_roles(world.owner, world.ada, &["DATA_SCIENTIST"]).await;
        approve(&stage, world.acme.owner, &id).await.expect("approves");
        approve(&stage, world.beta.owner, &id).await.expect("approves");
        stage.block(world.owner, world.ada).await;
        assert!(report(&stage, world.ada, &id, "r1", pb::ComputeSpecRunState::Running).await.is_err());
    }

    async fn an_owner_needs_no_policy_at_home_and_reviews_there(database) {
        let stage = Stage::open(&database).await;
        let acme = Ground::lay(&stage, "Acme").await;
        let id = create(&stage, acme.owner, wanted(&acme, &acme.datasets)).await.expect("creates").compute_spec_id;
        submit(&stage, acme.owner, &id).await.expect("submits");
        let approved = approve(&stage, acme.owner, &id).await.expect("approves");
        assert_eq!((approved.state(), approved.obligations.len(), approved.parts.len()), (Approved, 0, 1));
        let scientist = stage.add_active(acme.owner, acme.organization, &["DATA_SCIENTIST"]).await;
        let told = violations(create(&stage, scientist, wanted(&acme, &acme.datasets[..1])).await);
        assert_eq!(told, [("compute_spec.dataset_ids[0]".to_owned(), "DATASET_UNKNOWN".to_owned())]);
        stage.identity.prove(ADA, &scientist.to_string());
        let policy = acme.create(&stage, &[ADA]).await.asset_policy_id;
        activate(&stage, acme.owner, &policy).await.expect("activates");
        create(&stage, scientist, wanted(&acme, &acme.datasets[..1])).await.expect("the policy opens it");
        let request = pb::DeleteDatasetRequest { dataset_id: acme.datasets[0].clone(), ..Default::default() };
        stage.datasets(acme.owner).delete_dataset(request).await.expect("deletes");
        let ended = get(&stage, acme.owner, &id).await.expect("reads");
        assert_eq!((ended.state(), ended.revoke_cause()), (Revoked, pb::ComputeSpecRevokeCause::DatasetDeleted));
        // The policy still names it.
        let told = violations(create(&stage, scientist, wanted(&acme, &acme.datasets[..1])).await);
        assert_eq!(told, [("compute_spec.dataset_ids[0]".to_owned(), "DATASET_UNKNOWN".to_owned())]);
    }

    async fn what_expires_or_is_suspended_ends_what_stood_on_it(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let id = world.approved(&stage).await;
        let ends = stage.clock.now().as_seconds() + 60;
        let end_time = Some(prost_types::Timestamp { seconds: ends, nanos: 0 });
        let shorter = |seconds| pb::AssetPolicy {
            asset_policy_id: world.policies[0].clone(),
            end_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..Default::default()
        };
        let request = |policy| pb::UpdateAssetPolicyRequest { asset_policy: Some(policy), ..Default::default() };
        stage.policies(world.acme.owner).update_asset_policy(request(shorter(ends))).await.expect("ends");
        let seen = get(&stage, world.ada, &id).await.expect("reads");
        assert_eq!((seen.state(), seen.expire_time), (Approved, end_time));
        stage.clock.advance(Duration::from_mins(1));
        let seen = get(&stage, world.ada, &id).await.expect("reads");
        assert_eq!((seen.state(), seen.revoke_cause()), (Revoked, pb::ComputeSpecRevokeCause::PolicyExpired));
        stage.policies(world.acme.owner).update_asset_policy(request(shorter(ends + 600))).await.expect("moves the end");
        assert_eq!(world.state(&stage, &id).await, Revoked, "what expired stays so");
        let other = world.submitted(&stage).await;
        assert_eq!(stage.governance.end_compute_specs().await.expect("looks"), 0);
        stage.suspend(world.beta.organization).await;
        assert_eq!(stage.governance.end_compute_specs().await.expect("ends"), 1);
        let seen = get(&stage, world.ada, &other).await.expect("reads");
        assert_eq!((seen.state(), seen.revoke_cause()), (Revoked, pb::ComputeSpecRevokeCause::OrganizationSuspended));
        let third = create(&stage, world.ada, wanted(&world.acme, &world.acme.datasets)).await.expect("creates").compute_spec_id;
        submit(&stage, world.ada, &third).await.expect("submits");
        stage.clock.advance(Duration::from_mins(10));
        assert_eq!(stage.governance.end_compute_specs().await.expect("ends"), 1);
        assert_eq!(world.state(&stage, &third).await, Revoked);
    }

    async fn everybody_lists_what_it_sees_in_the_state_that_is_shown(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let draft = create(&stage, world.ada, world.both()).await.expect("creates").compute_spec_id;
        let waiting = world.submitted(&stage).await;
        let partly = world.submitted(&stage).await;
        approve(&stage, world.acme.owner, &partly).await.expect("approves");
        let withdrawn = world.submitted(&stage).await;
        withdraw(&stage, world.ada, &withdrawn).await.expect("withdraws");
        let rejected = world.submitted(&stage).await;
        reject(&stage, world.beta.owner, &rejected).await.expect("rejects");
        let all = [draft.clone(), waiting.clone(), partly.clone(), withdrawn.clone(), rejected.clone()];
        assert_eq!(list(&stage, world.ada, pb::ListComputeSpecsRequest::default()).await, all);
        assert_eq!(list(&stage, world.owner, everywhere()).await, all);
        assert_eq!(list(&stage, world.acme.owner, everywhere()).await, all[1..]);
        assert_eq!(list(&stage, world.acme.owner, pb::ListComputeSpecsRequest::default()).await, Vec::<String>::new());
        let in_state = async |who, state: pb::ComputeSpecState| {
            list(&stage, who, pb::ListComputeSpecsRequest { state: state.into(), ..everywhere() }).await
        };
        for (state, whole, acme, beta) in [
            (Draft, vec![&draft], vec![], vec![]),
            (Submitted, vec![&waiting], vec![&waiting], vec![&waiting, &partly]),
            (PartlyApproved, vec![&partly], vec![], vec![]),
            (Approved, vec![], vec![&partly], vec![]),
            (Withdrawn, vec![&withdrawn], vec![&withdrawn], vec![&withdrawn]),
            (Rejected, vec![&rejected], vec![], vec![&rejected]),
            (Revoked, vec![], vec![&rejected], vec![]),
        ] {
            assert_eq!(in_state(world.ada, state).await.iter().collect::<Vec<_>>(), whole, "{state:?}");
            assert_eq!(in_state(world.acme.owner, state).await.iter().collect::<Vec<_>>(), acme, "{state:?}");
            assert_eq!(in_state(world.beta.owner, state).await.iter().collect::<Vec<_>>(), beta, "{state:?}");
        }
        let awaiting = pb::ListComputeSpecsRequest { awaiting_review: true, ..everywhere() };
        assert_eq!(list(&stage, world.acme.owner, awaiting.clone()).await, std::slice::from_ref(&waiting));
        assert_eq!(list(&stage, world.beta.owner, awaiting).await, [waiting, partly]);
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_specs_of_others_are_answered_like_none(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let id = world.submitted(&stage).await;
        let (_, stranger) = stage.found("Fourth").await;
        let (foreign, random) = (swap(&stage, stranger, &id).await, swap(&stage, stranger, &stage.random_id()).await);
        for (foreign, random) in foreign.iter().zip(&random) {
            assert_eq!((foreign.code(), bytes(foreign)), (Code::NotFound, bytes(random)));
        }
        let colleague = stage.add_active(world.acme.owner, world.acme.organization, &["DATA_SCIENTIST"]).await;
        let hidden = get(&stage, colleague, &id).await.expect_err("hidden");
        assert_eq!(bytes(&hidden), bytes(&get(&stage, colleague, &stage.random_id()).await.expect_err("none")));
        for role in ["DATA_STEWARD", "GUEST"] {
            let user = stage.add_active(world.acme.owner, world.acme.organization, &[role]).await;
            for status in swap(&stage, user, &id).await {
                assert_eq!(status.code(), Code::PermissionDenied, "{role}");
            }
        }
        // Whoever reads it and is not the one is refused, and changes nothing.
        for status in [submit(&stage, world.acme.owner, &id).await, withdraw(&stage, world.owner, &id).await, approve(&stage, world.owner, &id).await] {
            assert_eq!(status.expect_err("is refused").code(), Code::PermissionDenied);
        }
        let foreign = pb::ComputeSpec { dataset_ids: vec![stage.random_id()], model_id: stage.random_id(), ..world.both() };
        let hidden = pb::ComputeSpec { dataset_ids: vec![world.acme.datasets[0].clone()], ..world.both() };
        let (none, some) = (create(&stage, stranger, foreign).await, create(&stage, stranger, hidden).await);
        assert_eq!(bytes(&none.expect_err("none")), bytes(&some.expect_err("hidden")));
        assert_eq!(world.state(&stage, &id).await, Submitted);
    }

    async fn a_model_that_is_in_use_is_not_deleted(database) {
        let stage = Stage::open(&database).await;
        let acme = Ground::lay(&stage, "Acme").await;
        let delete = async || {
            let request = pb::DeleteModelRequest { model_id: acme.model.clone(), ..Default::default() };
            stage.models(acme.owner).delete_model(request).await
        };
        let policy = acme.create(&stage, &[ADA]).await.asset_policy_id;
        activate(&stage, acme.owner, &policy).await.expect("activates");
        assert_eq!(refused(delete().await), "MODEL_IN_USE");
        revoke(&stage, acme.owner, &policy).await.expect("revokes");
        let id = create(&stage, acme.owner, wanted(&acme, &acme.datasets)).await.expect("creates").compute_spec_id;
        submit(&stage, acme.owner, &id).await.expect("submits");
        assert_eq!(refused(delete().await), "MODEL_IN_USE");
        withdraw(&stage, acme.owner, &id).await.expect("withdraws");
        delete().await.expect("deletes");
    }

    async fn a_change_is_made_once_and_on_what_was_seen(database) {
        let stage = Stage::open(&database).await;
        let world = World::make(&stage).await;
        let request_id = stage.random_id();
        let request = pb::CreateComputeSpecRequest { request_id, compute_spec: Some(world.both()) };
        let first = stage.specs(world.ada).create_compute_spec(request.clone()).await.expect("creates").into_inner();
        let again = stage.specs(world.ada).create_compute_spec(request.clone()).await.expect("answers").into_inner();
        assert_eq!(first, again);
        let other = pb::CreateComputeSpecRequest { compute_spec: Some(wanted(&world.beta, &world.beta.datasets)), ..request };
        assert_eq!(refused(stage.specs(world.ada).create_compute_spec(other).await), "REQUEST_ID_REUSED");
        let spec = first.compute_spec.expect("a spec");
        let submission = pb::SubmitComputeSpecRequest {
            compute_spec_id: spec.compute_spec_id.clone(),
            etag: "v9".to_owned(),
            ..Default::default()
        };
        assert_eq!(refused(stage.specs(world.ada).submit_compute_spec(submission).await), "ETAG_MISMATCH");
        submit(&stage, world.ada, &spec.compute_spec_id).await.expect("submits");
        let seen = get(&stage, world.beta.owner, &spec.compute_spec_id).await.expect("reads");
        approve(&stage, world.acme.owner, &spec.compute_spec_id).await.expect("approves");
        let approval = pb::ApproveComputeSpecRequest {
            compute_spec_id: spec.compute_spec_id.clone(),
            etag: seen.etag,
            ..Default::default()
        };
        stage.specs(world.beta.owner).approve_compute_spec(approval).await.expect("what others decide is not seen");
    }

    async fn somebody_has_a_hundred_open_specs_and_a_spec_its_limits(database) {
        let stage = Stage::open(&database).await;
        let acme = Ground::lay(&stage, "Acme").await;
        for _ in 0..100 {
            create(&stage, acme.owner, wanted(&acme, &acme.datasets[..1])).await.expect("creates");
        }
        assert_eq!(refused(create(&stage, acme.owner, wanted(&acme, &acme.datasets)).await), "COMPUTE_SPEC_LIMIT_REACHED");
        let all = list(&stage, acme.owner, pb::ListComputeSpecsRequest::default()).await;
        withdraw(&stage, acme.owner, &all[0]).await.expect("withdraws");
        assert_eq!(refused(create(&stage, acme.owner, wanted(&acme, &acme.datasets)).await), "COMPUTE_SPEC_LIMIT_REACHED", "a hundred a day");
        stage.clock.advance(Duration::from_hours(24));
        create(&stage, acme.owner, wanted(&acme, &acme.datasets)).await.expect("creates");
        let wrong = pb::ComputeSpec {
            parameters: "[]".to_owned(),
            dataset_ids: vec![stage.random_id(); 101],
            model_version: "?".to_owned(),
            ..Default::default()
        };
        let told = violations(create(&stage, acme.owner, wrong).await);
        let field = |(field, reason): &(String, String)| format!("{} {reason}", field.trim_start_matches("compute_spec."));
        assert_eq!(told.iter().map(field).collect::<Vec<_>>(), [
            "name REQUIRED", "model_id REQUIRED", "model_version VERSION_MALFORMED", "parameters OBJECT_REQUIRED",
            "dataset_ids TOO_MANY",
        ]);
    }
}

/// Calls every method that takes a spec.
async fn swap(stage: &Stage, caller: UserId, id: &str) -> Vec<Status> {
    vec![
        get(stage, caller, id).await.expect_err("hidden"),
        submit(stage, caller, id).await.expect_err("hidden"),
        withdraw(stage, caller, id).await.expect_err("hidden"),
        approve(stage, caller, id).await.expect_err("hidden"),
        reject(stage, caller, id).await.expect_err("hidden"),
        report(stage, caller, id, "r1", pb::ComputeSpecRunState::Running).await.expect_err("hidden"),
    ]
}
