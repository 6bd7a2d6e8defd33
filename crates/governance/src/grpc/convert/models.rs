//! Requests about models.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_kernel::id::{ModelId, RequestId};
use rolecall_kernel::text::ResourceName;
use rolecall_organization::ground::{Fields as _, by_creation, list_place, origin, place, size, starting_at};
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{description, etag, finish, reference};
use crate::app::change_model::{Changed, Target};
use crate::app::{
    delete_model as delete, delete_model_version as delete_version, publish_model_version as publish,
    put_model_version as put, read_models as read, register_model as register, update_model as update,
};
use crate::domain::model::{Draft, VersionName};
use crate::domain::schema::ParameterSchema;
use crate::grpc::{Api, render};

const READ: &str = "organization.models.get";
const UPDATE: &str = "organization.models.update";

fn target(caller: &Caller, permission: &'static str, model_id: ModelId, tag: &str) -> Target {
    let (scope, origin) = (caller.scope(permission), origin(caller));
    Target { model_id, permission, scope, etag: etag(tag), origin }
}

pub(in crate::grpc) fn register_model(
    api: &Api,
    caller: &Caller,
    request: &pb::RegisterModelRequest,
) -> Result<register::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let organization = place(&mut violations, caller, "organization_id", &request.organization_id);
    let name = violations.text("name", &request.name, ResourceName::parse);
    let description = description(&mut violations, "description", &request.description);
    let read = request_id.ok().zip(organization).zip(name).zip(description.ok());
    let (((request_id, organization_id), name), description) = finish(violations, read)?;
    let method = "/rolecall.organization.v1.ModelService/RegisterModel";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::models::registered(changed).encode_to_vec();
    Ok(register::Command {
        organization_id,
        scope: caller.scope("organization.models.register"),
        name,
        description,
        origin: origin(caller),
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

pub(in crate::grpc) fn get_model(request: &pb::GetModelRequest) -> Result<ModelId, Status> {
    let mut violations = Violations::default();
    let id = violations.id("model_id", &request.model_id, ModelId::parse);
    finish(violations, id)
}

pub(in crate::grpc) fn list_models(
    api: &Api,
    caller: &Caller,
    binding: &[&str],
    request: &pb::ListModelsRequest,
) -> Result<read::List, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let size = size(&mut violations, request.page_size);
    let after = starting_at(&mut violations, &api.pages, binding, &request.page_token, by_creation);
    let ((place, size), after) = finish(violations, place.zip(size).zip(after.ok()))?;
    Ok(read::List { scope: caller.scope(READ), organization: place.organization(), after, size })
}

pub(in crate::grpc) fn update_model(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateModelRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let empty = pb::Model::default();
    let model = request.model.as_ref().unwrap_or(&empty);
    let id = violations.id("model.model_id", &model.model_id, ModelId::parse);
    let mask = Mask::read(&mut violations, request.update_mask.as_ref(), &fields(model));
    let name = mask.contains("name").then(|| violations.text("model.name", &model.name, ResourceName::parse));
    let text =
        mask.contains("description").then(|| description(&mut violations, "model.description", &model.description));
    let (request_id, model_id) = finish(violations, request_id.ok().zip(id))?;
    let method = "/rolecall.organization.v1.ModelService/UpdateModel";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::models::updated(changed).encode_to_vec();
    Ok(update::Command {
        target: target(caller, UPDATE, model_id, &model.etag),
        name: name.flatten(),
        description: text.and_then(Result::ok),
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

fn fields(model: &pb::Model) -> [(&'static str, Field); 8] {
    [
        ("name", Field::Changeable { populated: !model.name.is_empty() }),
        ("description", Field::Changeable { populated: !model.description.is_empty() }),
        ("versions", Field::Elsewhere { populated: false, method: "PutModelVersion" }),
        ("model_id", Field::OutputOnly),
        ("organization_id", Field::OutputOnly),
        ("etag", Field::OutputOnly),
        ("create_time", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ]
}

pub(in crate::grpc) fn delete_model(
    api: &Api,
    caller: &Caller,
    request: &pb::DeleteModelRequest,
) -> Result<delete::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("model_id", &request.model_id, ModelId::parse);
    let (request_id, id) = finish(violations, request_id.ok().zip(id))?;
    let method = "/rolecall.organization.v1.ModelService/DeleteModel";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::models::deleted(changed).encode_to_vec();
    let target = target(caller, "organization.models.delete", id, &request.etag);
    Ok(delete::Command { target, repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode) })
}

pub(in crate::grpc) fn put_model_version(
    api: &Api,
    caller: &Caller,
    request: &pb::PutModelVersionRequest,
) -> Result<put::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("model_id", &request.model_id, ModelId::parse);
    let empty = pb::ModelVersion::default();
    let draft = draft(&mut violations, request.version.as_ref().unwrap_or(&empty));
    let ((request_id, id), draft) = finish(violations, request_id.ok().zip(id).zip(draft))?;
    let method = "/rolecall.organization.v1.ModelService/PutModelVersion";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::models::version_put(changed).encode_to_vec();
    Ok(put::Command {
        target: target(caller, UPDATE, id, &request.etag),
        draft,
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

fn draft(violations: &mut Violations, version: &pb::ModelVersion) -> Option<Draft> {
    let name = version_name(violations, "version.name", &version.name);
    let parsed = ParameterSchema::parse(&version.parameter_schema);
    let reason = parsed.as_ref().err().map_or("", |error| error.reason());
    let parameter_schema = violations.check("version.parameter_schema", reason, parsed);
    let artifact_uri = reference(violations, "version.artifact_uri", &version.artifact_uri);
    let digest = &version.artifact_digest;
    if !is_digest(digest) {
        let what = "must be like sha256: or sha512: and the hexadecimal digits of the digest in lower case";
        violations.push("version.artifact_digest", "DIGEST_MALFORMED", what);
    }
    let artifact_digest = digest.clone();
    Some(Draft { name: name?, parameter_schema: parameter_schema?, artifact_uri: artifact_uri?, artifact_digest })
}

/// A digest as the OCI image specification writes it, or nothing.
fn is_digest(text: &str) -> bool {
    let digits = |hex: &str, length| {
        hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    match text.split_once(':') {
        Some(("sha256", hex)) => digits(hex, 64),
        Some(("sha512", hex)) => digits(hex, 128),
        Some(_) => false,
        None => text.is_empty(),
    }
}

fn version_name(violations: &mut Violations, field: &str, text: &str) -> Option<VersionName> {
    violations.check(field, "NAME_MALFORMED", VersionName::parse(text))
}

pub(in crate::grpc) fn publish_model_version(
    api: &Api,
    caller: &Caller,
    request: &pb::PublishModelVersionRequest,
) -> Result<publish::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("model_id", &request.model_id, ModelId::parse);
    let version = version_name(&mut violations, "version_name", &request.version_name);
    let ((request_id, id), version) = finish(violations, request_id.ok().zip(id).zip(version))?;
    let method = "/rolecall.organization.v1.ModelService/PublishModelVersion";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::models::version_published(changed).encode_to_vec();
    Ok(publish::Command {
        target: target(caller, "organization.models.publish", id, &request.etag),
        version,
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

pub(in crate::grpc) fn delete_model_version(
    api: &Api,
    caller: &Caller,
    request: &pb::DeleteModelVersionRequest,
) -> Result<delete_version::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("model_id", &request.model_id, ModelId::parse);
    let version = version_name(&mut violations, "version_name", &request.version_name);
    let ((request_id, id), version) = finish(violations, request_id.ok().zip(id).zip(version))?;
    let method = "/rolecall.organization.v1.ModelService/DeleteModelVersion";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::models::version_deleted(changed).encode_to_vec();
    Ok(delete_version::Command {
        target: target(caller, UPDATE, id, &request.etag),
        version,
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_as_registries_write_them() {
        assert!(is_digest("") && is_digest(&format!("sha256:{}", "0a".repeat(32))));
        assert!(is_digest(&format!("sha512:{}", "0a".repeat(64))));
        for bad in ["sha256:", "0a", "md5:00", &format!("sha256:{}", "0A".repeat(32))] {
            assert!(!is_digest(bad), "{bad}");
        }
    }
}
