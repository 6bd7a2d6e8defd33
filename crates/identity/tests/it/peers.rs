//! A double of organization and notification: it remembers, and refuses on request.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rolecall_api::notification::v1 as notification;
use rolecall_api::notification::v1::mail_service_server::MailService;
use rolecall_api::organization::v1::membership_service_server::MembershipService;
use rolecall_api::organization::v1::*;
use rolecall_authz::{
    AccessError, AccessSource, IMPERSONATE, ScopeKind, SessionLimits, SubjectAccess, SubjectKind as Kind,
};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_rpc::status::{StatusBuilder, domain};
use tonic::{Code, Request, Response, Status};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Hidden,
    Pending,
    Active,
}

#[derive(Debug, Clone)]
pub(crate) struct FakeMember {
    pub(crate) organization_id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) state: State,
    pub(crate) blocked: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) organizations: HashMap<String, String>,
    /// The organizations that demand a second factor.
    pub(crate) mfa_required: HashSet<String>,
    pub(crate) members: HashMap<String, FakeMember>,
    pub(crate) service_accounts: HashMap<String, (String, Vec<String>)>,
    /// The organizations that take registrations, each with the one domain that it allows; empty allows all.
    pub(crate) self_service: HashMap<String, String>,
    /// The organization of the installation.
    pub(crate) home: String,
    /// Who registered itself.
    pub(crate) registering: HashSet<String>,
    /// Where each guest is.
    pub(crate) guests: HashMap<String, String>,
    /// The organizations that allow guests.
    pub(crate) guests_allowed: HashSet<String>,
    /// How organizations want to be run, beside what the other fields say.
    pub(crate) settings: HashMap<String, OrganizationSettings>,
    /// The organizations whose owners may act as their members.
    pub(crate) owner_impersonation: HashSet<String>,
    /// Methods that are out of reach.
    pub(crate) down: HashSet<&'static str>,
    /// Methods that never answer.
    pub(crate) stuck: HashSet<&'static str>,
    /// Methods whose next call waits until it is released.
    pub(crate) hold_next: HashSet<&'static str>,
    /// Methods of which a call waits to be released.
    pub(crate) held: HashSet<&'static str>,
    pub(crate) inviter_lost_rights: bool,
    /// How often the roles of a member were changed.
    pub(crate) role_changes: HashMap<String, i64>,
    /// Why the next change of roles is refused.
    pub(crate) refuse_roles: Option<&'static str>,
    /// Permissions that nobody holds.
    pub(crate) withheld: HashSet<&'static str>,
    pub(crate) audit: Vec<IngestedEvent>,
    pub(crate) mail: Vec<notification::IngestedEvent>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Known>>);

impl Fake {
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().expect("not poisoned")
    }

    pub(crate) fn topics(&self) -> Vec<String> {
        self.known().audit.iter().map(|event| event.topic.clone()).collect()
    }

    /// Waits until a call is held.
    pub(crate) async fn until_held(&self, method: &'static str) {
        while !self.known().held.contains(method) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn reach(&self, method: &'static str) -> Result<(), Status> {
        if self.known().stuck.contains(method) {
            std::future::pending::<()>().await;
        }
        if self.known().hold_next.remove(method) {
            self.known().held.insert(method);
            while self.known().held.contains(method) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        if self.known().down.contains(method) { Err(Status::unavailable("down")) } else { Ok(()) }
    }

    fn may_add(&self, actor: &str, organization: &str, roles: &[String]) -> Result<String, Status> {
        let known = self.known();
        let actor = known.members.get(actor).ok_or_else(|| refuse(Code::PermissionDenied, "ACTOR_NOT_ENTITLED"))?;
        let is_admin = actor.roles.iter().any(|role| role == "ADMIN");
        let organization = if organization.is_empty() { &actor.organization_id } else { organization };
        if !known.organizations.contains_key(organization) || (!is_admin && organization != actor.organization_id) {
            return Err(refuse(Code::NotFound, "ORGANIZATION_NOT_FOUND"));
        }
        if roles.iter().any(|role| role == "ADMIN") {
            return Err(refuse(Code::PermissionDenied, "ROLE_NOT_GRANTABLE"));
        }
        Ok(organization.to_owned())
    }

    fn organization(&self, id: &str) -> Option<Organization> {
        let known = self.known();
        let name = known.organizations.get(id)?.clone();
        let policy = if known.mfa_required.contains(id) { MfaPolicy::Required } else { MfaPolicy::Optional };
        Some(Organization { organization_id: id.to_owned(), name, mfa_policy: policy.into(), ..Default::default() })
    }

    fn settings(&self, id: &str) -> OrganizationSettings {
        let known = self.known();
        let mut settings = known.settings.get(id).cloned().unwrap_or_default();
        if let Some(domain) = known.self_service.get(id) {
            settings.registration_mode = RegistrationMode::SelfService.into();
            settings.allowed_email_domains.extend(Some(domain.clone()).filter(|domain| !domain.is_empty()));
        }
        settings.guest_sessions |= known.guests_allowed.contains(id);
        settings.owner_impersonation |= known.owner_impersonation.contains(id);
        settings
    }

    fn member(&self, id: &str) -> Option<Member> {
        let found = self.known().members.get(id)?.clone();
        (found.state != State::Hidden).then(|| Member {
            user_id: id.to_owned(),
            organization_id: found.organization_id,
            roles: found.roles,
            block: found.blocked.then(Block::default),
            etag: format!("v{}", self.known().role_changes.get(id).copied().unwrap_or_default()),
            ..Default::default()
        })
    }
}

impl Known {
    /// Judges as organization does; what is not there stays so.
    fn end_member(&self, request: &EndMemberRequest) -> Result<(), Status> {
        let Some(member) = self.members.get(&request.user_id) else { return Ok(()) };
        let has = |member: &FakeMember, role: &str| member.roles.iter().any(|held| held == role);
        let acts = |member: &FakeMember| member.state == State::Active && !member.blocked;
        let actor = self.members.get(&request.actor_id).filter(|actor| acts(actor));
        let is_admin = actor.is_some_and(|actor| has(actor, "ADMIN"));
        let is_owner =
            actor.is_some_and(|actor| has(actor, "OWNER") && actor.organization_id == member.organization_id);
        if !is_admin && !is_owner {
            return Err(refuse(Code::PermissionDenied, "ACTOR_NOT_ENTITLED"));
        }
        if has(member, "ADMIN") && !is_admin {
            return Err(refuse(Code::PermissionDenied, "ROLE_NOT_GRANTABLE"));
        }
        let others = |role: &str| {
            let is_other =
                |(id, other): &(&String, &FakeMember)| **id != request.user_id && acts(other) && has(other, role);
            self.members.iter().filter(is_other).map(|(_, other)| other.organization_id.clone()).collect::<Vec<_>>()
        };
        if acts(member) && has(member, "OWNER") && !others("OWNER").contains(&member.organization_id) {
            return Err(refuse(Code::FailedPrecondition, "LAST_OWNER"));
        }
        if acts(member) && has(member, "ADMIN") && others("ADMIN").is_empty() {
            return Err(refuse(Code::FailedPrecondition, "LAST_ADMIN"));
        }
        Ok(())
    }

    /// Judges as organization does.
    fn may_register(&self, request: &RegisterMemberRequest) -> Result<String, Status> {
        let named = Some(request.organization_id.clone()).filter(|id| !id.is_empty());
        let organization = named.unwrap_or_else(|| self.home.clone());
        let Some(domain) = self.self_service.get(&organization) else {
            return Err(refuse(Code::FailedPrecondition, "REGISTRATION_CLOSED"));
        };
        if !request.email.to_lowercase().ends_with(domain) {
            return Err(refuse(Code::FailedPrecondition, "EMAIL_DOMAIN_REFUSED"));
        }
        self.may_yield(&request.yielding_user_id)?;
        Ok(organization)
    }

    /// The only holder of ADMIN stays.
    fn may_yield(&self, user_id: &str) -> Result<(), Status> {
        let is_admin = |member: &FakeMember| member.roles.iter().any(|role| role == "ADMIN");
        let others = self.members.iter().filter(|(id, member)| id.as_str() != user_id && is_admin(member)).count();
        match self.members.get(user_id) {
            Some(member) if is_admin(member) && others == 0 => Err(refuse(Code::FailedPrecondition, "LAST_ADMIN")),
            Some(_) | None => Ok(()),
        }
    }

    /// Changes roles as organization does, in one step.
    fn change_roles(&mut self, request: &ChangeMemberRolesRequest) -> Result<Member, Status> {
        if let Some(reason) = self.refuse_roles.take() {
            return Err(refuse(Code::FailedPrecondition, reason));
        }
        if request.actor_id == request.user_id {
            return Err(refuse(Code::FailedPrecondition, "SELF_REFUSED"));
        }
        let member = self.members.get(&request.user_id).ok_or_else(|| refuse(Code::NotFound, "MEMBER_NOT_FOUND"))?;
        let has = |actor: &FakeMember, role: &str| actor.roles.iter().any(|held| held == role);
        let is_here = |actor: &FakeMember| actor.organization_id == member.organization_id && has(actor, "OWNER");
        if !self.members.get(&request.actor_id).is_some_and(|actor| has(actor, "ADMIN") || is_here(actor)) {
            return Err(refuse(Code::PermissionDenied, "ACTOR_NOT_ENTITLED"));
        }
        let mut version = self.role_changes.get(&request.user_id).copied().unwrap_or_default();
        if !request.etag.is_empty() && request.etag != format!("v{version}") {
            return Err(refuse(Code::Aborted, "ETAG_MISMATCH"));
        }
        let admin = member.roles.iter().filter(|role| *role == "ADMIN").cloned();
        let after = FakeMember { roles: admin.chain(request.roles.clone()).collect(), ..member.clone() };
        if after.roles != member.roles && !request.validate_only {
            version += 1;
            self.role_changes.insert(request.user_id.clone(), version);
            self.members.insert(request.user_id.clone(), after.clone());
        }
        Ok(Member {
            user_id: request.user_id.clone(),
            organization_id: after.organization_id,
            roles: after.roles,
            etag: format!("v{version}"),
            ..Default::default()
        })
    }
}

fn refuse(code: Code, reason: &str) -> Status {
    StatusBuilder::new(code, domain::ORGANIZATION, reason, "Refused.").build()
}

#[expect(clippy::unnecessary_wraps, reason = "every method of a service answers like this")]
fn ok<T>(message: T) -> Result<Response<T>, Status> {
    Ok(Response::new(message))
}

#[tonic::async_trait]
impl MembershipService for Fake {
    async fn bootstrap_organization(
        &self,
        request: Request<BootstrapOrganizationRequest>,
    ) -> Result<Response<BootstrapOrganizationResponse>, Status> {
        self.reach("bootstrap_organization").await?;
        let request = request.into_inner();
        let mut known = self.known();
        if !known.organizations.is_empty() && !known.organizations.contains_key(&request.organization_id) {
            return Err(refuse(Code::FailedPrecondition, "ALREADY_BOOTSTRAPPED"));
        }
        if request.mfa_policy() != MfaPolicy::Optional {
            known.mfa_required.insert(request.organization_id.clone());
        }
        known.organizations.insert(request.organization_id.clone(), request.name);
        known.home.clone_from(&request.organization_id);
        let roles = vec!["ADMIN".to_owned(), "OWNER".to_owned()];
        let member =
            FakeMember { organization_id: request.organization_id, roles, state: State::Active, blocked: false };
        known.members.insert(request.user_id, member);
        ok(BootstrapOrganizationResponse {})
    }

    async fn add_member(&self, request: Request<AddMemberRequest>) -> Result<Response<AddMemberResponse>, Status> {
        self.reach("add_member").await?;
        let request = request.into_inner();
        let organization_id = self.may_add(&request.actor_id, &request.organization_id, &request.roles)?;
        let roles = request.roles;
        let member =
            FakeMember { organization_id: organization_id.clone(), roles, state: State::Hidden, blocked: false };
        self.known().members.insert(request.user_id, member);
        ok(AddMemberResponse { organization: self.organization(&organization_id) })
    }

    async fn check_add_member(
        &self,
        request: Request<CheckAddMemberRequest>,
    ) -> Result<Response<CheckAddMemberResponse>, Status> {
        let request = request.into_inner();
        let organization_id = self.may_add(&request.actor_id, &request.organization_id, &request.roles)?;
        ok(CheckAddMemberResponse { organization: self.organization(&organization_id) })
    }

    async fn register_member(
        &self,
        request: Request<RegisterMemberRequest>,
    ) -> Result<Response<RegisterMemberResponse>, Status> {
        self.reach("register_member").await?;
        let request = request.into_inner();
        let organization_id = self.known().may_register(&request)?;
        if !request.validate_only {
            let roles = vec!["DATA_SCIENTIST".to_owned()];
            let member =
                FakeMember { organization_id: organization_id.clone(), roles, state: State::Hidden, blocked: false };
            let mut known = self.known();
            known.registering.insert(request.user_id.clone());
            known.members.insert(request.user_id, member);
        }
        ok(RegisterMemberResponse { organization: self.organization(&organization_id) })
    }

    async fn yield_member(
        &self,
        request: Request<YieldMemberRequest>,
    ) -> Result<Response<YieldMemberResponse>, Status> {
        self.reach("yield_member").await?;
        let id = request.into_inner().user_id;
        self.known().may_yield(&id)?;
        self.known().members.remove(&id);
        ok(YieldMemberResponse {})
    }

    async fn confirm_member(
        &self,
        request: Request<ConfirmMemberRequest>,
    ) -> Result<Response<ConfirmMemberResponse>, Status> {
        self.reach("confirm_member").await?;
        let (mut known, user_id) = (self.known(), request.into_inner().user_id);
        let registered = known.registering.contains(&user_id);
        if let Some(member) = known.members.get_mut(&user_id)
            && member.state == State::Hidden
        {
            member.state = if registered { State::Active } else { State::Pending };
        }
        ok(ConfirmMemberResponse {})
    }

    async fn activate_member(
        &self,
        request: Request<ActivateMemberRequest>,
    ) -> Result<Response<ActivateMemberResponse>, Status> {
        self.reach("activate_member").await?;
        let id = request.into_inner().user_id;
        if self.known().inviter_lost_rights {
            return Err(refuse(Code::FailedPrecondition, "INVITER_NOT_ENTITLED"));
        }
        match self.known().members.get_mut(&id) {
            Some(member) => member.state = State::Active,
            None => return Err(refuse(Code::NotFound, "MEMBER_NOT_FOUND")),
        }
        ok(ActivateMemberResponse { member: self.member(&id) })
    }

    async fn remove_member(
        &self,
        request: Request<RemoveMemberRequest>,
    ) -> Result<Response<RemoveMemberResponse>, Status> {
        self.reach("remove_member").await?;
        self.known().members.remove(&request.into_inner().user_id);
        ok(RemoveMemberResponse {})
    }

    async fn end_member(&self, request: Request<EndMemberRequest>) -> Result<Response<EndMemberResponse>, Status> {
        self.reach("end_member").await?;
        let request = request.into_inner();
        let mut known = self.known();
        known.end_member(&request)?;
        known.members.remove(&request.user_id);
        ok(EndMemberResponse {})
    }

    async fn change_member_roles(
        &self,
        request: Request<ChangeMemberRolesRequest>,
    ) -> Result<Response<ChangeMemberRolesResponse>, Status> {
        self.reach("change_member_roles").await?;
        let member = self.known().change_roles(&request.into_inner())?;
        ok(ChangeMemberRolesResponse { member: Some(member) })
    }

    async fn batch_get_members(
        &self,
        request: Request<BatchGetMembersRequest>,
    ) -> Result<Response<BatchGetMembersResponse>, Status> {
        self.reach("batch_get_members").await?;
        let members = request.into_inner().user_ids.iter().filter_map(|id| self.member(id)).collect();
        ok(BatchGetMembersResponse { members })
    }

    async fn list_members_by_role(
        &self,
        _: Request<ListMembersByRoleRequest>,
    ) -> Result<Response<ListMembersByRoleResponse>, Status> {
        Err(refuse(Code::Unimplemented, "NOT_ASKED"))
    }

    async fn batch_get_organizations(
        &self,
        request: Request<BatchGetOrganizationsRequest>,
    ) -> Result<Response<BatchGetOrganizationsResponse>, Status> {
        let ids = request.into_inner().organization_ids;
        let organizations = ids.iter().filter_map(|id| self.organization(id)).collect();
        let settings = ids.iter().map(|id| self.settings(id)).collect();
        ok(BatchGetOrganizationsResponse { organizations, settings })
    }

    async fn add_service_account(
        &self,
        request: Request<AddServiceAccountRequest>,
    ) -> Result<Response<AddServiceAccountResponse>, Status> {
        self.reach("add_service_account").await?;
        let request = request.into_inner();
        if request.permissions.iter().any(|name| name == NOT_GRANTABLE) {
            return Err(refuse(Code::PermissionDenied, "PERMISSION_NOT_GRANTABLE"));
        }
        let organization_id = match request.organization_id.as_str() {
            "-" => String::new(),
            id => self.may_add(&request.actor_id, id, &[])?,
        };
        self.known()
            .service_accounts
            .insert(request.service_account_id, (organization_id.clone(), request.permissions));
        ok(AddServiceAccountResponse { organization_id })
    }

    async fn update_service_account(
        &self,
        request: Request<UpdateServiceAccountRequest>,
    ) -> Result<Response<UpdateServiceAccountResponse>, Status> {
        self.reach("update_service_account").await?;
        let request = request.into_inner();
        if !request.actor_id.is_empty() && request.permissions.iter().any(|name| name == NOT_GRANTABLE) {
            return Err(refuse(Code::PermissionDenied, "PERMISSION_NOT_GRANTABLE"));
        }
        match self.known().service_accounts.get_mut(&request.service_account_id) {
            Some((_, permissions)) => *permissions = request.permissions,
            None => return Err(refuse(Code::NotFound, "SUBJECT_NOT_FOUND")),
        }
        ok(UpdateServiceAccountResponse {})
    }

    async fn remove_service_account(
        &self,
        request: Request<RemoveServiceAccountRequest>,
    ) -> Result<Response<RemoveServiceAccountResponse>, Status> {
        self.reach("remove_service_account").await?;
        self.known().service_accounts.remove(&request.into_inner().service_account_id);
        ok(RemoveServiceAccountResponse {})
    }

    async fn add_guest(&self, request: Request<AddGuestRequest>) -> Result<Response<AddGuestResponse>, Status> {
        self.reach("add_guest").await?;
        let request = request.into_inner();
        let mut known = self.known();
        let home = known.organizations.keys().min().cloned().unwrap_or_default();
        let organization_id = if request.organization_id.is_empty() { home } else { request.organization_id };
        if !known.guests_allowed.contains(&organization_id) {
            return Err(refuse(Code::FailedPrecondition, "GUESTS_NOT_ALLOWED"));
        }
        known.guests.insert(request.guest_id, organization_id.clone());
        ok(AddGuestResponse { organization_id })
    }

    async fn remove_guest(
        &self,
        request: Request<RemoveGuestRequest>,
    ) -> Result<Response<RemoveGuestResponse>, Status> {
        self.reach("remove_guest").await?;
        self.known().guests.remove(&request.into_inner().guest_id);
        ok(RemoveGuestResponse {})
    }

    async fn get_subject_access(
        &self,
        request: Request<GetSubjectAccessRequest>,
    ) -> Result<Response<GetSubjectAccessResponse>, Status> {
        self.reach("get_subject_access").await?;
        let id = request.into_inner().subject_id;
        let subject = SubjectId::parse(&id).map_err(|_| refuse(Code::InvalidArgument, "REQUEST_INVALID"))?;
        let unknown = || refuse(Code::NotFound, "SUBJECT_NOT_FOUND");
        let access = self.subject_access(subject).await.ok().flatten().ok_or_else(unknown)?;
        let member = self.known().members.get(&id).map(|member| (member.state == State::Active, member.blocked));
        let (active, blocked) = member.unwrap_or((!access.blocked, false));
        let scope = |kind: &ScopeKind| match kind {
            ScopeKind::Related => PermissionScope::Related,
            ScopeKind::SelfOnly => PermissionScope::Self_,
            ScopeKind::Own => PermissionScope::OwnOrganization,
            ScopeKind::Any => PermissionScope::All,
        };
        let grant = |(permission, kind): &(String, ScopeKind)| PermissionGrant {
            permission: permission.clone(),
            scope: scope(kind).into(),
        };
        let kind = match access.kind {
            Kind::User => SubjectKind::User,
            Kind::ServiceAccount => SubjectKind::ServiceAccount,
            Kind::Guest => SubjectKind::Guest,
        };
        ok(GetSubjectAccessResponse {
            subject_id: id,
            kind: kind.into(),
            organization_id: access.organization_id.map(|id| id.to_string()).unwrap_or_default(),
            active,
            blocked,
            grants: access.grants.iter().map(grant).collect(),
            ..Default::default()
        })
    }

    async fn ingest_events(
        &self,
        request: Request<IngestEventsRequest>,
    ) -> Result<Response<IngestEventsResponse>, Status> {
        let events = request.into_inner().events;
        let done = |event: &IngestedEvent| IngestResult {
            event_id: event.event_id.clone(),
            outcome: IngestOutcome::Done.into(),
            detail: String::new(),
        };
        let results = events.iter().map(done).collect();
        self.known().audit.extend(events);
        ok(IngestEventsResponse { results })
    }
}

#[tonic::async_trait]
impl MailService for Fake {
    async fn ingest_events(
        &self,
        request: Request<notification::IngestEventsRequest>,
    ) -> Result<Response<notification::IngestEventsResponse>, Status> {
        let events = request.into_inner().events;
        let done = |event: &notification::IngestedEvent| notification::IngestResult {
            event_id: event.event_id.clone(),
            outcome: notification::IngestOutcome::Done.into(),
            detail: String::new(),
        };
        let results = events.iter().map(done).collect();
        self.known().mail.extend(events);
        ok(notification::IngestEventsResponse { results })
    }
}

/// What nobody may give.
const NOT_GRANTABLE: &str = "organization.datasets.register";

const OWNER: &[&str] = &[
    "identity.sessions.list",
    "identity.sessions.revoke",
    "identity.users.set_email",
    "identity.users.update",
    "organization.members.assign_roles",
    "identity.users.create",
    "identity.users.get",
    "identity.users.list",
    "identity.users.set_password",
    "identity.users.return_code",
    "identity.users.delete",
    "identity.domains.create",
    "identity.domains.delete",
    "identity.domains.list",
    "identity.domains.verify",
    "identity.identity_providers.create",
    "identity.identity_providers.delete",
    "identity.identity_providers.get",
    "identity.identity_providers.list",
    "identity.identity_providers.update",
    "identity.service_accounts.create",
    "identity.service_accounts.get",
    "identity.service_accounts.list",
    "identity.service_accounts.update",
    "identity.factors.reset",
    "identity.service_accounts.delete",
    "identity.tokens.introspect",
];

#[tonic::async_trait]
impl AccessSource for Fake {
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        let known = self.known();
        if known.down.contains("subject_access") {
            return Err(AccessError::unavailable("down"));
        }
        let id = subject.to_string();
        if let Some((organization, permissions)) = known.service_accounts.get(&id) {
            let scope = if organization.is_empty() { ScopeKind::Any } else { ScopeKind::Own };
            let grants = permissions.iter().map(|name| (name.clone(), scope)).collect();
            return Ok(Some(access(subject, Kind::ServiceAccount, organization, grants, false)));
        }
        if let Some(organization) = known.guests.get(&id) {
            let active = known.guests_allowed.contains(organization);
            let grants = vec![("organization.organizations.get".to_owned(), ScopeKind::Own)];
            return Ok(Some(access(subject, Kind::Guest, organization, grants, !active)));
        }
        let Some(member) = known.members.get(&id) else { return Ok(None) };
        let has = |role: &str| member.roles.iter().any(|held| held == role);
        let scope = if has("ADMIN") { ScopeKind::Any } else { ScopeKind::Own };
        let own = ["identity.users.get", "identity.users.update"];
        let mut grants: Vec<_> = own.into_iter().map(|name| (name.to_owned(), ScopeKind::SelfOnly)).collect();
        if has("ADMIN") || has("OWNER") {
            grants.extend(OWNER.iter().map(|name| ((*name).to_owned(), scope)));
        }
        if has("ADMIN") {
            let administrators = ["identity.keys.rotate", "identity.settings.get", "identity.settings.update"];
            grants.extend(administrators.map(|name| (name.to_owned(), ScopeKind::Any)));
            grants.push((IMPERSONATE.to_owned(), ScopeKind::Any));
        } else if has("OWNER") && known.owner_impersonation.contains(&member.organization_id) {
            grants.push((IMPERSONATE.to_owned(), ScopeKind::Own));
        }
        grants.retain(|(name, _)| !known.withheld.contains(name.as_str()));
        let blocked = member.blocked || member.state != State::Active;
        let rights = access(subject, Kind::User, &member.organization_id, grants, blocked);
        let settings = known.settings.get(&member.organization_id);
        let limits = settings.and_then(|settings| settings.session_limits).unwrap_or_default();
        let lasting = |limit: Option<prost_types::Duration>| limit.map(|limit| limit.try_into().expect("a duration"));
        let session_limits = SessionLimits { idle: lasting(limits.idle), absolute: lasting(limits.absolute) };
        Ok(Some(SubjectAccess { roles: member.roles.clone(), admin: has("ADMIN"), session_limits, ..rights }))
    }
}

fn access(
    subject: SubjectId,
    kind: Kind,
    organization: &str,
    grants: Vec<(String, ScopeKind)>,
    blocked: bool,
) -> SubjectAccess {
    SubjectAccess {
        subject,
        kind,
        organization_id: OrganizationId::parse(organization).ok(),
        organization_active: true,
        roles: Vec::new(),
        admin: false,
        blocked,
        grants,
        session_limits: SessionLimits::default(),
        revision: 1,
    }
}
