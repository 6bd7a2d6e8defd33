//! The stage of every test: the organization context, all crates of it, and actors that call it over the wire.

#[expect(dead_code, reason = "shared with the tests of organization, which need more of it")]
#[path = "../../../organization/tests/it/stage/peers.rs"]
mod peers;
#[expect(dead_code, reason = "shared with the tests of organization, which need more of it")]
#[path = "../../../organization/tests/it/stage/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use rolecall_access::{Access, AccessConfig};
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{
    AccessCache, Authorizer, Freshness, KeySet, Policy, Revocations, ServiceTokens, Verifier, VerifierConfig,
};
use rolecall_db::{Database, UniqueConstraint};
use rolecall_governance::Governance;
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, UserId};
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::Clock as _;
use rolecall_organization::{LocalAccess, Organization, OrganizationConfig};
use rolecall_testkit::{SeededEntropy, TestClock, TestDatabase};
use tonic::Status;
use tonic::service::Routes;
use tonic_types::StatusExt as _;

pub(crate) use wire::Who;
use wire::{Guard, Wire, patient};

pub(crate) type Decisions = pb::access_service_client::AccessServiceClient<Wire>;
type Datasets = pb::dataset_service_client::DatasetServiceClient<Wire>;
type AssetPolicies = pb::asset_policy_service_client::AssetPolicyServiceClient<Wire>;
type Models = pb::model_service_client::ModelServiceClient<Wire>;
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
    pub(crate) identity: Arc<peers::FakeIdentity>,
    /// What decides in this process.
    pub(crate) access: Access,
    master_key: MasterKey,
    guard: Guard,
    routes: Routes,
}

/// Another process over the same database, which decides and nothing else.
pub(crate) struct Replica {
    pub(crate) access: Access,
    guard: Guard,
    routes: Routes,
}

impl Replica {
    pub(crate) fn decisions(&self, who: Who) -> Decisions {
        Decisions::new(Wire::new(self.routes.clone(), who, self.guard.clone()))
    }
}

fn constraints() -> &'static [UniqueConstraint] {
    // As many as there are tests that open a stage: small, and gone with the process.
    Vec::leak([Organization::constraints(), Governance::constraints(), Access::constraints()].concat())
}

fn cache(database: &Database, clock: &TestClock) -> AccessCache {
    let source = Arc::new(LocalAccess::new(database.clone(), Arc::new(clock.clone())));
    AccessCache::new(source, patient(Freshness::InProcess))
}

impl Stage {
    pub(crate) async fn open(database: &TestDatabase) -> Self {
        Self::open_with(database, &AccessConfig::default()).await
    }

    pub(crate) async fn open_with(database: &TestDatabase, config: &AccessConfig) -> Self {
        let steps = Organization::migrations().into_iter().chain(Governance::migrations());
        let db = database.open(Organization::NAME, constraints(), steps.chain(Access::migrations()).collect()).await;
        let (clock, entropy) = (TestClock::new(), SeededEntropy::new());
        let cache = cache(&db, &clock);
        let (identity, (peers, slot)) = (Arc::<peers::FakeIdentity>::default(), peers::channels());
        let master_key = MasterKey::new(&entropy);
        let governance = Governance::new(rolecall_governance::Dependencies {
            database: db.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy.clone()),
            master_key: master_key.clone(),
            access: cache.clone(),
            identity: peers.identity.clone(),
        });
        let dependencies = rolecall_organization::Dependencies {
            database: db.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy.clone()),
            master_key: master_key.clone(),
            access: cache.clone(),
            peers,
        };
        let organization = Organization::new(dependencies, OrganizationConfig::default()).expect("our descriptors");
        let access = decides((&db, &clock, &entropy), &master_key, cache.clone(), config);
        let routes = access.register(governance.register(organization.register(peers::routes(&identity)))).prepare();
        slot.bind(peers::stack(routes.clone(), &clock, &entropy));
        let now = clock.now();
        let stage = Self {
            home: OrganizationId::new(now, &entropy),
            admin: UserId::new(now, &entropy),
            guard: guard(&clock, &entropy, cache),
            clock,
            entropy,
            database: db,
            routes,
            identity,
            access,
            master_key,
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

    /// Another process over the same database.
    pub(crate) fn replica(&self) -> Replica {
        let cache = cache(&self.database, &self.clock);
        let parts = (&self.database, &self.clock, &self.entropy);
        let access = decides(parts, &self.master_key, cache.clone(), &AccessConfig::default());
        let routes = access.register(Routes::default()).prepare();
        Replica { access, guard: guard(&self.clock, &self.entropy, cache), routes }
    }

    fn wire(&self, who: Who) -> Wire {
        Wire::new(self.routes.clone(), who, self.guard.clone())
    }

    pub(crate) fn access_as(&self, who: Who) -> Decisions {
        Decisions::new(self.wire(who))
    }

    pub(crate) fn datasets(&self, user: UserId) -> Datasets {
        Datasets::new(self.wire(Who::User(user)))
    }

    pub(crate) fn models(&self, user: UserId) -> Models {
        Models::new(self.wire(Who::User(user)))
    }

    pub(crate) fn policies(&self, user: UserId) -> AssetPolicies {
        AssetPolicies::new(self.wire(Who::User(user)))
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
    pub(crate) async fn dataset(&self, registrant: UserId, organization: OrganizationId, name: &str) -> String {
        let (organization_id, name) = (organization.to_string(), name.to_owned());
        let dataset = Some(pb::Dataset { organization_id, name, ..Default::default() });
        let request = pb::RegisterDatasetRequest { dataset, ..Default::default() };
        let answer = self.datasets(registrant).register_dataset(request).await.expect("registers");
        answer.into_inner().dataset.expect("a dataset").dataset_id
    }

    pub(crate) fn new_user(&self) -> UserId {
        UserId::new(self.clock.advance(Duration::from_millis(1)), &self.entropy)
    }

    /// Returns an id that nothing has.
    pub(crate) fn random_id(&self) -> String {
        self.new_user().to_string()
    }

    pub(crate) async fn add_pending(&self, actor: UserId, organization: OrganizationId, roles: &[&str]) -> UserId {
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
        user
    }

    pub(crate) async fn add_active(&self, actor: UserId, organization: OrganizationId, roles: &[&str]) -> UserId {
        let user = self.add_pending(actor, organization, roles).await;
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

    pub(crate) async fn add_service_account(
        &self,
        actor: UserId,
        place: &str,
        permissions: &[&str],
    ) -> Result<ServiceAccountId, Status> {
        let id = ServiceAccountId::new(self.clock.advance(Duration::from_millis(1)), &self.entropy);
        let request = pb::AddServiceAccountRequest {
            service_account_id: id.to_string(),
            organization_id: place.to_owned(),
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
            actor_id: actor.to_string(),
            validate_only: false,
        };
        self.memberships().add_service_account(request).await.map(|_| id)
    }

    pub(crate) async fn suspend(&self, organization: OrganizationId) -> String {
        let request = pb::SuspendOrganizationRequest {
            organization_id: organization.to_string(),
            reason: "a test".to_owned(),
            ..Default::default()
        };
        let answer = self.organizations(self.admin).suspend_organization(request).await.expect("suspends");
        answer.into_inner().revision
    }

    pub(crate) async fn block(&self, actor: UserId, user: UserId) -> Result<pb::BlockMemberResponse, Status> {
        let request =
            pb::BlockMemberRequest { user_id: user.to_string(), reason: "a test".to_owned(), ..Default::default() };
        Ok(self.members(actor).block_member(request).await?.into_inner())
    }

    pub(crate) async fn set_roles(
        &self,
        actor: UserId,
        user: UserId,
        roles: &[&str],
    ) -> Result<pb::UpdateMemberRolesResponse, Status> {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let request = pb::UpdateMemberRolesRequest { user_id: user.to_string(), roles, ..Default::default() };
        Ok(self.members(actor).update_member_roles(request).await?.into_inner())
    }

    pub(crate) async fn subject_access(&self, id: impl ToString) -> Result<pb::GetSubjectAccessResponse, Status> {
        let request = pb::GetSubjectAccessRequest { subject_id: id.to_string() };
        Ok(self.memberships().get_subject_access(request).await?.into_inner())
    }
}

fn decides(
    (database, clock, entropy): (&Database, &TestClock, &SeededEntropy),
    master_key: &MasterKey,
    access: AccessCache,
    config: &AccessConfig,
) -> Access {
    let dependencies = rolecall_access::Dependencies {
        database: database.clone(),
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(entropy.clone()),
        master_key: master_key.clone(),
        access,
    };
    Access::new(dependencies, config)
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
