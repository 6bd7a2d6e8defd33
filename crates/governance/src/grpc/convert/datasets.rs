//! Requests about datasets.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Caller, Refusal, Scope};
use rolecall_kernel::id::{DatasetId, RequestId, SubjectId};
use rolecall_kernel::text::{ResourceName, is_forbidden};
use rolecall_organization::ground::{
    Fields as _, by_creation, list_place, not_served, one_field, origin, place, refuse_filter, size, starting_at,
};
use rolecall_rpc::filter::{self, Comparison, FilterError, Group, Operator, Star};
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{description, etag, finish, reference};
use crate::app::change_dataset::{Changed, Target};
use crate::app::{
    delete_dataset as delete, read_datasets as read, register_dataset as register, update_dataset as update,
};
use crate::domain::dataset::{Facts, Filter, Reach, Term};
use crate::domain::name;
use crate::grpc::{Api, render};

const READ: [&str; 2] = ["organization.datasets.get", "organization.datasets.get_registered"];
const UPDATE: [&str; 2] = ["organization.datasets.update", "organization.datasets.update_registered"];
const DELETE: [&str; 2] = ["organization.datasets.delete", "organization.datasets.delete_registered"];

/// The longest name of a format.
const MAX_FORMAT: usize = 100;

/// What opens datasets of any organization to the beneficiaries of asset policies.
const GRANTED: &str = "organization.datasets.get_granted";

/// Where the caller may use the permissions: one on all datasets, one on those that it registered. Whoever acts as it
/// reaches those if all datasets of the organization are open to it.
fn reach(caller: &Caller, [all, registered]: [&str; 2]) -> Reach {
    let own = caller.organization().filter(|id| caller.holds(registered) && caller.actor_reaches(all, *id));
    Reach {
        all: caller.scope(all),
        registered: own.map(|organization| (caller.subject(), organization)),
        granted: None,
    }
}

/// What the caller may see.
pub(in crate::grpc) fn sees(api: &Api, caller: &Caller) -> Reach {
    let granted = match caller.scope(GRANTED) {
        // What others opened to a person they did not open to whoever acts as it.
        Scope::Related(subject) if caller.actor().is_none() => Some((subject, api.app.now())),
        // Held on the condition alone.
        Scope::Related(_) | Scope::All | Scope::Organizations(_) | Scope::SelfOnly(_) | Scope::Nothing => None,
    };
    Reach { granted, ..reach(caller, READ) }
}

fn target(api: &Api, caller: &Caller, permissions: [&'static str; 2], dataset_id: DatasetId, tag: &str) -> Target {
    let (reach, sees) = (reach(caller, permissions), sees(api, caller));
    Target { dataset_id, permissions, reach, sees, etag: etag(tag), origin: origin(caller) }
}

/// Reads what form a dataset has: one line, or nothing.
fn format(violations: &mut Violations, text: &str) -> Option<String> {
    if text.chars().count() > MAX_FORMAT {
        violations.push("dataset.format", "TOO_LONG", format!("must have at most {MAX_FORMAT} characters"));
        return None;
    }
    if text.chars().any(is_forbidden) {
        violations.push("dataset.format", "CHARACTER_FORBIDDEN", "must not contain control or invisible characters");
        return None;
    }
    Some(text.trim().to_owned())
}

/// Whoever names somebody else gives rights, which is not for programs that a person lent some of its own.
fn check_appointment(caller: &Caller, registrant: SubjectId) -> Result<(), Status> {
    if registrant != caller.subject() && caller.is_personal_token() {
        return Err(Refusal::CallerKindRefused("personal access tokens").into_status(None));
    }
    Ok(())
}

pub(in crate::grpc) fn register_dataset(
    api: &Api,
    caller: &Caller,
    request: &pb::RegisterDatasetRequest,
) -> Result<register::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let empty = pb::Dataset::default();
    let dataset = request.dataset.as_ref().unwrap_or(&empty);
    let organization = place(&mut violations, caller, "dataset.organization_id", &dataset.organization_id);
    let name = violations.text("dataset.name", &dataset.name, ResourceName::parse);
    let description = description(&mut violations, "dataset.description", &dataset.description);
    let registrant = violations.optional_id("dataset.registrant_id", &dataset.registrant_id, SubjectId::parse);
    let storage_uri = reference(&mut violations, "dataset.storage_uri", &dataset.storage_uri);
    let format = format(&mut violations, &dataset.format);
    let texts = name.zip(description.ok()).zip(storage_uri).zip(format);
    let read = request_id.ok().zip(organization).zip(registrant.ok()).zip(texts);
    let (((request_id, organization_id), registrant), (((name, description), storage_uri), format)) =
        finish(violations, read)?;
    let registrant = registrant.unwrap_or(caller.subject());
    check_appointment(caller, registrant)?;
    let method = "/rolecall.organization.v1.DatasetService/RegisterDataset";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::datasets::registered(changed).encode_to_vec();
    Ok(register::Command {
        organization_id,
        scope: caller.scope("organization.datasets.register"),
        facts: Facts { name, description, registrant, storage_uri, format },
        origin: origin(caller),
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

pub(in crate::grpc) fn get_dataset(request: &pb::GetDatasetRequest) -> Result<DatasetId, Status> {
    let mut violations = Violations::default();
    let id = violations.id("dataset_id", &request.dataset_id, DatasetId::parse);
    finish(violations, id)
}

pub(in crate::grpc) fn list_datasets(
    api: &Api,
    caller: &Caller,
    binding: &[&str],
    request: &pb::ListDatasetsRequest,
) -> Result<read::List, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let size = size(&mut violations, request.page_size);
    let after = starting_at(&mut violations, &api.pages, binding, &request.page_token, by_creation);
    let filter = match parse_filter(&request.filter) {
        Ok(filter) => Some(filter),
        Err(error) => refuse_filter(&mut violations, &error).map(|()| None)?,
    };
    let (((place, size), after), filter) = finish(violations, place.zip(size).zip(after.ok()).zip(filter))?;
    let (reach, own) = (sees(api, caller), caller.organization());
    Ok(read::List { reach, organization: place.organization(), own, filter, after, size })
}

fn parse_filter(text: &str) -> Result<Filter, FilterError> {
    let group = |group: &Group| {
        one_field(group)?;
        group.iter().map(term).collect()
    };
    Ok(Filter { all: filter::parse(text)?.iter().map(group).collect::<Result<_, _>>()? })
}

fn term(comparison: &Comparison) -> Result<Term, FilterError> {
    let value = comparison.value.value.as_str();
    let field = comparison.field.as_deref().filter(|_| comparison.operator == Operator::Equal);
    match (field, comparison.value.star) {
        (Some("name"), Star::None) => Ok(Term::Name(name::fold(value))),
        (Some("name"), Star::Last) => Ok(Term::NamePrefix(name::fold(value))),
        (Some("registrant_id"), Star::None) => SubjectId::parse(value)
            .map(Term::Registrant)
            .map_err(|error| FilterError::Value { position: comparison.position, problem: error.to_string() }),
        _ => Err(not_served(comparison)),
    }
}

pub(in crate::grpc) fn update_dataset(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateDatasetRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let empty = pb::Dataset::default();
    let dataset = request.dataset.as_ref().unwrap_or(&empty);
    let id = violations.id("dataset.dataset_id", &dataset.dataset_id, DatasetId::parse);
    let mask = Mask::read(&mut violations, request.update_mask.as_ref(), &fields(dataset));
    let named = |path| mask.contains(path);
    let name = named("name").then(|| violations.text("dataset.name", &dataset.name, ResourceName::parse));
    let text = named("description").then(|| description(&mut violations, "dataset.description", &dataset.description));
    let registrant = named("registrant_id")
        .then(|| violations.id("dataset.registrant_id", &dataset.registrant_id, SubjectId::parse));
    let storage_uri =
        named("storage_uri").then(|| reference(&mut violations, "dataset.storage_uri", &dataset.storage_uri));
    let format = named("format").then(|| format(&mut violations, &dataset.format));
    let (request_id, dataset_id) = finish(violations, request_id.ok().zip(id))?;
    if let Some(registrant) = registrant.flatten() {
        check_appointment(caller, registrant)?;
    }
    let method = "/rolecall.organization.v1.DatasetService/UpdateDataset";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::datasets::updated(changed).encode_to_vec();
    Ok(update::Command {
        target: target(api, caller, UPDATE, dataset_id, &dataset.etag),
        name: name.flatten(),
        description: text.and_then(Result::ok),
        registrant: registrant.flatten(),
        storage_uri: storage_uri.flatten(),
        format: format.flatten(),
        repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode),
    })
}

fn fields(dataset: &pb::Dataset) -> [(&'static str, Field); 10] {
    let changeable = |text: &str| Field::Changeable { populated: !text.is_empty() };
    [
        ("name", changeable(&dataset.name)),
        ("description", changeable(&dataset.description)),
        ("registrant_id", changeable(&dataset.registrant_id)),
        ("storage_uri", changeable(&dataset.storage_uri)),
        ("format", changeable(&dataset.format)),
        ("dataset_id", Field::OutputOnly),
        ("organization_id", Field::OutputOnly),
        ("etag", Field::OutputOnly),
        ("create_time", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ]
}

pub(in crate::grpc) fn delete_dataset(
    api: &Api,
    caller: &Caller,
    request: &pb::DeleteDatasetRequest,
) -> Result<delete::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("dataset_id", &request.dataset_id, DatasetId::parse);
    let (request_id, id) = finish(violations, request_id.ok().zip(id))?;
    let method = "/rolecall.organization.v1.DatasetService/DeleteDataset";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::datasets::deleted(changed).encode_to_vec();
    let target = target(api, caller, DELETE, id, &request.etag);
    Ok(delete::Command { target, repeat: api.repeat(caller, method, request_id, &request.encode_to_vec(), encode) })
}
