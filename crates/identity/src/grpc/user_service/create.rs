//! Makes accounts.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, caller};
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::create_user::{self, Created, Credential, SET_PASSWORD};
use crate::app::delivery::Delivery;
use crate::app::invite::Invited;
use crate::app::taken_addresses;
use crate::domain::password::PasswordPolicy;
use crate::grpc::convert::{self, Demand, Fields, Names};
use crate::grpc::status::refuse;
use crate::grpc::{Grpc, answer, render};
use crate::hashing::ImportedHash;

const CREATE: &str = "identity.users.create";
const ASSIGN_ROLES: &str = "organization.members.assign_roles";

fn created(created: &Created) -> wire::CreateUserResponse {
    let user = if created.is_draft { render::user_without_id(&created.user) } else { render::user(&created.user) };
    let (invitation, invitation_code) = render::invited(created.invited.as_ref());
    wire::CreateUserResponse { user: Some(user), invitation, invitation_code }
}

/// What is stored: the answer without the code, which is shown only once.
fn stored(done: &Created) -> Vec<u8> {
    created(&Created { invited: done.invited.as_ref().map(Invited::without_code), ..done.clone() }).encode_to_vec()
}

/// Reads how the person will log in; by a mailed invitation when nothing is chosen.
fn credential(
    fields: &mut Fields,
    caller: &Caller,
    policy: PasswordPolicy,
    request: &wire::CreateUserRequest,
) -> Option<Credential> {
    use wire::create_user_request::Credential as Wire;
    let scope = caller.scope(SET_PASSWORD);
    match &request.credential {
        None => Some(Credential::Invitation(Delivery::Send)),
        Some(Wire::Invitation(invitation)) => {
            Some(Credential::Invitation(convert::delivery(caller, invitation.delivery)))
        }
        Some(Wire::InitialPassword(initial)) => {
            let (text, again) = (&initial.password, &initial.password_confirmation);
            let password = fields.new_password("initial_password.password", text, again, policy);
            let change_required = fields.change_required("initial_password.change", initial.change);
            password.map(|password| Credential::Password { password, change_required, scope })
        }
        Some(Wire::SsoOnly(_)) => Some(Credential::SingleSignOn { mailed: true }),
        Some(Wire::ImportedHash(imported)) => match ImportedHash::parse(&imported.hash) {
            Ok(hash) => Some(Credential::Imported { hash, scope }),
            Err(error) => {
                fields.violate("imported_hash.hash", error.reason(), &error.to_string());
                None
            }
        },
    }
}

impl Grpc {
    fn create_user_command(
        &self,
        caller: &Caller,
        request: &wire::CreateUserRequest,
    ) -> Result<create_user::Command, Status> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let chosen = fields.target_organization(caller, &request.organization_id);
        let organization = if request.organization_id.is_empty() { caller.organization() } else { chosen };
        let email = fields.email(&request.email);
        let names = Names {
            name: &request.name,
            given_name: &request.given_name,
            family_name: &request.family_name,
            institution: &request.institution,
            website: &request.website,
        };
        let profile = fields.profile(&names, Demand::Parts);
        let roles = fields.roles(request.roles.clone());
        let credential = credential(&mut fields, caller, self.resources.password_policy, request);
        let parts = organization.zip(email).zip(profile).zip(credential);
        let (((organization, email), profile), credential) = fields.finish(parts)?;
        // An account is given roles: a narrowed token must be made for that too, and organization knows the person only.
        if caller.is_personal_token() && !caller.holds(ASSIGN_ROLES) {
            return Err(refuse(wire::ErrorReason::RoleNotGrantable));
        }
        Ok(create_user::Command {
            actor: caller.subject(),
            scope: caller.scope(CREATE),
            organization,
            email,
            profile,
            roles,
            credential,
            validate_only: request.validate_only,
            deadline: call::deadline(),
            once: self.once(caller, "UserService/CreateUser", request_id, request, stored),
        })
    }
}

pub(super) async fn create_user(
    grpc: &Grpc,
    request: Request<wire::CreateUserRequest>,
) -> Result<Response<wire::CreateUserResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = grpc.create_user_command(&caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move {
        let work = create_user::run(&resources, &command);
        let is_taken = |error: &create_user::Error| matches!(error, create_user::Error::EmailTaken);
        Ok(taken_addresses::limit(&resources, command.actor, command.validate_only, work, is_taken).await?)
    })
    .await?;
    Ok(Response::new(answer(done, created)?))
}
