//! Decisions about data: datasets by registration and by policy, models, policies; batches, explanations, lists.

use std::collections::BTreeSet;
use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::AccessReason as R;
use rolecall_api::organization::v1::resource::Resource;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;

use crate::access::{ask, organization};
use crate::stage::{Stage, Who, refused, violations};

pub(crate) const READ: &str = "organization.datasets.get";
pub(crate) const ADA: &str = "ada@example.org";

/// An organization with two datasets of different registrants and a model, and somebody elsewhere.
pub(crate) struct Ground {
    pub(crate) owner: UserId,
    pub(crate) organization: OrganizationId,
    pub(crate) steward: UserId,
    /// The first is the owner's, the second the steward's.
    pub(crate) datasets: Vec<String>,
    pub(crate) model: String,
    /// A scientist of another organization who proved an address.
    pub(crate) ada: UserId,
}

impl Ground {
    pub(crate) async fn lay(stage: &Stage) -> Self {
        let (organization, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, organization, &["DATA_STEWARD"]).await;
        let datasets =
            vec![stage.dataset(owner, organization, "A").await, stage.dataset(steward, organization, "B").await];
        let model = model(stage, owner).await;
        let (elsewhere, other) = stage.found("Other").await;
        let ada = stage.add_active(other, elsewhere, &["DATA_SCIENTIST"]).await;
        stage.identity.prove(ADA, &ada.to_string());
        Self { owner, organization, steward, datasets, model, ada }
    }

    /// Makes an active policy over the first dataset.
    pub(crate) async fn open(&self, stage: &Stage, from: Option<i64>, until: Option<i64>) -> String {
        let time =
            |seconds: i64| prost_types::Timestamp { seconds: stage.clock.now().as_seconds() + seconds, nanos: 0 };
        let policy = pb::AssetPolicy {
            name: "Trial".to_owned(),
            dataset_ids: vec![self.datasets[0].clone()],
            beneficiaries: vec![pb::Beneficiary { email: ADA.to_owned(), ..Default::default() }],
            model_id: self.model.clone(),
            model_version: "1.0".to_owned(),
            start_time: from.map(time),
            end_time: until.map(time),
            ..Default::default()
        };
        let request = pb::CreateAssetPolicyRequest { asset_policy: Some(policy), ..Default::default() };
        let answer = stage.policies(self.owner).create_asset_policy(request).await.expect("creates").into_inner();
        let asset_policy_id = answer.asset_policy.expect("a policy").asset_policy_id;
        let request = pb::ActivateAssetPolicyRequest { asset_policy_id: asset_policy_id.clone(), ..Default::default() };
        stage.policies(self.owner).activate_asset_policy(request).await.expect("activates");
        asset_policy_id
    }

    /// Revokes a policy, and returns the revision of that.
    pub(crate) async fn revoke(&self, stage: &Stage, id: &str) -> String {
        let (asset_policy_id, reason) = (id.to_owned(), "it is over".to_owned());
        let request = pb::RevokeAssetPolicyRequest { asset_policy_id, reason, ..Default::default() };
        stage.policies(self.owner).revoke_asset_policy(request).await.expect("revokes").into_inner().revision
    }

    pub(crate) fn dataset(&self, index: usize) -> Resource {
        Resource::DatasetId(self.datasets[index].clone())
    }
}

async fn model(stage: &Stage, owner: UserId) -> String {
    let request = pb::RegisterModelRequest { name: "Regression".to_owned(), ..Default::default() };
    let answer = stage.models(owner).register_model(request).await.expect("registers").into_inner();
    let model_id = answer.model.expect("a model").model_id;
    let version = pb::ModelVersion { name: "1.0".to_owned(), parameter_schema: "{}".to_owned(), ..Default::default() };
    let request =
        pb::PutModelVersionRequest { model_id: model_id.clone(), version: Some(version), ..Default::default() };
    stage.models(owner).put_model_version(request).await.expect("puts");
    let (id, version_name) = (model_id.clone(), "1.0".to_owned());
    let request = pb::PublishModelVersionRequest { model_id: id, version_name, ..Default::default() };
    stage.models(owner).publish_model_version(request).await.expect("publishes");
    model_id
}

#[expect(clippy::needless_pass_by_value, reason = "ids of every kind, as they are at hand")]
fn question(subject: impl ToString, permission: &str, resource: Resource) -> pb::CheckAccessRequest {
    pb::CheckAccessRequest {
        subject_id: subject.to_string(),
        permission: permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: None,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "ids of every kind, as they are at hand")]
fn wish(subject: impl ToString, permission: &str) -> pb::ListAccessibleResourcesRequest {
    pb::ListAccessibleResourcesRequest {
        subject_id: subject.to_string(),
        permission: permission.to_owned(),
        resource_type: pb::ResourceType::Dataset.into(),
        ..Default::default()
    }
}

async fn explain(stage: &Stage, asked: pb::CheckAccessRequest) -> pb::ExplainAccessResponse {
    let pb::CheckAccessRequest { subject_id, permission, resource, consistency } = asked;
    let request = pb::ExplainAccessRequest { subject_id, permission, resource, consistency };
    stage.access_as(Who::User(stage.admin)).explain_access(request).await.expect("explains").into_inner()
}

on_each_database! {
    async fn every_reason_about_data_can_be_reached(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let (admin, mut seen) = (Who::User(stage.admin), BTreeSet::new());
        let scientist = stage.add_active(ground.owner, ground.organization, &["DATA_SCIENTIST"]).await;
        for followed in [false, true] {
            if followed {
                stage.access.follow().await.expect("follows");
            }
            let mut ask = async |subject: UserId, resource: Resource, reason: pb::AccessReason, rule: &str| {
                let answer = ask(&stage, admin, subject, READ, resource).await;
                assert_eq!((answer.reason(), answer.rule.as_str()), (reason, rule));
                assert_eq!(answer.allowed, !rule.is_empty());
                seen.insert(answer.reason);
            };
            ask(ground.owner, ground.dataset(1), R::RoleHoldsPermission, READ).await;
            ask(ground.steward, ground.dataset(1), R::Registrant, "organization.datasets.get_registered").await;
            ask(ground.steward, ground.dataset(0), R::NotRegistrant, "").await;
            ask(ground.ada, ground.dataset(0), R::NoPolicy, "").await;
            ask(stage.admin, ground.dataset(0), R::NotAMember, "").await;
            let policy = ground.open(&stage, Some(600), Some(1_200)).await;
            ask(ground.ada, ground.dataset(0), R::PolicyNotStarted, "").await;
            ask(scientist, ground.dataset(0), R::PolicyNamesOthers, "").await;
            stage.clock.advance(Duration::from_mins(10));
            ask(ground.ada, ground.dataset(0), R::PolicyInForce, "organization.datasets.get_granted").await;
            ask(ground.ada, ground.dataset(1), R::NoPolicy, "").await;
            stage.clock.advance(Duration::from_mins(10));
            ask(ground.ada, ground.dataset(0), R::PolicyExpired, "").await;
            ground.revoke(&stage, &policy).await;
            ask(ground.ada, ground.dataset(0), R::NoPolicy, "").await;
        }
        ground.open(&stage, None, None).await;
        stage.suspend(ground.organization).await;
        let suspended = ask(&stage, admin, ground.ada, READ, ground.dataset(0)).await;
        seen.insert(suspended.reason);
        seen.remove(&pb::AccessReason::RoleHoldsPermission.into());
        seen.remove(&pb::AccessReason::NotAMember.into());
        let first = i32::from(pb::AccessReason::Registrant);
        let all: BTreeSet<i32> = (first..=64).filter(|number| pb::AccessReason::try_from(*number).is_ok()).collect();
        assert_eq!(seen, all);
    }

    async fn models_and_policies_belong_to_their_organization(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let policy = Resource::AssetPolicyId(ground.open(&stage, None, None).await);
        let model = Resource::ModelId(ground.model.clone());
        let admin = Who::User(stage.admin);
        for (subject, permission, resource, reason) in [
            (ground.owner, "organization.models.get", &model, pb::AccessReason::RoleHoldsPermission),
            (ground.steward, "organization.models.get", &model, pb::AccessReason::RoleHoldsPermission),
            (ground.ada, "organization.models.get", &model, pb::AccessReason::NotAMember),
            (ground.owner, "organization.asset_policies.revoke", &policy, pb::AccessReason::RoleHoldsPermission),
            (ground.ada, "organization.asset_policies.get", &policy, pb::AccessReason::PermissionMissing),
        ] {
            assert_eq!(ask(&stage, admin, subject, permission, resource.clone()).await.reason(), reason);
        }
        let swapped = Resource::DatasetId(ground.model.clone());
        let answer = ask(&stage, admin, ground.owner, READ, swapped).await;
        assert_eq!(answer.reason(), pb::AccessReason::ResourceUnknown, "an id of another kind is none");
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_foreign_and_random_ids_are_decided_alike(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let (_, stranger) = stage.found("Third").await;
        let policy = ground.open(&stage, None, None).await;
        stage.access.follow().await.expect("follows");
        let (own, asker) = (stage.subject_access(stranger).await.expect("known").organization_id, Who::User(stranger));
        let foreign = [
            Resource::OrganizationId(ground.organization.to_string()),
            Resource::UserId(ground.steward.to_string()),
            ground.dataset(0),
            Resource::ModelId(ground.model.clone()),
            Resource::AssetPolicyId(policy),
        ];
        for resource in foreign {
            let random = match &resource {
                Resource::OrganizationId(_) => Resource::OrganizationId(stage.random_id()),
                Resource::UserId(_) => Resource::UserId(stage.random_id()),
                Resource::DatasetId(_) => Resource::DatasetId(stage.random_id()),
                Resource::ModelId(_) => Resource::ModelId(stage.random_id()),
                Resource::AssetPolicyId(_) => Resource::AssetPolicyId(stage.random_id()),
            };
            let answers = (
                ask(&stage, asker, stranger, READ, resource.clone()).await,
                ask(&stage, asker, stranger, READ, random.clone()).await,
            );
            assert_eq!(answers.0, answers.1, "{resource:?}");
            let explain = async |resource: Resource| {
                let pb::CheckAccessRequest { subject_id, permission, resource, consistency } =
                    question(stranger, READ, resource);
                let request = pb::ExplainAccessRequest { subject_id, permission, resource, consistency };
                stage.access_as(asker).explain_access(request).await.expect("explains").into_inner()
            };
            assert_eq!(explain(resource).await, explain(random).await);
        }
        let place = Resource::OrganizationId(own);
        let foreign = ask(&stage, asker, ground.owner, READ, place.clone()).await;
        assert_eq!(foreign, ask(&stage, asker, stage.random_id(), READ, place).await);
        let list = async |subject: String| {
            stage.access_as(asker).list_accessible_resources(wish(subject, READ)).await.expect("lists").into_inner()
        };
        assert_eq!(list(ground.owner.to_string()).await, list(stage.random_id()).await);
    }

    async fn what_only_an_administrator_may_shows(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let (admin, list) = (Who::User(stage.admin), "organization.members.list");
        let there = ask(&stage, admin, stage.admin, list, organization(ground.organization)).await;
        assert_eq!((there.allowed, there.only_as_administrator, there.roles), (true, true, vec!["ADMIN".to_owned()]));
        let home = ask(&stage, admin, stage.admin, list, organization(stage.home)).await;
        assert_eq!((home.allowed, home.only_as_administrator, home.roles), (true, false, vec!["OWNER".to_owned()]));
    }

    async fn a_batch_is_decided_at_one_revision_in_the_order_of_asking(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        stage.access.follow().await.expect("follows");
        let checks: Vec<_> = [ground.owner, ground.steward, ground.ada, stage.new_user()]
            .into_iter()
            .map(|subject| question(subject, READ, ground.dataset(0)))
            .collect();
        let batch = async |checks: Vec<pb::CheckAccessRequest>| {
            let request = pb::BatchCheckAccessRequest { checks, consistency: None };
            stage.access_as(Who::User(stage.admin)).batch_check_access(request).await
        };
        let answer = batch(checks.clone()).await.expect("decides").into_inner();
        let mut alone = Vec::new();
        for check in checks.clone() {
            let one = stage.access_as(Who::User(stage.admin)).check_access(check).await.expect("decides").into_inner();
            assert_eq!((&one.revision, &one.rules_version), (&answer.revision, &answer.rules_version));
            alone.push(pb::CheckAccessResponse {
                revision: String::new(),
                consistency_token: String::new(),
                rules_version: String::new(),
                ..one
            });
        }
        assert_eq!(answer.decisions, alone);
        let most: Vec<_> = checks.iter().cycle().take(1_000).cloned().collect();
        assert_eq!(batch(most.clone()).await.expect("decides").into_inner().decisions.len(), 1_000);
        let more = most.into_iter().chain(checks).collect();
        assert_eq!(violations(batch(more).await), [("checks".to_owned(), "TOO_MANY".to_owned())]);
        assert_eq!(violations(batch(Vec::new()).await), [("checks".to_owned(), "REQUIRED".to_owned())]);
        let inner = pb::CheckAccessRequest { consistency: Some(pb::Consistency::default()), ..Default::default() };
        let fields: Vec<String> = violations(batch(vec![inner]).await).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["checks[0].consistency", "checks[0].subject_id", "checks[0].permission", "checks[0].resource"]);
    }

    async fn an_explanation_names_the_fact_behind_each_demand_and_the_nearest_miss(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let policy = ground.open(&stage, None, Some(600)).await;
        stage.clock.advance(Duration::from_mins(10));
        let missed = explain(&stage, question(ground.ada, READ, ground.dataset(0))).await;
        assert_eq!(missed.decision.as_ref().map(pb::CheckAccessResponse::reason), Some(pb::AccessReason::PolicyExpired));
        let rules: Vec<(&str, bool)> = missed.rules.iter().map(|rule| (rule.name.as_str(), rule.holds)).collect();
        let (all, own, granted) = (READ, "organization.datasets.get_registered", "organization.datasets.get_granted");
        assert_eq!(rules, [(all, false), (own, false), (granted, false)]);
        let demands: Vec<_> = missed.nearest_miss.iter().map(|miss| (miss.demand(), miss.fact.contains(&policy))).collect();
        assert_eq!(demands, [(pb::AccessDemand::PolicyNotEnded, true)]);
        assert!(missed.gates.iter().all(|gate| gate.holds) && missed.gates.len() == 3);
        stage.block(stage.admin, ground.steward).await.expect("blocks");
        let blocked = explain(&stage, question(ground.steward, READ, ground.dataset(0))).await;
        let demands: Vec<_> = blocked.nearest_miss.iter().map(pb::AccessPredicate::demand).collect();
        assert_eq!(demands, [pb::AccessDemand::NotBlocked, pb::AccessDemand::Registrant]);
        let allowed = explain(&stage, question(ground.owner, READ, ground.dataset(0))).await;
        assert!(allowed.decision.expect("one").allowed && allowed.rules[0].holds && allowed.nearest_miss.is_empty());
        let unknown = explain(&stage, question(stage.new_user(), READ, ground.dataset(0))).await;
        assert!(unknown.gates.is_empty() && unknown.rules.is_empty() && unknown.nearest_miss.is_empty());
    }

    async fn a_list_is_complete_and_all_of_one_revision_or_ends_with_an_error(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let mut all = ground.datasets.clone();
        for name in ["C", "D", "E"] {
            all.push(stage.dataset(ground.owner, ground.organization, name).await);
        }
        all.sort();
        let list = async |subject: UserId, page_size: i32, page_token: &str| {
            let page_token = page_token.to_owned();
            let request = pb::ListAccessibleResourcesRequest { page_size, page_token, ..wish(subject, READ) };
            stage.access_as(Who::User(stage.admin)).list_accessible_resources(request).await
        };
        assert_eq!(refused(list(ground.owner, 0, "").await), "ACCESS_NOT_CURRENT", "a list needs all facts");
        stage.access.follow().await.expect("follows");
        let whole = list(ground.owner, 0, "").await.expect("lists").into_inner();
        assert_eq!((whole.resource_ids, whole.next_page_token), (all.clone(), String::new()));
        let first = list(ground.owner, 2, "").await.expect("lists").into_inner();
        ground.open(&stage, None, None).await;
        stage.dataset(ground.owner, ground.organization, "F").await;
        stage.access.follow().await.expect("follows");
        let second = list(ground.owner, 3, &first.next_page_token).await.expect("lists").into_inner();
        assert_eq!((&second.revision, &second.next_page_token), (&first.revision, &String::new()));
        assert_eq!([first.resource_ids, second.resource_ids].concat(), all);
        assert_eq!(list(ground.ada, 0, "").await.expect("lists").into_inner().resource_ids, ground.datasets[..1]);
        assert_eq!(list(ground.steward, 0, "").await.expect("lists").into_inner().resource_ids, ground.datasets[1..]);
        let other = stage.replica();
        other.access.follow().await.expect("follows");
        let request =
            pb::ListAccessibleResourcesRequest { page_token: first.next_page_token.clone(), ..wish(ground.owner, READ) };
        let answer = other.decisions(Who::User(stage.admin)).list_accessible_resources(request).await;
        assert_eq!(refused(answer), "ACCESS_LIST_EXPIRED", "the replica never saw that revision");
        let swapped = list(ground.ada, 3, &first.next_page_token).await;
        assert_eq!(violations(swapped), [("page_token".to_owned(), "PAGE_TOKEN_INVALID".to_owned())]);
        let none = pb::ListAccessibleResourcesRequest { resource_type: 0, page_size: -1, ..Default::default() };
        let answer = stage.access_as(Who::User(stage.admin)).list_accessible_resources(none).await;
        let fields: Vec<String> = violations(answer).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["subject_id", "permission", "resource_type", "page_size"]);
    }
}
