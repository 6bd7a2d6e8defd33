//! The stage of every test: one organization context, and actors that call it over the wire.

#[expect(dead_code, reason = "shared with the tests of governance, which need more of it")]
mod peers;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use rolecall_access::AccessConfig;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{
    AccessCache, Authorizer, Freshness, KeySet, Policy, Revocations, ServiceTokens, Verifier, VerifierConfig,
};
use rolecall_db::{Database, Relay};
use rolecall_governance::Governance;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, UserId};
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::{Clock as _, Timestamp};
use rolecall_organization::{Dependencies, LocalAccess, Organization, OrganizationConfig};
use rolecall_testkit::{SeededEntropy, TestClock, TestDatabase};
use tonic::Status;
use tonic::service::Routes;
use tonic_types::StatusExt as _;

pub(crate) use peers::{FakeIdentity, Mood};
pub(crate) use wire::{Guard, Who, Wire, patient};

pub(crate) type Organizations = pb::organization_service_client::OrganizationServiceClient<Wire>;
pub(crate) type Members = pb::member_service_client::MemberServiceClient<Wire>;
pub(crate) type Memberships = pb::membership_service_client::MembershipServiceClient<Wire>;
pub(crate) type Access = pb::access_service_client::AccessServiceClient<Wire>;
pub(crate) type Roles = pb::role_service_client::RoleServiceClient<Wire>;
pub(crate) type Audit = pb::audit_service_client::AuditServiceClient<Wire>;

/// One organization context with a home organization and its first administrator.
pub(crate) struct Stage {
    pub(crate) organization: Organization,
    pub(crate) database: Database,
    pub(crate) clock: TestClock,
    pub(crate) entropy: SeededEntropy,
    pub(crate) revocations: Revocations,
    pub(crate) identity: Arc<FakeIdentity>,
    pub(crate) home: OrganizationId,
    /// The first administrator, who also owns the home organization.
    pub(crate) admin: UserId,
    dependencies: Dependencies,
    guard: Guard,
    routes: Routes,
    relay: Relay,
}

impl Stage {
    pub(crate) async fn open(database: &TestDatabase) -> Self {
        let stage = Self::open_empty(database).await;
        let request = pb::BootstrapOrganizationRequest {
            organization_id: stage.home.to_string(),
            name: "Home".to_owned(),
            user_id: stage.admin.to_string(),
            mfa_policy: pb::MfaPolicy::Required.into(),
        };
        stage.memberships().bootstrap_organization(request).await.expect("bootstraps");
        stage
    }

    pub(crate) async fn open_empty(database: &TestDatabase) -> Self {
        let steps = Organization::migrations().into_iter().chain(Governance::migrations());
        let steps = steps.chain(rolecall_access::Access::migrations()).collect();
        let db = database.open(Organization::NAME, Organization::constraints(), steps).await;
        let (clock, entropy) = (TestClock::new(), SeededEntropy::new());
        let source = Arc::new(LocalAccess::new(db.clone(), Arc::new(clock.clone())));
        let access = AccessCache::new(source, patient(Freshness::InProcess));
        let identity = Arc::new(FakeIdentity::default());
        let (peers, slot) = peers::channels();
        let dependencies = Dependencies {
            database: db.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy.clone()),
            master_key: MasterKey::new(&entropy),
            access: access.clone(),
            peers,
        };
        let config = OrganizationConfig { saga_lease: Duration::from_secs(2), ..OrganizationConfig::default() };
        let organization = Organization::new(dependencies.clone(), config).expect("the descriptors are ours");
        let decides = rolecall_access::Dependencies {
            database: db.clone(),
            clock: dependencies.clock.clone(),
            entropy: dependencies.entropy.clone(),
            master_key: dependencies.master_key.clone(),
            access: access.clone(),
        };
        let decides = rolecall_access::Access::new(decides, &AccessConfig::default());
        let routes = decides.register(organization.register(peers::routes(&identity))).prepare();
        slot.bind(peers::stack(routes.clone(), &clock, &entropy));
        let revocations = Revocations::new(Arc::new(clock.clone()), Freshness::InProcess, None);
        let (now, guard) = (clock.now(), guard(&clock, &entropy, access, revocations.clone()));
        Self {
            relay: organization.relay().leasing_for(Duration::from_mins(5)),
            organization,
            database: db,
            home: OrganizationId::new(now, &entropy),
            admin: UserId::new(now, &entropy),
            clock,
            entropy,
            revocations,
            identity,
            dependencies,
            guard,
            routes,
        }
    }

    /// Another process over the same database.
    pub(crate) fn replica(&self) -> Organization {
        Organization::new(self.dependencies.clone(), OrganizationConfig::default()).expect("the descriptors are ours")
    }

    /// Delivers all events, and returns how many deliveries were done.
    pub(crate) async fn drain(&self) -> usize {
        self.relay.drain().await
    }

    /// Tells whether this process knows what somebody may do without asking for it.
    pub(crate) fn remembers(&self, user: UserId) -> bool {
        self.guard.access.peek(user.into(), None).is_some()
    }

    fn wire(&self, who: Who) -> Wire {
        Wire::new(self.routes.clone(), who, self.guard.clone())
    }

    pub(crate) fn organizations(&self, user: UserId) -> Organizations {
        Organizations::new(self.wire(Who::User(user)))
    }

    pub(crate) fn organizations_as(&self, who: Who) -> Organizations {
        Organizations::new(self.wire(who))
    }

    pub(crate) fn members(&self, user: UserId) -> Members {
        Members::new(self.wire(Who::User(user)))
    }

    pub(crate) fn members_as(&self, who: Who) -> Members {
        Members::new(self.wire(who))
    }

    pub(crate) fn memberships(&self) -> Memberships {
        Memberships::new(self.wire(Who::Service))
    }

    pub(crate) fn memberships_as(&self, who: Who) -> Memberships {
        Memberships::new(self.wire(who))
    }

    pub(crate) fn access_as(&self, who: Who) -> Access {
        Access::new(self.wire(who))
    }

    pub(crate) fn roles(&self, user: UserId) -> Roles {
        self.roles_as(Who::User(user))
    }

    pub(crate) fn roles_as(&self, who: Who) -> Roles {
        Roles::new(self.wire(who))
    }

    pub(crate) fn audit(&self, user: UserId) -> Audit {
        Audit::new(self.wire(Who::User(user)))
    }

    pub(crate) fn new_user(&self) -> UserId {
        UserId::new(self.clock.advance(Duration::from_millis(1)), &self.entropy)
    }

    /// Returns an id that nothing has.
    pub(crate) fn random_id(&self) -> String {
        self.new_user().to_string()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn draw(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        u64::from_le_bytes(bytes) % bound
    }

    /// Adds a member of a state of its own: hidden, and no further.
    pub(crate) async fn add_hidden(&self, actor: UserId, organization: OrganizationId, roles: &[&str]) -> UserId {
        let user = self.new_user();
        self.memberships().add_member(add(user, actor, organization, roles)).await.expect("adds");
        user
    }

    pub(crate) async fn add_pending(&self, actor: UserId, organization: OrganizationId, roles: &[&str]) -> UserId {
        let user = self.add_hidden(actor, organization, roles).await;
        let request = pb::ConfirmMemberRequest { user_id: user.to_string() };
        self.memberships().confirm_member(request).await.expect("confirms");
        user
    }

    pub(crate) async fn add_active(&self, actor: UserId, organization: OrganizationId, roles: &[&str]) -> UserId {
        let user = self.add_pending(actor, organization, roles).await;
        self.activate(user, actor).await.expect("activates");
        user
    }

    pub(crate) async fn activate(&self, user: UserId, inviter: UserId) -> Result<pb::Member, Status> {
        let request = pb::ActivateMemberRequest { user_id: user.to_string(), inviter_id: inviter.to_string() };
        let answer = self.memberships().activate_member(request).await?;
        Ok(answer.into_inner().member.expect("a member"))
    }

    /// Makes an organization with an active first owner.
    pub(crate) async fn found(&self, name: &str) -> (OrganizationId, UserId) {
        let request = create(name, &format!("owner-{}@example.org", self.draw(1_000_000_000)));
        let answer = self.organizations(self.admin).create_organization(request).await.expect("creates").into_inner();
        let organization = answer.organization.expect("an organization").organization_id;
        let owner = UserId::parse(&answer.first_owner_id).expect("an id");
        self.activate(owner, self.admin).await.expect("accepts");
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

    pub(crate) async fn get(&self, asker: UserId, user: UserId) -> Result<pb::Member, Status> {
        let request = pb::GetMemberRequest { user_id: user.to_string() };
        let answer = self.members(asker).get_member(request).await?;
        Ok(answer.into_inner().member.expect("a member"))
    }

    pub(crate) async fn block(&self, actor: UserId, user: UserId) -> Result<pb::BlockMemberResponse, Status> {
        Ok(self.members(actor).block_member(block(user)).await?.into_inner())
    }

    pub(crate) async fn set_roles(
        &self,
        actor: UserId,
        user: UserId,
        names: &[&str],
    ) -> Result<pb::UpdateMemberRolesResponse, Status> {
        Ok(self.members(actor).update_member_roles(roles(user, names)).await?.into_inner())
    }

    pub(crate) async fn subject_access(&self, id: impl ToString) -> Result<pb::GetSubjectAccessResponse, Status> {
        let request = pb::GetSubjectAccessRequest { subject_id: id.to_string() };
        Ok(self.memberships().get_subject_access(request).await?.into_inner())
    }
}

/// Decides about calls as the layer before the services does.
fn guard(clock: &TestClock, entropy: &SeededEntropy, access: AccessCache, revocations: Revocations) -> Guard {
    let policy = Arc::new(Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("our rules"));
    let (keys, services) = (Arc::new(KeySet::new([])), ServiceTokens::new(&MasterKey::new(entropy)));
    let verifier = Verifier::new(keys, &services, Arc::new(clock.clone()), VerifierConfig::new("test"));
    let (rules, known) = (Arc::clone(&policy), access.clone());
    let authorizer = Authorizer::new(rules, Arc::new(verifier), revocations, known, [Organization::NAME]);
    Guard { access, policy, authorizer: Arc::new(authorizer), clock: clock.clone() }
}

pub(crate) fn names(roles: &[&str]) -> Vec<String> {
    roles.iter().map(|role| (*role).to_owned()).collect()
}

pub(crate) fn add(user: UserId, actor: UserId, organization: OrganizationId, roles: &[&str]) -> pb::AddMemberRequest {
    let (user_id, actor_id) = (user.to_string(), actor.to_string());
    pb::AddMemberRequest { user_id, actor_id, organization_id: organization.to_string(), roles: names(roles) }
}

pub(crate) fn create(name: &str, email: &str) -> pb::CreateOrganizationRequest {
    let first_owner = Some(pb::FirstOwner {
        email: email.to_owned(),
        name: String::new(),
        given_name: "Ada".to_owned(),
        family_name: "Lovelace".to_owned(),
    });
    pb::CreateOrganizationRequest { name: name.to_owned(), first_owner, ..Default::default() }
}

pub(crate) fn block(user: UserId) -> pb::BlockMemberRequest {
    pb::BlockMemberRequest { user_id: user.to_string(), reason: "a test".to_owned(), ..Default::default() }
}

pub(crate) fn roles(user: UserId, roles: &[&str]) -> pb::UpdateMemberRolesRequest {
    pb::UpdateMemberRolesRequest { user_id: user.to_string(), roles: names(roles), ..Default::default() }
}

pub(crate) fn unblock(user: UserId) -> pb::UnblockMemberRequest {
    pb::UnblockMemberRequest { user_id: user.to_string(), ..Default::default() }
}

/// Returns the reason of an error.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Returns the reason of an error that was expected.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    reason(&answer.expect_err("is refused"))
}

/// Returns everything that a client sees of an error.
pub(crate) fn bytes(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
