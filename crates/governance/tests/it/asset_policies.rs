//! Asset policies: what owners may say, when, and what they are told.

use prost_types::{FieldMask, Timestamp};
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::models::{put, register};
use crate::stage::{Mood, Stage, bytes, refused, violations};

pub(crate) fn beneficiary(email: &str) -> pb::Beneficiary {
    pb::Beneficiary { email: email.to_owned(), ..Default::default() }
}

/// What a policy stands on: two datasets, and a model with a published version.
pub(crate) struct Ground {
    pub(crate) owner: UserId,
    pub(crate) organization: OrganizationId,
    pub(crate) datasets: Vec<String>,
    pub(crate) model: String,
}

impl Ground {
    pub(crate) async fn lay(stage: &Stage, name: &str) -> Self {
        let (organization, owner) = stage.found(name).await;
        let answer = stage.models(owner).register_model(register("Regression")).await.expect("registers");
        let model = answer.into_inner().model.expect("a model").model_id;
        stage.models(owner).put_model_version(put(&model, "1.0", "{}")).await.expect("puts");
        let request = pb::PublishModelVersionRequest {
            model_id: model.clone(),
            version_name: "1.0".to_owned(),
            ..Default::default()
        };
        stage.models(owner).publish_model_version(request).await.expect("publishes");
        let datasets =
            vec![stage.dataset(owner, organization, "A").await, stage.dataset(owner, organization, "B").await];
        Self { owner, organization, datasets, model }
    }

    pub(crate) fn policy(&self, emails: &[&str]) -> pb::AssetPolicy {
        pb::AssetPolicy {
            name: "Trial 1".to_owned(),
            dataset_ids: self.datasets.clone(),
            beneficiaries: emails.iter().map(|email| beneficiary(email)).collect(),
            model_id: self.model.clone(),
            model_version: "1.0".to_owned(),
            parameter_bounds: r#"{"properties": {"epochs": {"maximum": 10}}}"#.to_owned(),
            privacy_controls: Some(pb::PrivacyControls {
                minimum_cohort_size: 10,
                privacy_budget: Some(pb::PrivacyBudget { epsilon: 1.5, delta: 0.000_01 }),
                output_review_required: true,
                obligations: vec!["no-export".to_owned()],
            }),
            ..Default::default()
        }
    }

    pub(crate) async fn create(&self, stage: &Stage, emails: &[&str]) -> pb::AssetPolicy {
        create(stage, self.owner, self.policy(emails)).await.expect("creates")
    }
}

pub(crate) async fn create(stage: &Stage, owner: UserId, policy: pb::AssetPolicy) -> Result<pb::AssetPolicy, Status> {
    let request = pb::CreateAssetPolicyRequest { asset_policy: Some(policy), ..Default::default() };
    let answer = stage.policies(owner).create_asset_policy(request).await?.into_inner();
    Ok(answer.asset_policy.expect("a policy"))
}

pub(crate) async fn get(stage: &Stage, owner: UserId, id: &str) -> Result<pb::AssetPolicy, Status> {
    let request = pb::GetAssetPolicyRequest { asset_policy_id: id.to_owned() };
    Ok(stage.policies(owner).get_asset_policy(request).await?.into_inner().asset_policy.expect("a policy"))
}

pub(crate) async fn activate(stage: &Stage, owner: UserId, id: &str) -> Result<pb::AssetPolicy, Status> {
    let request = pb::ActivateAssetPolicyRequest { asset_policy_id: id.to_owned(), ..Default::default() };
    Ok(stage.policies(owner).activate_asset_policy(request).await?.into_inner().asset_policy.expect("a policy"))
}

pub(crate) async fn revoke(stage: &Stage, owner: UserId, id: &str) -> Result<pb::AssetPolicy, Status> {
    let (asset_policy_id, reason) = (id.to_owned(), "the study is over".to_owned());
    let request = pb::RevokeAssetPolicyRequest { asset_policy_id, reason, ..Default::default() };
    Ok(stage.policies(owner).revoke_asset_policy(request).await?.into_inner().asset_policy.expect("a policy"))
}

async fn update(
    stage: &Stage,
    owner: UserId,
    policy: pb::AssetPolicy,
    paths: &[&str],
) -> Result<pb::AssetPolicy, Status> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = (!paths.is_empty()).then_some(FieldMask { paths });
    let request = pb::UpdateAssetPolicyRequest { asset_policy: Some(policy), update_mask, ..Default::default() };
    Ok(stage.policies(owner).update_asset_policy(request).await?.into_inner().asset_policy.expect("a policy"))
}

async fn delete(stage: &Stage, owner: UserId, id: &str) -> Result<String, Status> {
    let request = pb::DeleteAssetPolicyRequest { asset_policy_id: id.to_owned(), ..Default::default() };
    Ok(stage.policies(owner).delete_asset_policy(request).await?.into_inner().revision)
}

fn in_seconds(stage: &Stage, seconds: i64) -> Timestamp {
    Timestamp { seconds: stage.clock.now().as_seconds() + seconds, nanos: 0 }
}

on_each_database! {
    async fn a_policy_is_drafted_changed_activated_narrowed_revoked_and_deleted(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let owner = ground.owner;
        let draft = ground.create(&stage, &["Bob@example.org", "ada@example.org"]).await;
        let id = draft.asset_policy_id.as_str();
        assert_eq!((draft.state(), draft.in_force, draft.etag.as_str()), (pb::AssetPolicyState::Draft, false, "v1"));
        let emails: Vec<&str> = draft.beneficiaries.iter().map(|known| known.email.as_str()).collect();
        assert_eq!(emails, ["ada@example.org", "Bob@example.org"]);
        assert!(draft.beneficiaries.iter().all(|known| known.state() == pb::BeneficiaryState::Waiting));
        assert_eq!(draft.privacy_controls, ground.policy(&[]).privacy_controls);
        assert_eq!(get(&stage, owner, id).await.expect("reads"), draft);
        let wider = pb::AssetPolicy { name: "Trial 2".to_owned(), end_time: Some(in_seconds(&stage, 60)), ..draft.clone() };
        let changed = update(&stage, owner, wider, &["name", "end_time"]).await.expect("changes");
        assert_eq!((changed.name.as_str(), changed.etag.as_str()), ("Trial 2", "v2"));
        let stale = pb::AssetPolicy { name: "Trial 3".to_owned(), ..draft.clone() };
        assert_eq!(refused(update(&stage, owner, stale, &["name"]).await), "ETAG_MISMATCH");
        let active = activate(&stage, owner, id).await.expect("activates");
        assert!(active.in_force && active.state() == pb::AssetPolicyState::Active);
        assert_eq!(activate(&stage, owner, id).await.expect("stays").etag, active.etag);
        assert_eq!(refused(delete(&stage, owner, id).await), "ASSET_POLICY_ACTIVE");
        let narrower = pb::AssetPolicy { dataset_ids: vec![ground.datasets[1].clone()], etag: String::new(), ..active.clone() };
        let narrowed = update(&stage, owner, narrower, &["dataset_ids"]).await.expect("narrows");
        assert_eq!(narrowed.dataset_ids, [ground.datasets[1].clone()]);
        let back = pb::AssetPolicy { etag: String::new(), ..active.clone() };
        let refusal = update(&stage, owner, back, &["dataset_ids", "name"]).await;
        assert_eq!(refused(refusal), "ASSET_POLICY_WIDENED");
        let revoked = revoke(&stage, owner, id).await.expect("revokes");
        assert_eq!((revoked.state(), revoked.revoke_reason.as_str()), (pb::AssetPolicyState::Revoked, "the study is over"));
        assert_eq!(refused(revoke(&stage, owner, id).await), "ASSET_POLICY_NOT_ACTIVE");
        assert_eq!(refused(activate(&stage, owner, id).await), "ASSET_POLICY_REVOKED");
        let late = pb::AssetPolicy { etag: String::new(), ..revoked.clone() };
        assert_eq!(refused(update(&stage, owner, late, &["name"]).await), "ASSET_POLICY_REVOKED");
        delete(&stage, owner, id).await.expect("deletes");
        assert_eq!(refused(get(&stage, owner, id).await), "ASSET_POLICY_NOT_FOUND");
        let mut told = stage.audited(owner, id).await;
        told.sort_unstable();
        let count = |topic: &str| told.iter().filter(|name| *name == topic).count();
        assert_eq!((told.len(), count("asset_policy_updated")), (6, 2));
        for topic in ["created", "activated", "revoked", "deleted"] {
            assert_eq!(count(&format!("asset_policy_{topic}")), 1, "{topic}");
        }
        assert_eq!(stage.mailed().await.len(), 0, "nobody stands behind an address so far");
    }

    async fn a_policy_opens_during_its_time_alone(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let (start_time, end_time) = (Some(in_seconds(&stage, 60)), Some(in_seconds(&stage, 120)));
        let policy = pb::AssetPolicy { start_time, end_time, ..ground.policy(&["ada@example.org"]) };
        let drafted = create(&stage, ground.owner, policy).await.expect("creates");
        let id = drafted.asset_policy_id.as_str();
        assert!(!activate(&stage, ground.owner, id).await.expect("activates").in_force, "its time has not come");
        let mut shown = Vec::new();
        for _ in 0..3 {
            stage.clock.advance(std::time::Duration::from_secs(45));
            shown.push(get(&stage, ground.owner, id).await.expect("reads").in_force);
        }
        assert_eq!(shown, [false, true, false]);
        let other = pb::AssetPolicy { end_time, ..ground.policy(&["ada@example.org"]) };
        let other = create(&stage, ground.owner, other).await.expect("creates").asset_policy_id;
        assert_eq!(refused(activate(&stage, ground.owner, &other).await), "ASSET_POLICY_EXPIRED");
    }

    async fn everything_that_is_wrong_is_told_at_once(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let controls = pb::PrivacyControls {
            minimum_cohort_size: 1,
            privacy_budget: Some(pb::PrivacyBudget { epsilon: f64::NAN, delta: 1.0 }),
            output_review_required: false,
            obligations: vec!["No Export".to_owned()],
        };
        let wrong = pb::AssetPolicy {
            dataset_ids: vec!["x".to_owned(), ground.datasets[0].clone(), ground.datasets[0].clone()],
            beneficiaries: ["ada", "bob@example.org", "BOB@example.org"].map(beneficiary).to_vec(),
            parameter_bounds: r#"{"$ref": "https://example.org/x"}"#.to_owned(),
            privacy_controls: Some(controls),
            start_time: Some(in_seconds(&stage, 60)),
            end_time: Some(in_seconds(&stage, 60)),
            ..Default::default()
        };
        let told = violations(create(&stage, ground.owner, wrong).await);
        let field = |(field, reason): &(String, String)| format!("{} {reason}", field.trim_start_matches("asset_policy."));
        assert_eq!(told.iter().map(field).collect::<Vec<_>>(), [
            "name REQUIRED",
            "dataset_ids[0] ID_MALFORMED",
            "dataset_ids[2] DUPLICATE",
            "beneficiaries[0].email EMAIL_MALFORMED",
            "beneficiaries[2] DUPLICATE",
            "model_id REQUIRED",
            "model_version REQUIRED",
            "parameter_bounds SCHEMA_REMOTE",
            "privacy_controls.minimum_cohort_size OUT_OF_RANGE",
            "privacy_controls.privacy_budget.epsilon OUT_OF_RANGE",
            "privacy_controls.privacy_budget.delta OUT_OF_RANGE",
            "privacy_controls.obligations[0] OBLIGATION_MALFORMED",
            "end_time NOT_AFTER_START",
        ]);
        let many = |count: usize| (0..count).map(|n| beneficiary(&format!("p{n}@example.org"))).collect::<Vec<_>>();
        let crowded = pb::AssetPolicy { beneficiaries: many(1_001), ..ground.policy(&[]) };
        assert_eq!(violations(create(&stage, ground.owner, crowded).await), [("asset_policy.beneficiaries".to_owned(), "TOO_MANY".to_owned())]);
        let full = pb::AssetPolicy { beneficiaries: many(1_000), ..ground.policy(&[]) };
        assert_eq!(create(&stage, ground.owner, full).await.expect("creates").beneficiaries.len(), 1_000);
    }

    async fn a_policy_names_what_its_organization_has(database) {
        let stage = Stage::open(&database).await;
        let (ground, other) = (Ground::lay(&stage, "Acme").await, Ground::lay(&stage, "Other").await);
        let with = |dataset: &str, model: &str, version: &str| pb::AssetPolicy {
            dataset_ids: vec![ground.datasets[0].clone(), dataset.to_owned()],
            model_id: model.to_owned(),
            model_version: version.to_owned(),
            ..ground.policy(&["ada@example.org"])
        };
        let foreign = create(&stage, ground.owner, with(&other.datasets[0], &other.model, "1.0")).await.expect_err("foreign");
        let random = with(&stage.random_id(), &stage.random_id(), "1.0");
        let random = create(&stage, ground.owner, random).await.expect_err("random");
        assert_eq!(bytes(&foreign), bytes(&random));
        assert_eq!(violations::<()>(Err(foreign)).len(), 2);
        let unpublished = with(&ground.datasets[1], &ground.model, "2.0");
        let told = violations(create(&stage, ground.owner, unpublished).await);
        assert_eq!(told, [("asset_policy.model_version".to_owned(), "VERSION_NOT_PUBLISHED".to_owned())]);
        let draft = ground.create(&stage, &["ada@example.org"]).await;
        let request = pb::DeleteModelRequest { model_id: ground.model.clone(), ..Default::default() };
        stage.models(ground.owner).delete_model(request).await.expect("deletes");
        assert_eq!(refused(activate(&stage, ground.owner, &draft.asset_policy_id).await), "ASSET_POLICY_INCOMPLETE");
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_policies_of_others_are_answered_like_none(database) {
        let stage = Stage::open(&database).await;
        let (ground, other) = (Ground::lay(&stage, "Acme").await, Ground::lay(&stage, "Other").await);
        let id = ground.create(&stage, &["ada@example.org"]).await.asset_policy_id;
        let (foreign, random) = (swap(&stage, other.owner, &id).await, swap(&stage, other.owner, &stage.random_id()).await);
        for (foreign, random) in foreign.iter().zip(&random) {
            assert_eq!((foreign.code(), bytes(foreign)), (Code::NotFound, bytes(random)));
        }
        let place = |id: &str| pb::ListAssetPoliciesRequest { organization_id: id.to_owned(), ..Default::default() };
        let foreign = stage.policies(other.owner).list_asset_policies(place(&ground.organization.to_string())).await;
        let random = stage.policies(other.owner).list_asset_policies(place(&stage.random_id())).await;
        assert_eq!(bytes(&foreign.expect_err("hidden")), bytes(&random.expect_err("none")));
        for role in ["DATA_STEWARD", "DATA_SCIENTIST", "GUEST"] {
            let user = stage.add_active(ground.owner, ground.organization, &[role]).await;
            for status in swap(&stage, user, &id).await {
                assert_eq!(status.code(), Code::PermissionDenied, "{role}");
            }
        }
        assert_eq!(get(&stage, ground.owner, &id).await.expect("reads").etag, "v1");
    }

    async fn policies_are_listed_by_page_state_and_dataset(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let mut ids = Vec::new();
        for index in 0..3 {
            stage.clock.advance(std::time::Duration::from_millis(1));
            let dataset_ids = vec![ground.datasets[index % 2].clone()];
            let policy = pb::AssetPolicy { dataset_ids, ..ground.policy(&["ada@example.org"]) };
            ids.push(create(&stage, ground.owner, policy).await.expect("creates").asset_policy_id);
        }
        activate(&stage, ground.owner, &ids[2]).await.expect("activates");
        let all = pb::ListAssetPoliciesRequest { page_size: 2, ..Default::default() };
        assert_eq!(list(&stage, ground.owner, all.clone()).await, ids);
        let everywhere = pb::ListAssetPoliciesRequest { organization_id: "-".to_owned(), ..all.clone() };
        assert_eq!(list(&stage, ground.owner, everywhere).await, ids);
        let of_dataset = pb::ListAssetPoliciesRequest { dataset_id: ground.datasets[0].clone(), ..all.clone() };
        assert_eq!(list(&stage, ground.owner, of_dataset).await, [ids[0].clone(), ids[2].clone()]);
        let active = pb::ListAssetPoliciesRequest { state: pb::AssetPolicyState::Active.into(), ..all.clone() };
        assert_eq!(list(&stage, ground.owner, active.clone()).await, [ids[2].clone()]);
        let page = stage.policies(ground.owner).list_asset_policies(all).await.expect("lists").into_inner();
        let page_token = page.next_page_token;
        let other = pb::ListAssetPoliciesRequest { page_token, ..active };
        assert_eq!(violations(stage.policies(ground.owner).list_asset_policies(other).await).len(), 1, "a token of another list");
    }

    async fn a_change_is_made_once_and_nothing_without_identity(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let request = pb::CreateAssetPolicyRequest {
            request_id: stage.random_id(),
            asset_policy: Some(ground.policy(&["ada@example.org"])),
        };
        let first = stage.policies(ground.owner).create_asset_policy(request.clone()).await.expect("creates").into_inner();
        let again = stage.policies(ground.owner).create_asset_policy(request.clone()).await.expect("answers").into_inner();
        assert_eq!(first, again);
        let other = pb::CreateAssetPolicyRequest { asset_policy: Some(ground.policy(&["bob@example.org"])), ..request };
        assert_eq!(refused(stage.policies(ground.owner).create_asset_policy(other).await), "REQUEST_ID_REUSED");
        stage.identity.set_mood(Mood::Down);
        assert_eq!(refused(create(&stage, ground.owner, ground.policy(&["ada@example.org"])).await), "PEER_UNAVAILABLE");
        let all = pb::ListAssetPoliciesRequest::default();
        assert_eq!(list(&stage, ground.owner, all).await.len(), 1);
    }

    async fn nobody_grants_anything_in_a_suspended_organization(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage, "Acme").await;
        let id = ground.create(&stage, &["ada@example.org"]).await.asset_policy_id;
        stage.suspend(ground.organization).await;
        assert_eq!(activate(&stage, ground.owner, &id).await.expect_err("suspended").code(), Code::Unauthenticated);
    }
}

/// Calls every method that takes a policy.
async fn swap(stage: &Stage, caller: UserId, id: &str) -> Vec<Status> {
    let named = pb::AssetPolicy { asset_policy_id: id.to_owned(), name: "Any".to_owned(), ..Default::default() };
    vec![
        get(stage, caller, id).await.expect_err("hidden"),
        update(stage, caller, named, &["name"]).await.expect_err("hidden"),
        activate(stage, caller, id).await.expect_err("hidden"),
        revoke(stage, caller, id).await.expect_err("hidden"),
        delete(stage, caller, id).await.expect_err("hidden"),
    ]
}

/// Lists all pages.
async fn list(stage: &Stage, owner: UserId, mut request: pb::ListAssetPoliciesRequest) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let page = stage.policies(owner).list_asset_policies(request.clone()).await.expect("lists").into_inner();
        assert!(page.asset_policies.iter().all(|policy| policy.beneficiaries.is_empty()));
        ids.extend(page.asset_policies.into_iter().map(|policy| policy.asset_policy_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ids;
        }
    }
}
