//! The stage of every test: the organization context, both crates of it, and actors that call it over the wire.

#[expect(dead_code, reason = "shared with the tests of organization, which need more of it")]
#[path = "../../../organization/tests/it/stage/peers.rs"]
mod peers;
#[expect(dead_code, reason = "shared with the tests of organization, which need more of it")]
#[path = "../../../organization/tests/it/stage/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_authz::{
    AccessCache, Authorizer, Freshness, KeySet, Policy, Revocations, ServiceTokens, Verifier, VerifierConfig,
};
use rolecall_db::{Database, Relay, UniqueConstraint};
use rolecall_governance::Governance;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::Clock as _;
use rolecall_organization::{LocalAccess, Organization, OrganizationConfig};
use rolecall_testkit::{SeededEntropy, TestClock, TestDatabase};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tonic::Status;
use tonic::service::Routes;
use tonic_types::StatusExt as _;

pub(crate) use peers::Mood;
pub(crate) use wire::Who;
use wire::{Guard, Wire, patient};

pub(crate) type Datasets = pb::dataset_service_client::DatasetServiceClient<Wire>;
pub(crate) type AssetPolicies = pb::asset_policy_service_client::AssetPolicyServiceClient<Wire>;
pub(crate) type ComputeSpecs = pb::compute_spec_service_client::ComputeSpecServiceClient<Wire>;
pub(crate) type Models = pb::model_service_client::ModelServiceClient<Wire>;
type Audit = pb::audit_service_client::AuditServiceClient<Wire>;
type Members = pb::member_service_client::MemberServiceClient<Wire>;
type Memberships = pb::membership_service_client::MembershipServiceClient<Wire>;
type Organizations = pb::organization_service_client::OrganizationServiceClient<Wire>;

/// One organization context with a home organization and its first administrator.
pub(crate) struct Stage {
    pub(crate) clock: TestClock,
    pub(crate) entropy: SeededEntropy,
    pub(crate) database: Database,
    pub(crate) home: OrganizationId,
    /// The first administrator, who also owns the home organization.
    pub(crate) admin: UserId,
    organization: Organization,
    pub(crate) governance: Governance,
    guard: Guard,
    routes: Routes,
    relay: Relay,
    pub(crate) master_key: MasterKey,
    pub(crate) identity: Arc<peers::FakeIdentity>,
}

fn constraints() -> &'static [UniqueConstraint] {
    // As many as there are tests that open a stage: small, and gone with the process.
    Vec::leak([Organization::constraints(), Governance::constraints()].concat())
}

impl Stage {
    pub(crate) async fn open(database: &TestDatabase) -> Self {
        let steps = Organization::migrations().into_iter().chain(Governance::migrations()).collect();
        let db = database.open(Organization::NAME, constraints(), steps).await;
        let (clock, entropy) = (TestClock::new(), SeededEntropy::new());
        let source = Arc::new(LocalAccess::new(db.clone(), Arc::new(clock.clone())));
        let access = AccessCache::new(source, patient(Freshness::InProcess));
        let (identity, (peers, slot)) = (Arc::<peers::FakeIdentity>::default(), peers::channels());
        let master_key = MasterKey::new(&entropy);
        let governance = Governance::new(rolecall_governance::Dependencies {
            database: db.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy.clone()),
            master_key: master_key.clone(),
            access: access.clone(),
            identity: peers.identity.clone(),
        });
        let dependencies = rolecall_organization::Dependencies {
            database: db.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy.clone()),
            master_key: master_key.clone(),
            access: access.clone(),
            peers,
        };
        let organization = Organization::new(dependencies, OrganizationConfig::default()).expect("our descriptors");
        organization.listen(governance.listener());
        let routes = governance.register(organization.register(peers::routes(&identity))).prepare();
        slot.bind(peers::stack(routes.clone(), &clock, &entropy));
        let now = clock.now();
        let stage = Self {
            home: OrganizationId::new(now, &entropy),
            admin: UserId::new(now, &entropy),
            guard: guard(&clock, &entropy, access),
            relay: organization.relay().leasing_for(Duration::from_mins(5)),
            clock,
            entropy,
            database: db,
            organization,
            governance,
            routes,
            master_key,
            identity,
        };
        stage.bootstrap().await;
        stage
    }

    async fn bootstrap(&self) {
        let request = pb::BootstrapOrganizationRequest {
            organization_id: self.home.to_string(),
            name: "Home".to_owned(),
            user_id: self.admin.to_string(),
            mfa_policy: pb::MfaPolicy::Required.into(),
        };
        self.memberships().bootstrap_organization(request).await.expect("bootstraps");
    }

    fn wire(&self, who: Who) -> Wire {
        Wire::new(self.routes.clone(), who, self.guard.clone())
    }

    pub(crate) fn datasets(&self, user: UserId) -> Datasets {
        Datasets::new(self.wire(Who::User(user)))
    }

    /// Decodes as much as is sent: models with all their schemas are large.
    pub(crate) fn models(&self, user: UserId) -> Models {
        Models::new(self.wire(Who::User(user))).max_decoding_message_size(8 * 1024 * 1024)
    }

    pub(crate) fn specs(&self, user: UserId) -> ComputeSpecs {
        ComputeSpecs::new(self.wire(Who::User(user)))
    }

    pub(crate) fn policies(&self, user: UserId) -> AssetPolicies {
        AssetPolicies::new(self.wire(Who::User(user)))
    }

    /// Delivers all events, and returns the topics of those of which notification was told.
    pub(crate) async fn mailed(&self) -> Vec<String> {
        self.relay.drain().await;
        self.identity.mails().into_iter().map(|event| event.topic).collect()
    }

    pub(crate) fn memberships(&self) -> Memberships {
        Memberships::new(self.wire(Who::Service))
    }

    pub(crate) fn members(&self, user: UserId) -> Members {
        Members::new(self.wire(Who::User(user)))
    }

    pub(crate) fn organizations(&self, user: UserId) -> Organizations {
        Organizations::new(self.wire(Who::User(user)))
    }

    /// Registers a dataset, and returns its id.
    pub(crate) async fn dataset(&self, owner: UserId, organization: OrganizationId, name: &str) -> String {
        // Lists are in order of registration.
        self.clock.advance(Duration::from_millis(1));
        let (organization_id, name) = (organization.to_string(), name.to_owned());
        let dataset = Some(pb::Dataset { organization_id, name, ..Default::default() });
        let request = pb::RegisterDatasetRequest { dataset, ..Default::default() };
        let answer = Datasets::new(self.wire(Who::User(owner))).register_dataset(request).await.expect("registers");
        answer.into_inner().dataset.expect("a dataset").dataset_id
    }

    pub(crate) fn new_user(&self) -> UserId {
        UserId::new(self.clock.advance(Duration::from_millis(1)), &self.entropy)
    }

    /// Returns an id that nothing has.
    pub(crate) fn random_id(&self) -> String {
        self.new_user().to_string()
    }

    pub(crate) async fn add_active(&self, actor: UserId, organization: OrganizationId, roles: &[&str]) -> UserId {
        let user = self.new_user();
        let request = pb::AddMemberRequest {
            user_id: user.to_string(),
            actor_id: actor.to_string(),
            organization_id: organization.to_string(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        self.memberships().add_member(request).await.expect("adds");
        let request = pb::ConfirmMemberRequest { user_id: user.to_string() };
        self.memberships().confirm_member(request).await.expect("confirms");
        self.activate(user, actor).await;
        user
    }

    async fn activate(&self, user: UserId, inviter: UserId) {
        let request = pb::ActivateMemberRequest { user_id: user.to_string(), inviter_id: inviter.to_string() };
        self.memberships().activate_member(request).await.expect("activates");
    }

    /// Makes an organization with an active first owner.
    pub(crate) async fn found(&self, name: &str) -> (OrganizationId, UserId) {
        let first_owner = Some(pb::FirstOwner {
            email: format!("owner@{}.example", name.to_lowercase()),
            given_name: "Ada".to_owned(),
            family_name: "Lovelace".to_owned(),
            ..Default::default()
        });
        let request = pb::CreateOrganizationRequest { name: name.to_owned(), first_owner, ..Default::default() };
        let answer = self.organizations(self.admin).create_organization(request).await.expect("creates").into_inner();
        let organization = answer.organization.expect("an organization").organization_id;
        let owner = UserId::parse(&answer.first_owner_id).expect("an id");
        self.activate(owner, self.admin).await;
        (OrganizationId::parse(&organization).expect("an id"), owner)
    }

    pub(crate) async fn suspend(&self, organization: OrganizationId) {
        let request = pb::SuspendOrganizationRequest {
            organization_id: organization.to_string(),
            reason: "a test".to_owned(),
            ..Default::default()
        };
        self.organizations(self.admin).suspend_organization(request).await.expect("suspends");
    }

    pub(crate) async fn block(&self, actor: UserId, user: UserId) {
        let request =
            pb::BlockMemberRequest { user_id: user.to_string(), reason: "a test".to_owned(), ..Default::default() };
        self.members(actor).block_member(request).await.expect("blocks");
    }

    pub(crate) async fn set_roles(&self, actor: UserId, user: UserId, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let request = pb::UpdateMemberRolesRequest { user_id: user.to_string(), roles, ..Default::default() };
        self.members(actor).update_member_roles(request).await.expect("changes");
    }

    /// Delivers all events and lists what the audit log tells of a resource, by name, without `organization.`.
    pub(crate) async fn audited(&self, owner: UserId, target: &str) -> Vec<String> {
        self.relay.drain().await;
        self.organization.chain_audit().await.expect("chains");
        let request = pb::ListAuditEventsRequest { target_id: target.to_owned(), ..Default::default() };
        let listed = Audit::new(self.wire(Who::User(owner))).list_audit_events(request).await.expect("lists");
        let topic = |event: &pb::AuditEvent| event.topic.trim_start_matches("organization.").to_owned();
        let mut topics: Vec<_> = listed.into_inner().audit_events.iter().map(topic).collect();
        topics.sort_unstable();
        topics
    }

    /// What the audit log tells of events of a topic.
    pub(crate) async fn details(&self, owner: UserId, topic: &str) -> Vec<String> {
        self.relay.drain().await;
        let request = pb::ListAuditEventsRequest { topic: topic.to_owned(), ..Default::default() };
        let listed = Audit::new(self.wire(Who::User(owner))).list_audit_events(request).await.expect("lists");
        listed.into_inner().audit_events.iter().map(|event| format!("{:?}", event.details)).collect()
    }

    /// Copies the only policy, and whom it names.
    pub(crate) async fn copy_policies(&self, times: u32) {
        let backend = self.database.reader().get_database_backend();
        let id = if backend == DbBackend::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
        let columns = "organization_id, name, model_id, model_version, parameter_bounds, output_review, obligations, state, \
                       version, created, updated";
        let policies = format!(
            "INSERT INTO asset_policies (asset_policy_id, {columns}) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times}) \
             SELECT {id}, {columns} FROM asset_policies CROSS JOIN n"
        );
        let beneficiaries = "INSERT INTO asset_policy_beneficiaries (asset_policy_id, email_key, email, address_hash) \
                             SELECT p.asset_policy_id, b.email_key, b.email, b.address_hash \
                             FROM asset_policies p CROSS JOIN asset_policy_beneficiaries b \
                             WHERE p.asset_policy_id <> b.asset_policy_id";
        let write = self.database.write(|tx| {
            let policies = policies.clone();
            async move {
                tx.execute_unprepared(&policies).await?;
                tx.execute_unprepared(beneficiaries).await?;
                Ok::<_, rolecall_db::Error>(())
            }
        });
        write.await.expect("copies");
    }

    /// Counts the addresses that wait.
    pub(crate) async fn waiting(&self) -> i64 {
        let reader = self.database.reader();
        let text = "SELECT count(*) FROM asset_policy_beneficiaries WHERE user_id IS NULL";
        let statement = Statement::from_string(reader.get_database_backend(), text);
        let row = reader.query_one_raw(statement).await.expect("reads").expect("a row");
        row.try_get_by_index(0).expect("a number")
    }

    /// The head of all access.
    pub(crate) async fn revision(&self) -> i64 {
        rolecall_organization::ground::head(&self.database.reader()).await.expect("reads").revision
    }
}

/// Decides about calls as the layer before the services does.
fn guard(clock: &TestClock, entropy: &SeededEntropy, access: AccessCache) -> Guard {
    let policy = Arc::new(Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("our rules"));
    let (keys, services) = (Arc::new(KeySet::new([])), ServiceTokens::new(&MasterKey::new(entropy)));
    let verifier = Verifier::new(keys, &services, Arc::new(clock.clone()), VerifierConfig::new("test"));
    let revocations = Revocations::new(Arc::new(clock.clone()), Freshness::InProcess, None);
    let (rules, known) = (Arc::clone(&policy), access.clone());
    let authorizer = Authorizer::new(rules, Arc::new(verifier), revocations, known, [Organization::NAME]);
    Guard { access, policy, authorizer: Arc::new(authorizer), clock: clock.clone() }
}

/// Returns the reason of an error that was expected.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    answer.expect_err("is refused").get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Returns the fields that an error finds fault with, and why.
pub(crate) fn violations<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<(String, String)> {
    let details = answer.expect_err("is refused").get_details_bad_request();
    let violations = details.map(|bad| bad.field_violations).unwrap_or_default();
    violations.into_iter().map(|one| (one.field, one.reason)).collect()
}

/// Returns everything that a client sees of an error.
pub(crate) fn bytes(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
