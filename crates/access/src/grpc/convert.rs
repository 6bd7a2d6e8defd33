//! Messages as commands: every field is checked, and all violations are answered at once.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Caller, Scope};
use rolecall_kernel::id::{AssetPolicyId, DatasetId, ModelId, OrganizationId, ParseIdError, SubjectId, UserId};
use rolecall_kernel::page::PageSize;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{Fields as _, invalid, size};
use rolecall_rpc::status::Violations;
use tonic::Status;
use uuid::Uuid;

use super::Api;
use crate::app::check::Command;
use crate::app::list;
use crate::app::world::Wanted;
use crate::domain::decide::Question;
use crate::domain::index::Key;
use crate::domain::list::Wish;
use crate::domain::snapshot::Resource;
use crate::domain::token::Point;
use crate::domain::vocabulary::Kind;

/// The permission of everybody who asks about others.
const CHECK: &str = "organization.access.check";
/// The longest texts that are looked up and not stored.
const MAX_NAME: usize = 200;
/// The most questions of a batch.
const MAX_CHECKS: usize = 1_000;
/// How long convergence is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// And at most.
const MAX_PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn check_access(caller: &Caller, request: &pb::CheckAccessRequest) -> Result<Command, Status> {
    let mut violations = Violations::default();
    let question = question(&mut violations, "", &request.subject_id, &request.permission, request.resource.as_ref());
    let wanted = wanted(&mut violations, request.consistency.as_ref());
    let (Some(question), Some(wanted)) = (question, wanted) else { return Err(invalid(violations)) };
    Ok(Command { sees: caller.scope(CHECK), questions: vec![question], wanted })
}

pub(super) fn batch_check_access(caller: &Caller, request: &pb::BatchCheckAccessRequest) -> Result<Command, Status> {
    let mut violations = Violations::default();
    match request.checks.len() {
        0 => violations.push("checks", "REQUIRED", "is required"),
        1..=MAX_CHECKS => {}
        _ => {
            violations.push("checks", "TOO_MANY", format!("must have at most {MAX_CHECKS} entries"));
            return Err(invalid(violations));
        }
    }
    let mut questions = Vec::with_capacity(request.checks.len());
    for (index, check) in request.checks.iter().enumerate() {
        let prefix = format!("checks[{index}].");
        if check.consistency.is_some() {
            let why = "must be empty: all questions of a batch are decided at one revision";
            violations.push(format!("{prefix}consistency"), "NOT_ALLOWED", why);
        }
        let resource = check.resource.as_ref();
        questions.extend(question(&mut violations, &prefix, &check.subject_id, &check.permission, resource));
    }
    let wanted = wanted(&mut violations, request.consistency.as_ref());
    let (Some(wanted), true) = (wanted, violations.is_empty()) else { return Err(invalid(violations)) };
    Ok(Command { sees: caller.scope(CHECK), questions, wanted })
}

pub(super) fn explain_access(
    caller: &Caller,
    request: &pb::ExplainAccessRequest,
) -> Result<(Scope, Question, Wanted), Status> {
    let mut violations = Violations::default();
    let question = question(&mut violations, "", &request.subject_id, &request.permission, request.resource.as_ref());
    let wanted = wanted(&mut violations, request.consistency.as_ref());
    let (Some(question), Some(wanted)) = (question, wanted) else { return Err(invalid(violations)) };
    Ok((caller.scope(CHECK), question, wanted))
}

pub(super) fn list_accessible_resources(
    api: &Api,
    caller: &Caller,
    request: &pb::ListAccessibleResourcesRequest,
) -> Result<(list::Command, Vec<String>), Status> {
    let mut violations = Violations::default();
    let subject = violations.id("subject_id", &request.subject_id, SubjectId::parse);
    let permission = permission(&mut violations, "permission", &request.permission);
    let kind = kind(&mut violations, request.resource_type());
    let wanted = wanted(&mut violations, request.consistency.as_ref());
    let size = size(&mut violations, request.page_size);
    let asker = caller.subject().to_string();
    let binding: Vec<String> = vec![
        "ListAccessibleResources".to_owned(),
        asker,
        request.subject_id.clone(),
        request.permission.clone(),
        request.resource_type.to_string(),
    ];
    let place = place(&mut violations, api, &binding, &request.page_token);
    let (Some(subject), Some(permission), Some(kind), Some(wanted)) = (subject, permission, kind, wanted) else {
        return Err(invalid(violations));
    };
    let (Some(size), Some(place)) = (size, place) else { return Err(invalid(violations)) };
    Ok((command(caller, (subject, permission, kind), wanted, size, place), binding))
}

fn command(
    caller: &Caller,
    (subject, permission, kind): (SubjectId, String, Kind),
    wanted: Wanted,
    size: PageSize,
    Place(place): Place,
) -> list::Command {
    let wish = Wish { subject: subject.as_uuid().as_u128(), permission, kind };
    list::Command { sees: caller.scope(CHECK), wish, wanted, size, place }
}

/// Where a list goes on, or that it begins.
struct Place(Option<list::Place>);

fn place(violations: &mut Violations, api: &Api, binding: &[String], token: &str) -> Option<Place> {
    let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
    let opened = violations.check("page_token", "PAGE_TOKEN_INVALID", api.pages.open(&binding, token))?;
    Some(Place(opened.and_then(|bytes| decode(&bytes))))
}

/// Writes where a list goes on.
pub(super) fn encode(place: &list::Place) -> Vec<u8> {
    let (revision, now) = (place.revision.to_be_bytes(), place.now.as_micros().to_be_bytes());
    [revision.as_slice(), now.as_slice(), place.after.to_be_bytes().as_slice()].concat()
}

fn decode(bytes: &[u8]) -> Option<list::Place> {
    let (revision, rest) = bytes.split_first_chunk()?;
    let (now, rest) = rest.split_first_chunk()?;
    let after = Key::from_be_bytes(rest.try_into().ok()?);
    let now = Timestamp::from_micros(i64::from_be_bytes(*now));
    Some(list::Place { revision: i64::from_be_bytes(*revision), now, after })
}

pub(super) fn await_convergence(request: &pb::AwaitConvergenceRequest) -> Result<(Point, Duration), Status> {
    let mut violations = Violations::default();
    let point = if request.at_least.is_empty() {
        violations.push("at_least", "REQUIRED", "is required");
        None
    } else {
        point(&mut violations, "at_least", &request.at_least)
    };
    let patience = match request.timeout.map(Duration::try_from) {
        None => Some(PATIENCE),
        Some(Ok(patience)) if patience <= MAX_PATIENCE => Some(patience),
        Some(Ok(_) | Err(_)) => {
            violations.push("timeout", "OUT_OF_RANGE", "must be between 0 and 30 seconds");
            None
        }
    };
    point.zip(patience).ok_or_else(|| invalid(violations))
}

fn question(
    violations: &mut Violations,
    prefix: &str,
    subject: &str,
    name: &str,
    resource: Option<&pb::Resource>,
) -> Option<Question> {
    let subject = violations.id(&format!("{prefix}subject_id"), subject, SubjectId::parse);
    let permission = permission(violations, &format!("{prefix}permission"), name);
    let resource = self::resource(violations, &format!("{prefix}resource"), resource);
    Some(Question { subject: subject?.as_uuid().as_u128(), permission: permission?, resource: resource? })
}

fn permission(violations: &mut Violations, field: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        violations.push(field, "REQUIRED", "is required");
        return None;
    }
    if name.len() > MAX_NAME {
        violations.push(field, "TOO_LONG", format!("must have at most {MAX_NAME} characters"));
        return None;
    }
    Some(name.to_owned())
}

fn resource(violations: &mut Violations, field: &str, resource: Option<&pb::Resource>) -> Option<Resource> {
    use pb::resource::Resource as R;
    let Some(resource) = resource.and_then(|resource| resource.resource.as_ref()) else {
        violations.push(field, "REQUIRED", "must name an organization, a user, a dataset, a model or an asset policy");
        return None;
    };
    let mut key = |name: &str, text: &str, parse: fn(&str) -> Result<Uuid, ParseIdError>| -> Option<Key> {
        violations.id(&format!("{field}.{name}"), text, parse).map(|id| id.as_u128())
    };
    let (kind, key) = match resource {
        R::OrganizationId(id) => {
            let parse = |text: &str| OrganizationId::parse(text).map(OrganizationId::as_uuid);
            (Kind::Organization, key("organization_id", id, parse))
        }
        R::UserId(id) => (Kind::User, key("user_id", id, |text| UserId::parse(text).map(UserId::as_uuid))),
        R::DatasetId(id) => {
            (Kind::Dataset, key("dataset_id", id, |text| DatasetId::parse(text).map(DatasetId::as_uuid)))
        }
        R::ModelId(id) => (Kind::Model, key("model_id", id, |text| ModelId::parse(text).map(ModelId::as_uuid))),
        R::AssetPolicyId(id) => {
            let parse = |text: &str| AssetPolicyId::parse(text).map(AssetPolicyId::as_uuid);
            (Kind::AssetPolicy, key("asset_policy_id", id, parse))
        }
    };
    Some(Resource { kind, key: key? })
}

fn kind(violations: &mut Violations, kind: pb::ResourceType) -> Option<Kind> {
    match kind {
        pb::ResourceType::Organization => Some(Kind::Organization),
        pb::ResourceType::User => Some(Kind::User),
        pb::ResourceType::Dataset => Some(Kind::Dataset),
        pb::ResourceType::Model => Some(Kind::Model),
        pb::ResourceType::AssetPolicy => Some(Kind::AssetPolicy),
        pb::ResourceType::Unspecified => {
            violations.push("resource_type", "REQUIRED", "must be one of the types of resources");
            None
        }
    }
}

fn wanted(violations: &mut Violations, consistency: Option<&pb::Consistency>) -> Option<Wanted> {
    use pb::consistency::Demand;
    match consistency.and_then(|consistency| consistency.demand.as_ref()) {
        None | Some(Demand::FullyConsistent(false)) => Some(Wanted::Usual),
        Some(Demand::FullyConsistent(true)) => Some(Wanted::Newest),
        Some(Demand::AtLeast(text)) => point(violations, "consistency.at_least", text).map(Wanted::AtLeast),
    }
}

fn point(violations: &mut Violations, field: &str, text: &str) -> Option<Point> {
    violations.check(field, "TOKEN_MALFORMED", Point::parse(text))
}
