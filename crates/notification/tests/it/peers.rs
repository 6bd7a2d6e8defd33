//! Doubles of identity and organization, over a real connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rolecall_api::identity::v1 as id;
use rolecall_api::identity::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use rolecall_api::organization::v1 as org;
use rolecall_api::organization::v1::membership_service_server::{MembershipService, MembershipServiceServer};
use rolecall_rpc::channel::{Channel, RemoteConfig};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What the doubles know, and whether they answer.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) contacts: HashMap<String, id::Contact>,
    pub(crate) organizations: HashMap<String, String>,
    /// Members, with their organization and role.
    pub(crate) members: Vec<(String, String, String)>,
    /// What the installation is called.
    pub(crate) instance: String,
    pub(crate) is_down: bool,
    /// Topics of the events that the audit log got.
    pub(crate) audited: Vec<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Doubles(pub(crate) Arc<Mutex<Known>>);

impl Doubles {
    /// Serves both until the end of the test.
    pub(crate) async fn serve(&self) -> Channel {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("an address");
        let server = tonic::transport::Server::builder()
            .add_service(DirectoryServiceServer::new(self.clone()))
            .add_service(MembershipServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio_util::task::TaskTracker::new().spawn(server);
        Channel::remote(&RemoteConfig::new(format!("http://{address}"))).expect("an address")
    }

    pub(crate) fn know<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.0.lock().expect("not poisoned"))
    }

    fn ask<T>(&self, answer: impl FnOnce(&mut Known) -> T) -> Answer<T> {
        self.know(
            |known| if known.is_down { Err(Status::unavailable("down")) } else { Ok(Response::new(answer(known))) },
        )
    }
}

fn not_asked<T>() -> Answer<T> {
    Err(Status::unimplemented("not asked here"))
}

#[tonic::async_trait]
impl DirectoryService for Doubles {
    async fn batch_get_contacts(
        &self,
        request: Request<id::BatchGetContactsRequest>,
    ) -> Answer<id::BatchGetContactsResponse> {
        self.ask(|known| {
            let ids = request.into_inner().subject_ids;
            id::BatchGetContactsResponse {
                contacts: ids.iter().filter_map(|id| known.contacts.get(id).cloned()).collect(),
            }
        })
    }

    async fn invite_first_owner(
        &self,
        _: Request<id::InviteFirstOwnerRequest>,
    ) -> Answer<id::InviteFirstOwnerResponse> {
        not_asked()
    }

    async fn get_instance(&self, _: Request<id::GetInstanceRequest>) -> Answer<id::GetInstanceResponse> {
        self.ask(|known| id::GetInstanceResponse { name: known.instance.clone(), ..Default::default() })
    }

    async fn check_single_sign_on(
        &self,
        _: Request<id::CheckSingleSignOnRequest>,
    ) -> Answer<id::CheckSingleSignOnResponse> {
        not_asked()
    }

    async fn resolve_proven_emails(
        &self,
        request: Request<id::ResolveProvenEmailsRequest>,
    ) -> Answer<id::ResolveProvenEmailsResponse> {
        self.ask(|known| {
            let emails = request.into_inner().emails.into_iter().map(|email| email.to_lowercase());
            let proven = emails.filter_map(|email| {
                let held = known.contacts.values().find(|contact| contact.email_verified && contact.email == email)?;
                Some(id::ProvenEmail { email, user_id: held.subject_id.clone() })
            });
            id::ResolveProvenEmailsResponse { proven: proven.collect() }
        })
    }

    async fn check_session(&self, _: Request<id::CheckSessionRequest>) -> Answer<id::CheckSessionResponse> {
        not_asked()
    }

    async fn ingest_events(&self, _: Request<id::IngestEventsRequest>) -> Answer<id::IngestEventsResponse> {
        not_asked()
    }
}

macro_rules! not_asked {
    ($($method:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl MembershipService for Doubles {
            async fn batch_get_organizations(
                &self,
                request: Request<org::BatchGetOrganizationsRequest>,
            ) -> Answer<org::BatchGetOrganizationsResponse> {
                self.ask(|known| {
                    let ids = request.into_inner().organization_ids;
                    let named = ids.into_iter().filter_map(|organization_id| {
                        let name = known.organizations.get(&organization_id)?.clone();
                        Some(org::Organization { organization_id, name, ..Default::default() })
                    });
                    org::BatchGetOrganizationsResponse { organizations: named.collect(), settings: Vec::new() }
                })
            }

            async fn list_members_by_role(
                &self,
                request: Request<org::ListMembersByRoleRequest>,
            ) -> Answer<org::ListMembersByRoleResponse> {
                self.ask(|known| {
                    let org::ListMembersByRoleRequest { organization_id, role } = request.into_inner();
                    let holds = |(_, of, held): &&(String, String, String)| *of == organization_id && *held == role;
                    let user_ids = known.members.iter().filter(holds).map(|(user, ..)| user.clone()).collect();
                    org::ListMembersByRoleResponse { user_ids, has_more: false }
                })
            }

            async fn batch_get_members(
                &self,
                request: Request<org::BatchGetMembersRequest>,
            ) -> Answer<org::BatchGetMembersResponse> {
                self.ask(|known| {
                    let ids = request.into_inner().user_ids;
                    let members = known.members.iter().filter(|(user, ..)| ids.contains(user));
                    let members = members.map(|(user_id, organization_id, role)| org::Member {
                        user_id: user_id.clone(),
                        organization_id: organization_id.clone(),
                        roles: vec![role.clone()],
                        state: org::MemberState::Active.into(),
                        ..Default::default()
                    });
                    org::BatchGetMembersResponse { members: members.collect() }
                })
            }

            async fn ingest_events(&self, request: Request<org::IngestEventsRequest>) -> Answer<org::IngestEventsResponse> {
                self.ask(|known| {
                    let results = request.into_inner().events.into_iter().map(|event| {
                        known.audited.push(event.topic);
                        let outcome = org::IngestOutcome::Done.into();
                        org::IngestResult { event_id: event.event_id, outcome, detail: String::new() }
                    });
                    org::IngestEventsResponse { results: results.collect() }
                })
            }

            $(async fn $method(&self, _: Request<org::$request>) -> Answer<org::$response> {
                not_asked()
            })*
        }
    };
}

not_asked! {
    bootstrap_organization(BootstrapOrganizationRequest) -> BootstrapOrganizationResponse;
    add_member(AddMemberRequest) -> AddMemberResponse;
    check_add_member(CheckAddMemberRequest) -> CheckAddMemberResponse;
    register_member(RegisterMemberRequest) -> RegisterMemberResponse;
    yield_member(YieldMemberRequest) -> YieldMemberResponse;
    confirm_member(ConfirmMemberRequest) -> ConfirmMemberResponse;
    activate_member(ActivateMemberRequest) -> ActivateMemberResponse;
    remove_member(RemoveMemberRequest) -> RemoveMemberResponse;
    end_member(EndMemberRequest) -> EndMemberResponse;
    change_member_roles(ChangeMemberRolesRequest) -> ChangeMemberRolesResponse;
    add_service_account(AddServiceAccountRequest) -> AddServiceAccountResponse;
    update_service_account(UpdateServiceAccountRequest) -> UpdateServiceAccountResponse;
    remove_service_account(RemoveServiceAccountRequest) -> RemoveServiceAccountResponse;
    add_guest(AddGuestRequest) -> AddGuestResponse;
    remove_guest(RemoveGuestRequest) -> RemoveGuestResponse;
    get_subject_access(GetSubjectAccessRequest) -> GetSubjectAccessResponse;
}
