//! `rolecall.organization.v1.RoleService`.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::role_service_server::RoleService;
use rolecall_authz::{Caller, Refusal, Scope, caller};
use rolecall_db::once::Answer;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::page::PageSize;
use rolecall_rpc::detached;
use rolecall_rpc::status::Violations;
use tonic::{Request, Response, Status};

use super::organization_service::answered;
use super::{Api, RoleApi, convert, render, status};
use crate::app::{create_role, delete_role, read_roles, register_permissions, update_role};
use crate::domain::permission::{CATALOGUE, Permission, describe, namespace};
use crate::domain::role::Role;

const ASSIGN_ROLES: &str = "organization.members.assign_roles";

#[tonic::async_trait]
impl RoleService for RoleApi {
    async fn list_roles(
        &self,
        request: Request<pb::ListRolesRequest>,
    ) -> Result<Response<pb::ListRolesResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let id = convert::own_or(&caller, &request.organization_id)?;
        let (subject, place) = (caller.subject().to_string(), id.to_string());
        let binding = ["ListRoles", &subject, &place];
        let (after, size) = convert::named_page(api, &binding, request.page_size, &request.page_token)?;
        check_visible(api, &caller, id).await?;
        let composed = read_roles::list(&api.app, id).await.map_err(status::store)?;
        let registered = read_roles::registered(&api.app).await.map_err(status::store)?;
        let built_in = Role::ALL.into_iter().map(|role| render::built_in(role, &registered));
        let roles: Vec<pb::Role> = built_in.chain(composed.iter().map(render::composed)).collect();
        // Built-in roles come first, whatever they are called.
        let key = |role: &pb::Role| format!("{} {}", u8::from(!role.built_in), role.name);
        let (roles, next_page_token) = page(api, &binding, roles, key, after.as_deref(), size);
        Ok(Response::new(pb::ListRolesResponse { roles, next_page_token }))
    }

    async fn get_role(&self, request: Request<pb::GetRoleRequest>) -> Result<Response<pb::GetRoleResponse>, Status> {
        let caller = caller(&request)?;
        let (app, request) = (&self.0.app, request.into_inner());
        let id = convert::own_or(&caller, &request.organization_id)?;
        // Whoever may not see the organization is not told that it has what all have.
        check_visible(&self.0, &caller, id).await?;
        if let Ok(role) = Role::parse(&request.name) {
            let registered = read_roles::registered(app).await.map_err(status::store)?;
            return Ok(Response::new(pb::GetRoleResponse { role: Some(render::built_in(role, &registered)) }));
        }
        let mut violations = Violations::default();
        let name = convert::role_name(&mut violations, "name", &request.name);
        let name = name.ok_or_else(|| status::invalid(violations))?;
        let found = read_roles::find(app, id, &name).await.map_err(status::store)?;
        let role = found.ok_or_else(status::role_not_found)?;
        Ok(Response::new(pb::GetRoleResponse { role: Some(render::composed(&role)) }))
    }

    async fn create_role(
        &self,
        request: Request<pb::CreateRoleRequest>,
    ) -> Result<Response<pb::CreateRoleResponse>, Status> {
        let caller = caller(&request)?;
        check_breadth(&caller)?;
        let command = convert::create_role(&self.0, &caller, request.get_ref())?;
        let (api, validate_only) = (Arc::clone(&self.0), request.get_ref().validate_only);
        detached::run(async move {
            let done = if validate_only {
                create_role::check(&api.app, &command).await.map(Answer::Fresh)
            } else {
                create_role::run(&api.app, &command).await
            };
            answered(done.map_err(status::change_role)?, render::role_created)
        })
        .await
    }

    async fn update_role(
        &self,
        request: Request<pb::UpdateRoleRequest>,
    ) -> Result<Response<pb::UpdateRoleResponse>, Status> {
        let caller = caller(&request)?;
        check_breadth(&caller)?;
        let command = convert::update_role(&self.0, &caller, request.get_ref())?;
        let (api, validate_only) = (Arc::clone(&self.0), request.get_ref().validate_only);
        detached::run(async move {
            let done = if validate_only {
                update_role::check(&api.app, &command).await.map(Answer::Fresh)
            } else {
                update_role::run(&api.app, &command).await
            };
            answered(done.map_err(status::change_role)?, render::role_updated)
        })
        .await
    }

    async fn delete_role(
        &self,
        request: Request<pb::DeleteRoleRequest>,
    ) -> Result<Response<pb::DeleteRoleResponse>, Status> {
        let caller = caller(&request)?;
        if request.get_ref().take_from_holders {
            check_breadth(&caller)?;
        }
        let command = convert::delete_role(&self.0, &caller, request.get_ref())?;
        let (api, validate_only) = (Arc::clone(&self.0), request.get_ref().validate_only);
        detached::run(async move {
            let done = if validate_only {
                delete_role::check(&api.app, &command).await.map(Answer::Fresh)
            } else {
                delete_role::run(&api.app, &command).await
            };
            answered(done.map_err(status::change_role)?, render::deleted)
        })
        .await
    }

    async fn list_permissions(
        &self,
        request: Request<pb::ListPermissionsRequest>,
    ) -> Result<Response<pb::ListPermissionsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let subject = caller.subject().to_string();
        let binding = ["ListPermissions", &subject, &request.namespace];
        let (after, size) = convert::named_page(api, &binding, request.page_size, &request.page_token)?;
        let described = described(api).await?;
        let is_meant = |name: &str| request.namespace.is_empty() || namespace(name) == request.namespace;
        let permissions = described
            .iter()
            .filter(|(name, _)| is_meant(name))
            .filter_map(|(name, text)| Permission::named(name).map(|permission| render::permission(&permission, text)));
        let key = |permission: &pb::Permission| permission.name.clone();
        let (permissions, next_page_token) = page(api, &binding, permissions.collect(), key, after.as_deref(), size);
        Ok(Response::new(pb::ListPermissionsResponse { permissions, next_page_token }))
    }

    async fn get_permission_table(
        &self,
        request: Request<pb::GetPermissionTableRequest>,
    ) -> Result<Response<pb::GetPermissionTableResponse>, Status> {
        let caller = caller(&request)?;
        let api = &self.0;
        let request = request.into_inner();
        let id = convert::own_or(&caller, &request.organization_id)?;
        let (subject, organization) = (caller.subject().to_string(), id.to_string());
        let binding = ["GetPermissionTable", &subject, &organization];
        let (after, size) = convert::named_page(api, &binding, request.page_size, &request.page_token)?;
        check_visible(api, &caller, id).await?;
        let composed = read_roles::list(&api.app, id).await.map_err(status::store)?;
        let described = described(api).await?;
        let key = |(name, _): &(String, String)| name.clone();
        let (described, next_page_token) = page(api, &binding, described, key, after.as_deref(), size);
        let row = |(name, text): &(String, String)| {
            Permission::named(name).map(|permission| render::permission_table(&permission, text, &composed))
        };
        let rows = described.iter().filter_map(row).collect();
        let names = Role::ALL.into_iter().map(|role| role.name().to_owned());
        let roles = names.chain(composed.iter().map(|found| found.role.name.to_string())).collect();
        Ok(Response::new(pb::GetPermissionTableResponse { rows, roles, next_page_token }))
    }

    async fn register_permissions(
        &self,
        request: Request<pb::RegisterPermissionsRequest>,
    ) -> Result<Response<pb::RegisterPermissionsResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::register_permissions(&self.0, &caller, request.get_ref())?;
        let (api, validate_only) = (Arc::clone(&self.0), request.get_ref().validate_only);
        detached::run(async move {
            let done = if validate_only {
                register_permissions::check(&api.app, &command).await.map(Answer::Fresh)
            } else {
                register_permissions::run(&api.app, &command).await
            };
            answered(done.map_err(status::register_permissions)?, render::registered)
        })
        .await
    }
}

/// What a role holds, others are given: a narrowed token must be made for that too, and the tables know the person only.
fn check_breadth(caller: &Caller) -> Result<(), Status> {
    if caller.is_personal_token() && !caller.holds(ASSIGN_ROLES) {
        return Err(Refusal::PermissionMissing(vec![ASSIGN_ROLES.into()]).into_status(None));
    }
    Ok(())
}

/// Everybody reads the roles of the own organization, others whoever may see it.
async fn check_visible(api: &Api, caller: &Caller, id: OrganizationId) -> Result<(), Status> {
    let scope = match caller.organization() {
        Some(own) if own == id => Scope::organization(own),
        Some(_) | None => caller.scope("organization.organizations.get"),
    };
    let is_visible = read_roles::is_visible(&api.app, &scope, id).await.map_err(status::store)?;
    if is_visible { Ok(()) } else { Err(status::organization_not_found()) }
}

/// All permissions with what they allow, in the order of their names.
async fn described(api: &Api) -> Result<Vec<(String, String)>, Status> {
    let registered = read_roles::registered(&api.app).await.map_err(status::store)?;
    let ours = CATALOGUE.iter().map(|permission| (permission.name.to_owned(), describe(permission.name).to_owned()));
    let mut all: Vec<_> = ours.chain(registered.into_iter().map(|found| (found.name, found.description))).collect();
    all.sort();
    Ok(all)
}

/// Cuts the page that begins after a key out of what is in the order of keys, and makes the token of the next one.
fn page<T>(
    api: &Api,
    binding: &[&str],
    mut items: Vec<T>,
    key: impl Fn(&T) -> String,
    after: Option<&str>,
    size: PageSize,
) -> (Vec<T>, String) {
    items.retain(|item| after.is_none_or(|after| key(item).as_str() > after));
    let has_more = items.len() > usize::from(size.get());
    items.truncate(usize::from(size.get()));
    let entropy = api.app.entropy.as_ref();
    let last = items.last().filter(|_| has_more);
    let token = last.map(|last| api.pages.seal(binding, key(last).as_bytes(), entropy));
    (items, token.unwrap_or_default())
}
