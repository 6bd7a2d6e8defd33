//! `rolecall.identity.v1.InstanceService`.

mod settings;

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::instance_service_server::InstanceService;
use rolecall_api::identity::v1::{BootstrapRequest, BootstrapResponse, GetServerInfoRequest, GetServerInfoResponse};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::text::OrganizationName;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use super::convert::{Demand, Fields, Names};
use super::{Grpc, render};
use crate::app::fault::Fault;
use crate::app::{bootstrap, instance_settings};
use crate::domain::factor::MfaPolicy;

/// A second factor is required unless something else is written out.
fn mfa_policy(fields: &mut Fields, policy: i32) -> Option<MfaPolicy> {
    match wire::MfaPolicy::try_from(policy) {
        Ok(wire::MfaPolicy::Unspecified | wire::MfaPolicy::Required) => Some(MfaPolicy::Required),
        Ok(wire::MfaPolicy::Optional) => Some(MfaPolicy::Optional),
        Err(_) => {
            fields.violate("mfa_policy", "ENUM_UNKNOWN", "must be MFA_POLICY_REQUIRED or MFA_POLICY_OPTIONAL");
            None
        }
    }
}

#[tonic::async_trait]
impl InstanceService for Grpc {
    async fn bootstrap(&self, request: Request<BootstrapRequest>) -> Result<Response<BootstrapResponse>, Status> {
        let (deadline, request) = (call::deadline(), request.into_inner());
        let mut fields = Fields::default();
        if request.setup_secret.is_empty() {
            fields.violate(
                "setup_secret",
                "REQUIRED",
                "is required; the first start prints it, or the configuration names it",
            );
        }
        let organization = fields.line("organization_name", &request.organization_name, OrganizationName::parse);
        let email = fields.email(&request.email);
        let names = Names {
            name: &request.name,
            given_name: &request.given_name,
            family_name: &request.family_name,
            ..Names::default()
        };
        let profile = fields.profile(&names, Demand::Name);
        let (text, again, policy) = (&request.password, &request.password_confirmation, self.resources.password_policy);
        let password = fields.new_password("password", text, again, policy);
        let mfa_policy = mfa_policy(&mut fields, request.mfa_policy);
        let parsed = organization.zip(email).zip(profile.zip(password)).zip(mfa_policy);
        let (((organization_name, email), (profile, password)), mfa_policy) = fields.finish(parsed)?;
        // Drawn or chosen: it is what its hash says it is.
        let secret = OpaqueToken::chosen(&request.setup_secret);
        let command = bootstrap::Command { secret, organization_name, email, profile, mfa_policy, password, deadline };
        let resources = Arc::clone(&self.resources);
        let user = detached::run(async move { Ok(bootstrap::run(&resources, command).await?) }).await?;
        Ok(Response::new(BootstrapResponse { user: Some(render::user(&user)) }))
    }

    async fn get_server_info(
        &self,
        _: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        let (resources, config) = (&self.resources, &self.resources.config);
        let instance_settings::Presented { settings, name } =
            instance_settings::get(resources).await.map_err(Fault::from)?;
        Ok(Response::new(GetServerInfoResponse {
            name,
            version: config.server_version.clone(),
            bootstrapped: bootstrap::is_done(resources).await.map_err(Fault::from)?,
            instance_id: settings.instance_id.to_string(),
            organization_directory: settings.organization_directory,
            guests_allowed: instance_settings::are_guests_allowed(resources).await.map_err(Fault::from)?,
            welcome_text: settings.welcome_text.as_str().to_owned(),
        }))
    }

    async fn get_settings(
        &self,
        _: Request<wire::GetSettingsRequest>,
    ) -> Result<Response<wire::GetSettingsResponse>, Status> {
        settings::get(self).await
    }

    async fn update_settings(
        &self,
        request: Request<wire::UpdateSettingsRequest>,
    ) -> Result<Response<wire::UpdateSettingsResponse>, Status> {
        settings::update(self, request).await
    }
}
