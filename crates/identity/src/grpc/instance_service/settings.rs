//! How the installation presents itself.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, caller};
use rolecall_kernel::text::InstanceName;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::instance_settings::{self, Command, Presented};
use crate::domain::instance_settings::{InstanceChange, WelcomeText};
use crate::grpc::convert::Fields;
use crate::grpc::mask::Field;
use crate::grpc::{Grpc, answer, render};

fn message(presented: &Presented) -> wire::InstanceSettings {
    let settings = &presented.settings;
    wire::InstanceSettings {
        name: presented.name.clone(),
        welcome_text: settings.welcome_text.as_str().to_owned(),
        organization_directory: settings.organization_directory,
        etag: settings.etag(),
        update_time: settings.updated.map(render::time),
    }
}

pub(super) async fn get(grpc: &Grpc) -> Result<Response<wire::GetSettingsResponse>, Status> {
    let settings = instance_settings::get(&grpc.resources).await.map_err(Fault::from)?;
    Ok(Response::new(wire::GetSettingsResponse { settings: Some(message(&settings)) }))
}

fn change(fields: &mut Fields, request: &wire::UpdateSettingsRequest) -> Option<InstanceChange> {
    let Some(settings) = &request.settings else {
        fields.violate("settings", "REQUIRED", "is required");
        return None;
    };
    let known = [
        ("name", Field::Changeable { populated: !settings.name.is_empty() }),
        ("welcome_text", Field::Changeable { populated: !settings.welcome_text.is_empty() }),
        ("organization_directory", Field::Changeable { populated: settings.organization_directory }),
        ("etag", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ];
    let mask = fields.mask(request.update_mask.as_ref(), &known);
    let meant = |path| mask.contains(path).then_some(());
    Some(InstanceChange {
        name: meant("name").and_then(|()| fields.line("settings.name", &settings.name, InstanceName::parse)),
        welcome_text: meant("welcome_text")
            .and_then(|()| fields.line("settings.welcome_text", &settings.welcome_text, WelcomeText::parse)),
        organization_directory: meant("organization_directory").map(|()| settings.organization_directory),
    })
}

fn command(grpc: &Grpc, caller: &Caller, request: &wire::UpdateSettingsRequest) -> Result<Command, Status> {
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let change = change(&mut fields, request);
    let change = fields.finish(change)?;
    let encode = |presented: &Presented| updated(presented).encode_to_vec();
    Ok(Command {
        actor: caller.subject(),
        change,
        etag: request.settings.as_ref().map(|settings| settings.etag.clone()).filter(|etag| !etag.is_empty()),
        validate_only: request.validate_only,
        once: grpc.once(caller, "InstanceService/UpdateSettings", request_id, request, encode),
    })
}

fn updated(presented: &Presented) -> wire::UpdateSettingsResponse {
    wire::UpdateSettingsResponse { settings: Some(message(presented)) }
}

pub(super) async fn update(
    grpc: &Grpc,
    request: Request<wire::UpdateSettingsRequest>,
) -> Result<Response<wire::UpdateSettingsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = command(grpc, &caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(instance_settings::update(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, updated)?))
}
