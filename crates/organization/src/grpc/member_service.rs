//! `rolecall.organization.v1.MemberService`.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::member_service_server::MemberService;
use rolecall_authz::{caller, standing};
use rolecall_kernel::id::UserId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::organization_service::answered;
use super::{MemberApi, convert, render, status, watch};
use crate::app::{block_member, change_admin, read_members, unblock_member, update_member_roles};

#[tonic::async_trait]
impl MemberService for MemberApi {
    type WatchAccessChangesStream = BoxStream<'static, Result<pb::WatchAccessChangesResponse, Status>>;

    async fn get_member(
        &self,
        request: Request<pb::GetMemberRequest>,
    ) -> Result<Response<pb::GetMemberResponse>, Status> {
        let caller = caller(&request)?;
        let user = convert::one_id("user_id", &request.into_inner().user_id, UserId::parse)?;
        let scope = caller.scope("organization.members.get");
        let found = read_members::find(&self.0.app, &scope, user).await.map_err(status::store)?;
        let member = found.ok_or_else(status::member_not_found)?;
        Ok(Response::new(pb::GetMemberResponse { member: Some(render::member(&member, self.0.app.now())) }))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let subject = caller.subject().to_string();
        let binding = ["ListMembers", &subject, &request.organization_id, &request.filter];
        let list = convert::list_members(api, &caller, &binding, &request)?;
        let page = read_members::list(&api.app, &list).await.map_err(status::store)?;
        let page = page.ok_or_else(status::organization_not_found)?;
        let next_page_token = convert::next_page(api, &binding, &page, |last| (last.created, last.user_id.as_uuid()));
        let now = api.app.now();
        let members = page.items.iter().map(|member| render::member(member, now)).collect();
        Ok(Response::new(pb::ListMembersResponse { members, next_page_token }))
    }

    async fn update_member_roles(
        &self,
        request: Request<pb::UpdateMemberRolesRequest>,
    ) -> Result<Response<pb::UpdateMemberRolesResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::update_member_roles(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = update_member_roles::run(&api.app, &command).await.map_err(status::change_member)?;
            answered(answer, render::roles_updated)
        })
        .await
    }

    async fn block_member(
        &self,
        request: Request<pb::BlockMemberRequest>,
    ) -> Result<Response<pb::BlockMemberResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::block_member(&self.0, &caller, request.get_ref(), self.0.app.now())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = block_member::run(&api.app, &command).await.map_err(status::change_member)?;
            answered(answer, render::blocked)
        })
        .await
    }

    async fn unblock_member(
        &self,
        request: Request<pb::UnblockMemberRequest>,
    ) -> Result<Response<pb::UnblockMemberResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::unblock_member(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = unblock_member::run(&api.app, &command).await.map_err(status::change_member)?;
            answered(answer, render::unblocked)
        })
        .await
    }

    async fn list_admins(
        &self,
        request: Request<pb::ListAdminsRequest>,
    ) -> Result<Response<pb::ListAdminsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, subject) = (&self.0, caller.subject().to_string());
        let binding = ["ListAdmins", &subject];
        let (after, size) = convert::list_admins(api, &binding, request.get_ref())?;
        let scope = caller.scope("organization.instance_admins.list");
        let page = read_members::list_admins(&api.app, &scope, after, size).await.map_err(status::store)?;
        let next_page_token = convert::next_page(api, &binding, &page, |last| (last.created, last.user_id.as_uuid()));
        let now = api.app.now();
        let members = page.items.iter().map(|member| render::member(member, now)).collect();
        Ok(Response::new(pb::ListAdminsResponse { members, next_page_token }))
    }

    async fn grant_admin(
        &self,
        request: Request<pb::GrantAdminRequest>,
    ) -> Result<Response<pb::GrantAdminResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::grant_admin(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = change_admin::run(&api.app, &command).await.map_err(status::change_member)?;
            answered(answer, render::admin_granted)
        })
        .await
    }

    async fn revoke_admin(
        &self,
        request: Request<pb::RevokeAdminRequest>,
    ) -> Result<Response<pb::RevokeAdminResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::revoke_admin(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = change_admin::run(&api.app, &command).await.map_err(status::change_member)?;
            answered(answer, render::admin_revoked)
        })
        .await
    }

    async fn watch_access_changes(
        &self,
        request: Request<pb::WatchAccessChangesRequest>,
    ) -> Result<Response<Self::WatchAccessChangesStream>, Status> {
        let standing = standing(&request)?;
        let stream = watch::begin(Arc::clone(&self.0), standing, &request.into_inner().resume_token).await?;
        Ok(Response::new(stream.boxed()))
    }
}
