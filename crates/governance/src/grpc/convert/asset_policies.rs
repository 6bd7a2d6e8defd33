//! Requests about asset policies.

pub(super) mod terms;

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_kernel::id::{AssetPolicyId, DatasetId, RequestId};
use rolecall_kernel::text::Reason;
use rolecall_organization::ground::{Fields as _, by_creation, list_place, origin, place, size, starting_at};
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{etag, finish};
use crate::app::change_asset_policy::{Changed, Target};
use crate::app::{
    activate_asset_policy as activate, create_asset_policy as create, delete_asset_policy as delete,
    read_asset_policies as read, revoke_asset_policy as revoke, update_asset_policy as update,
};
use crate::domain::asset_policy::Change;
use crate::grpc::{Api, render};

fn target(caller: &Caller, id: AssetPolicyId, permission: &'static str, given: &str) -> Target {
    let (scope, etag) = (caller.scope(permission), etag(given));
    Target { asset_policy_id: id, permission, scope, etag, origin: origin(caller) }
}

pub(in crate::grpc) fn create(
    api: &Api,
    caller: &Caller,
    request: &pb::CreateAssetPolicyRequest,
) -> Result<create::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let Some(policy) = &request.asset_policy else {
        violations.push("asset_policy", "REQUIRED", "is required");
        return finish(violations, None);
    };
    let organization = place(&mut violations, caller, "asset_policy.organization_id", &policy.organization_id);
    let terms = terms::terms(&mut violations, policy);
    let ((request_id, organization_id), terms) = finish(violations, request_id.ok().zip(organization).zip(terms))?;
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::asset_policies::created(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.AssetPolicyService/CreateAssetPolicy";
    Ok(create::Command {
        organization_id,
        scope: caller.scope("organization.asset_policies.create"),
        terms,
        origin: origin(caller),
        repeat: api.repeat(caller, path, request_id, &request.encode_to_vec(), encode),
    })
}

pub(in crate::grpc) fn one(id: &str) -> Result<AssetPolicyId, Status> {
    let mut violations = Violations::default();
    let id = violations.id("asset_policy_id", id, AssetPolicyId::parse);
    finish(violations, id)
}

#[expect(clippy::option_option, reason = "what is wrong is not what is absent")]
fn state(violations: &mut Violations, state: i32) -> Option<Option<&'static str>> {
    match pb::AssetPolicyState::try_from(state) {
        Ok(pb::AssetPolicyState::Unspecified) => Some(None),
        Ok(pb::AssetPolicyState::Draft) => Some(Some("DRAFT")),
        Ok(pb::AssetPolicyState::Active) => Some(Some("ACTIVE")),
        Ok(pb::AssetPolicyState::Revoked) => Some(Some("REVOKED")),
        Err(_) => {
            violations.push("state", "ENUM_UNKNOWN", "must be a state of an asset policy");
            None
        }
    }
}

/// What the token of a page is bound to.
pub(in crate::grpc) fn binding(caller: &Caller, request: &pb::ListAssetPoliciesRequest) -> [String; 5] {
    let (place, dataset) = (request.organization_id.clone(), request.dataset_id.clone());
    ["ListAssetPolicies".to_owned(), caller.subject().to_string(), place, dataset, request.state.to_string()]
}

pub(in crate::grpc) fn list(
    api: &Api,
    caller: &Caller,
    binding: &[&str],
    request: &pb::ListAssetPoliciesRequest,
) -> Result<read::List, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let size = size(&mut violations, request.page_size);
    let after = starting_at(&mut violations, &api.pages, binding, &request.page_token, by_creation);
    let dataset = violations.optional_id("dataset_id", &request.dataset_id, DatasetId::parse);
    let state = state(&mut violations, request.state);
    let read = place.zip(size).zip(after.ok()).zip(dataset.ok()).zip(state);
    let ((((place, size), after), dataset), state) = finish(violations, read)?;
    let scope = caller.scope("organization.asset_policies.get");
    let which = read::Which { dataset, state };
    Ok(read::List { scope, organization: place.organization(), which, after, size })
}

pub(in crate::grpc) fn update(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateAssetPolicyRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let Some(policy) = &request.asset_policy else {
        violations.push("asset_policy", "REQUIRED", "is required");
        return finish(violations, None);
    };
    let id = violations.id("asset_policy.asset_policy_id", &policy.asset_policy_id, AssetPolicyId::parse);
    let mask = Mask::read(&mut violations, request.update_mask.as_ref(), &fields(policy));
    let change = change(&mut violations, policy, &mask);
    let ((request_id, id), change) = finish(violations, request_id.ok().zip(id).zip(change))?;
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::asset_policies::updated(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.AssetPolicyService/UpdateAssetPolicy";
    Ok(update::Command {
        target: target(caller, id, "organization.asset_policies.update", &policy.etag),
        change,
        repeat: api.repeat(caller, path, request_id, &request.encode_to_vec(), encode),
    })
}

fn fields(policy: &pb::AssetPolicy) -> Vec<(&'static str, Field)> {
    let populated = [
        ("name", !policy.name.is_empty()),
        ("dataset_ids", !policy.dataset_ids.is_empty()),
        ("beneficiaries", !policy.beneficiaries.is_empty()),
        ("model_id", !policy.model_id.is_empty()),
        ("model_version", !policy.model_version.is_empty()),
        ("parameter_bounds", !policy.parameter_bounds.is_empty()),
        ("privacy_controls", policy.privacy_controls.is_some()),
        ("start_time", policy.start_time.is_some()),
        ("end_time", policy.end_time.is_some()),
    ];
    let output_only = [
        "asset_policy_id",
        "organization_id",
        "state",
        "in_force",
        "revoke_reason",
        "etag",
        "create_time",
        "update_time",
        "activate_time",
        "revoke_time",
    ];
    let changeable = populated.map(|(path, populated)| (path, Field::Changeable { populated }));
    changeable.into_iter().chain(output_only.map(|path| (path, Field::OutputOnly))).collect()
}

/// Reads the fields that are meant, and all that is wrong with them.
fn change(violations: &mut Violations, policy: &pb::AssetPolicy, mask: &Mask) -> Option<Change> {
    /// Reads a field if it is meant; `None` when it is wrong.
    macro_rules! meant {
        ($path:literal, $read:expr) => {
            if mask.contains($path) { $read.map(Some) } else { Some(None) }
        };
    }
    let name = meant!("name", terms::name(violations, policy));
    let datasets = meant!("dataset_ids", terms::datasets(violations, policy));
    let beneficiaries = meant!("beneficiaries", terms::emails(violations, policy));
    let model_id = meant!("model_id", terms::model_id(violations, policy));
    let model_version = meant!("model_version", terms::model_version(violations, policy));
    let bounds = meant!("parameter_bounds", terms::bounds(violations, policy));
    let controls = meant!("privacy_controls", terms::controls(violations, policy));
    let starts = meant!("start_time", terms::time(violations, "asset_policy.start_time", policy.start_time));
    let ends = meant!("end_time", terms::time(violations, "asset_policy.end_time", policy.end_time));
    Some(Change {
        name: name?,
        datasets: datasets?,
        beneficiaries: beneficiaries?,
        model_id: model_id?,
        model_version: model_version?,
        bounds: bounds?,
        controls: controls?,
        starts: starts?,
        ends: ends?,
    })
}

pub(in crate::grpc) fn activate(
    api: &Api,
    caller: &Caller,
    request: &pb::ActivateAssetPolicyRequest,
) -> Result<activate::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("asset_policy_id", &request.asset_policy_id, AssetPolicyId::parse);
    let (request_id, id) = finish(violations, request_id.ok().zip(id))?;
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::asset_policies::activated(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.AssetPolicyService/ActivateAssetPolicy";
    Ok(activate::Command {
        target: target(caller, id, "organization.asset_policies.activate", &request.etag),
        repeat: api.repeat(caller, path, request_id, &request.encode_to_vec(), encode),
    })
}

pub(in crate::grpc) fn revoke(
    api: &Api,
    caller: &Caller,
    request: &pb::RevokeAssetPolicyRequest,
) -> Result<revoke::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("asset_policy_id", &request.asset_policy_id, AssetPolicyId::parse);
    let reason = violations.text("reason", &request.reason, Reason::parse);
    let ((request_id, id), reason) = finish(violations, request_id.ok().zip(id).zip(reason))?;
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::asset_policies::revoked(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.AssetPolicyService/RevokeAssetPolicy";
    Ok(revoke::Command {
        target: target(caller, id, "organization.asset_policies.revoke", ""),
        reason,
        repeat: api.repeat(caller, path, request_id, &request.encode_to_vec(), encode),
    })
}

pub(in crate::grpc) fn delete(
    api: &Api,
    caller: &Caller,
    request: &pb::DeleteAssetPolicyRequest,
) -> Result<delete::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("asset_policy_id", &request.asset_policy_id, AssetPolicyId::parse);
    let (request_id, id) = finish(violations, request_id.ok().zip(id))?;
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::asset_policies::deleted(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.AssetPolicyService/DeleteAssetPolicy";
    Ok(delete::Command {
        target: target(caller, id, "organization.asset_policies.delete", &request.etag),
        repeat: api.repeat(caller, path, request_id, &request.encode_to_vec(), encode),
    })
}
