//! Requests about compute specs.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Caller, Refusal};
use rolecall_db::once::Repeat;
use rolecall_kernel::id::{ComputeSpecId, DatasetId, ModelId, RequestId};
use rolecall_kernel::text::{Reason, ResourceName, is_forbidden};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{Fields as _, by_creation, list_place, origin, place, size, starting_at};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::asset_policies::terms;
use super::{etag, finish};
use crate::app::change_compute_spec::{Changed, Target};
use crate::app::{
    create_compute_spec as create, read_compute_specs as read, report_compute_spec_run as report,
    review_compute_spec as review, submit_compute_spec as submit, withdraw_compute_spec as withdraw,
};
use crate::domain::compute_spec::{MAX_DATASETS, Parameters, ParametersError, Run, RunName, RunState, Sight, State};
use crate::domain::model::VersionName;
use crate::grpc::{Api, render, status};

/// The most that is said of a run.
const MAX_DETAIL: usize = 500;

type Encode = fn(&Changed) -> Vec<u8>;

/// What the caller may see.
pub(in crate::grpc) fn sight(caller: &Caller) -> Sight {
    let touching = caller.holds("organization.compute_specs.get_touching");
    Sight {
        all: caller.scope("organization.compute_specs.get"),
        created: caller.user().filter(|_| caller.holds("organization.compute_specs.get_created")),
        touching: caller.organization().filter(|_| touching),
    }
}

fn target(caller: &Caller, id: ComputeSpecId, permission: &'static str, given: &str) -> Target {
    let (scope, sight) = (caller.scope(permission), sight(caller));
    Target { compute_spec_id: id, permission, scope, sight, etag: etag(given), origin: origin(caller) }
}

pub(in crate::grpc) fn create(
    api: &Api,
    caller: &Caller,
    request: &pb::CreateComputeSpecRequest,
) -> Result<create::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let Some(spec) = &request.compute_spec else {
        violations.push("compute_spec", "REQUIRED", "is required");
        return finish(violations, None);
    };
    let organization = place(&mut violations, caller, "compute_spec.organization_id", &spec.organization_id);
    let name = violations.text("compute_spec.name", &spec.name, ResourceName::parse);
    let model_id = violations.id("compute_spec.model_id", &spec.model_id, ModelId::parse);
    let model_version = version(&mut violations, &spec.model_version);
    let parameters = parameters(&mut violations, &spec.parameters);
    let datasets = datasets(&mut violations, &spec.dataset_ids);
    let read =
        request_id.ok().zip(organization).zip(name).zip(model_id.zip(model_version)).zip(parameters.zip(datasets));
    let ((((request_id, organization_id), name), (model_id, model_version)), (parameters, datasets)) =
        finish(violations, read)?;
    // Service accounts do not come this far.
    let creator = caller.user().ok_or_else(status::compute_specs::not_found)?;
    let encode: Encode = |changed| render::compute_specs::created(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.ComputeSpecService/CreateComputeSpec";
    let repeat = api.repeat(caller, path, request_id, &request.encode_to_vec(), encode);
    let origin = origin(caller);
    Ok(create::Command {
        creator,
        organization_id,
        name,
        model_id,
        model_version,
        parameters,
        datasets,
        origin,
        repeat,
    })
}

fn version(violations: &mut Violations, text: &str) -> Option<VersionName> {
    if text.is_empty() {
        violations.push("compute_spec.model_version", "REQUIRED", "is required");
        return None;
    }
    violations.check("compute_spec.model_version", "VERSION_MALFORMED", VersionName::parse(text))
}

fn parameters(violations: &mut Violations, text: &str) -> Option<Parameters> {
    let parsed = Parameters::parse(text);
    let reason = parsed.as_ref().err().map_or("", ParametersError::reason);
    violations.check("compute_spec.parameters", reason, parsed)
}

fn datasets(violations: &mut Violations, given: &[String]) -> Option<Vec<DatasetId>> {
    let read = |violations: &mut Violations, field: &str, text: &String| violations.id(field, text, DatasetId::parse);
    terms::list(violations, "compute_spec.dataset_ids", MAX_DATASETS, given, ToString::to_string, read)
}

pub(in crate::grpc) fn one(id: &str) -> Result<ComputeSpecId, Status> {
    let mut violations = Violations::default();
    let id = violations.id("compute_spec_id", id, ComputeSpecId::parse);
    finish(violations, id)
}

/// Reads which spec is meant, under which name of the request.
fn named(request_id: &str, id: &str) -> Result<(Option<RequestId>, ComputeSpecId), Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", request_id, RequestId::parse);
    let id = violations.id("compute_spec_id", id, ComputeSpecId::parse);
    finish(violations, request_id.ok().zip(id))
}

pub(in crate::grpc) fn submit(
    api: &Api,
    caller: &Caller,
    request: &pb::SubmitComputeSpecRequest,
) -> Result<submit::Command, Status> {
    let (request_id, id) = named(&request.request_id, &request.compute_spec_id)?;
    let encode: Encode = |changed| render::compute_specs::submitted(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.ComputeSpecService/SubmitComputeSpec";
    let repeat = api.repeat(caller, path, request_id, &request.encode_to_vec(), encode);
    Ok(submit::Command { target: target(caller, id, "organization.compute_specs.submit", &request.etag), repeat })
}

pub(in crate::grpc) fn withdraw(
    api: &Api,
    caller: &Caller,
    request: &pb::WithdrawComputeSpecRequest,
) -> Result<withdraw::Command, Status> {
    let (request_id, id) = named(&request.request_id, &request.compute_spec_id)?;
    let encode: Encode = |changed| render::compute_specs::withdrawn(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.ComputeSpecService/WithdrawComputeSpec";
    let repeat = api.repeat(caller, path, request_id, &request.encode_to_vec(), encode);
    Ok(withdraw::Command { target: target(caller, id, "organization.compute_specs.submit", &request.etag), repeat })
}

fn reviewing(
    caller: &Caller,
    id: ComputeSpecId,
    etag: &str,
    rejection: Option<Reason>,
    repeat: Option<Repeat<Changed>>,
) -> review::Command {
    let target = target(caller, id, "organization.compute_specs.review", etag);
    review::Command { target, own: caller.organization(), rejection, repeat }
}

pub(in crate::grpc) fn approve(
    api: &Api,
    caller: &Caller,
    request: &pb::ApproveComputeSpecRequest,
) -> Result<review::Command, Status> {
    // Whoever approves gives rights, which is not for programs that a person lent some of its own.
    if caller.is_personal_token() {
        return Err(Refusal::CallerKindRefused("personal access tokens").into_status(None));
    }
    let (request_id, id) = named(&request.request_id, &request.compute_spec_id)?;
    let encode: Encode = |changed| render::compute_specs::approved(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.ComputeSpecService/ApproveComputeSpec";
    let repeat = api.repeat(caller, path, request_id, &request.encode_to_vec(), encode);
    Ok(reviewing(caller, id, &request.etag, None, repeat))
}

pub(in crate::grpc) fn reject(
    api: &Api,
    caller: &Caller,
    request: &pb::RejectComputeSpecRequest,
) -> Result<review::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("compute_spec_id", &request.compute_spec_id, ComputeSpecId::parse);
    let reason = violations.text("reason", &request.reason, Reason::parse);
    let ((request_id, id), reason) = finish(violations, request_id.ok().zip(id).zip(reason))?;
    let encode: Encode = |changed| render::compute_specs::rejected(changed).encode_to_vec();
    let path = "/rolecall.organization.v1.ComputeSpecService/RejectComputeSpec";
    let repeat = api.repeat(caller, path, request_id, &request.encode_to_vec(), encode);
    Ok(reviewing(caller, id, "", Some(reason), repeat))
}

pub(in crate::grpc) fn report(
    api: &Api,
    caller: &Caller,
    request: &pb::ReportComputeSpecRunRequest,
) -> Result<report::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("compute_spec_id", &request.compute_spec_id, ComputeSpecId::parse);
    let Some(run) = &request.run else {
        violations.push("run", "REQUIRED", "is required");
        return finish(violations, None);
    };
    let name = match run.run_id.as_str() {
        "" => {
            violations.push("run.run_id", "REQUIRED", "is required");
            None
        }
        text => violations.check("run.run_id", "RUN_MALFORMED", RunName::parse(text)),
    };
    let state = run_state(&mut violations, run.state);
    let detail = detail(&mut violations, &run.detail);
    let read = request_id.ok().zip(id).zip(name).zip(state).zip(detail);
    let ((((request_id, id), name), state), detail) = finish(violations, read)?;
    let encode: fn(&Run) -> Vec<u8> = |run| render::compute_specs::reported(run).encode_to_vec();
    let path = "/rolecall.organization.v1.ComputeSpecService/ReportComputeSpecRun";
    let repeat = api.repeat(caller, path, request_id, &request.encode_to_vec(), encode);
    Ok(report::Command {
        target: target(caller, id, "organization.compute_specs.run", ""),
        name,
        state,
        detail,
        repeat,
    })
}

fn run_state(violations: &mut Violations, state: i32) -> Option<RunState> {
    match pb::ComputeSpecRunState::try_from(state) {
        Ok(pb::ComputeSpecRunState::Running) => Some(RunState::Running),
        Ok(pb::ComputeSpecRunState::Succeeded) => Some(RunState::Succeeded),
        Ok(pb::ComputeSpecRunState::Failed) => Some(RunState::Failed),
        Ok(pb::ComputeSpecRunState::Cancelled) => Some(RunState::Cancelled),
        Ok(pb::ComputeSpecRunState::Unspecified) => {
            violations.push("run.state", "REQUIRED", "is required");
            None
        }
        Err(_) => {
            violations.push("run.state", "ENUM_UNKNOWN", "must be a state of a run");
            None
        }
    }
}

/// Reads what there is to say of a run: one line, or nothing.
fn detail(violations: &mut Violations, text: &str) -> Option<String> {
    if text.chars().count() > MAX_DETAIL {
        violations.push("run.detail", "TOO_LONG", format!("must have at most {MAX_DETAIL} characters"));
        return None;
    }
    if text.chars().any(is_forbidden) {
        violations.push("run.detail", "CHARACTER_FORBIDDEN", "must not contain control or invisible characters");
        return None;
    }
    Some(text.trim().to_owned())
}

#[expect(clippy::option_option, reason = "what is wrong is not what is absent")]
fn state(violations: &mut Violations, state: i32) -> Option<Option<State>> {
    use pb::ComputeSpecState as Wire;
    match Wire::try_from(state) {
        Ok(Wire::Unspecified) => Some(None),
        Ok(Wire::Draft) => Some(Some(State::Draft)),
        Ok(Wire::Submitted) => Some(Some(State::Submitted)),
        Ok(Wire::PartlyApproved) => Some(Some(State::PartlyApproved)),
        Ok(Wire::Approved) => Some(Some(State::Approved)),
        Ok(Wire::Rejected) => Some(Some(State::Rejected)),
        Ok(Wire::Withdrawn) => Some(Some(State::Withdrawn)),
        Ok(Wire::Revoked) => Some(Some(State::Revoked)),
        Err(_) => {
            violations.push("state", "ENUM_UNKNOWN", "must be a state of a compute spec");
            None
        }
    }
}

/// What the token of a page is bound to.
pub(in crate::grpc) fn binding(caller: &Caller, request: &pb::ListComputeSpecsRequest) -> [String; 5] {
    let (place, subject) = (request.organization_id.clone(), caller.subject().to_string());
    let awaiting = request.awaiting_review.to_string();
    ["ListComputeSpecs".to_owned(), subject, place, request.state.to_string(), awaiting]
}

pub(in crate::grpc) fn list(
    api: &Api,
    caller: &Caller,
    binding: &[&str],
    request: &pb::ListComputeSpecsRequest,
    now: Timestamp,
) -> Result<read::List, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let size = size(&mut violations, request.page_size);
    let after = starting_at(&mut violations, &api.pages, binding, &request.page_token, by_creation);
    let state = state(&mut violations, request.state);
    let own = caller.organization();
    let awaiting = own.filter(|_| request.awaiting_review).map(|own| (own, now));
    if request.awaiting_review && own.is_none() {
        violations.push("awaiting_review", "NOT_APPLICABLE", "must be false for who belongs to no organization");
    }
    let read = place.zip(size).zip(after.ok()).zip(state);
    let (((place, size), after), state) = finish(violations, read)?;
    let which = read::Which { organization: place.organization(), state: state.map(|state| (state, now)), awaiting };
    Ok(read::List { sight: sight(caller), own, which, after, size })
}
