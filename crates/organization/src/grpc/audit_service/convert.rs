//! Requests as commands.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Caller, Scope};
use rolecall_kernel::audit::{Checkpoint, INSTANCE_CHAIN};
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use tonic::Status;
use uuid::Uuid;

use crate::app::audit_log::{export, verify, walk};
use crate::app::list_audit_events as list;
use crate::domain::audit::{AuditFilter, SignedCheckpoint, Window};
use crate::grpc::Api;
use crate::grpc::convert::{Fields as _, Place, by_occurrence, list_place, parse_time, position, size};
use crate::grpc::status::{filter_not_indexed, invalid, invalid_field};

pub(super) const PERMISSION: &str = "organization.audit_events.list";

/// The longest text that is looked up and not stored.
const MAX_NAME: usize = 200;
/// The most checkpoints of one call.
const MAX_KNOWN: usize = 100;

/// What a page token is bound to.
pub(super) fn list_binding(caller: &Caller, request: &pb::ListAuditEventsRequest) -> Vec<String> {
    let pb::ListAuditEventsRequest { organization_id, target_id, actor_id, topic, start_time, end_time, .. } = request;
    let time = |time: &Option<prost_types::Timestamp>| time.map(|time| format!("{time:?}")).unwrap_or_default();
    vec![
        "ListAuditEvents".to_owned(),
        caller.subject().to_string(),
        organization_id.clone(),
        target_id.clone(),
        actor_id.clone(),
        topic.clone(),
        time(start_time),
        time(end_time),
    ]
}

pub(super) fn list(
    api: &Api,
    caller: &Caller,
    binding: &[&str],
    request: &pb::ListAuditEventsRequest,
) -> Result<list::Command, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let target = violations.optional_id("target_id", &request.target_id, SubjectId::parse);
    let actor = violations.optional_id("actor_id", &request.actor_id, SubjectId::parse);
    if request.topic.len() > MAX_NAME {
        violations.push("topic", "TOO_LONG", format!("must have at most {MAX_NAME} characters"));
    }
    let window = window(&mut violations, request);
    let size = size(&mut violations, request.page_size);
    let after = position(&mut violations, api, binding, &request.page_token, by_occurrence);
    let (Some(place), Ok(target), Ok(actor), Some(size), Ok(after), true) =
        (place, target, actor, size, after, violations.is_empty())
    else {
        return Err(invalid(violations));
    };
    let topic = Some(request.topic.clone()).filter(|topic| !topic.is_empty());
    let filter = filter(target, actor, topic).ok_or_else(filter_not_indexed)?;
    Ok(list::Command {
        scope: caller.scope(PERMISSION),
        organization: place.organization(),
        filter,
        window,
        after,
        size,
    })
}

/// Each filter has an index of its own, and no two have one together.
fn filter(target: Option<SubjectId>, actor: Option<SubjectId>, topic: Option<String>) -> Option<AuditFilter> {
    match (target, actor, topic) {
        (None, None, None) => Some(AuditFilter::All),
        (Some(target), None, None) => Some(AuditFilter::Target(target.as_uuid())),
        (None, Some(actor), None) => Some(AuditFilter::Actor(actor.as_uuid())),
        (None, None, Some(topic)) => Some(AuditFilter::Topic(topic)),
        _ => None,
    }
}

fn window(violations: &mut Violations, request: &pb::ListAuditEventsRequest) -> Window {
    let mut time = |field: &str, time: Option<prost_types::Timestamp>| {
        let parsed = time.map(parse_time);
        if parsed == Some(None) {
            violations.push(field, "TIME_MALFORMED", "must be a time of the years 1 to 9999");
        }
        parsed.flatten()
    };
    let window = Window { start: time("start_time", request.start_time), end: time("end_time", request.end_time) };
    if window.start.zip(window.end).is_some_and(|(start, end)| end <= start) {
        violations.push("end_time", "BEFORE_START", "must be after start_time");
    }
    window
}

pub(super) fn event_id(request: &pb::GetAuditEventRequest) -> Result<EventId, Status> {
    let mut violations = Violations::default();
    let event_id = violations.id("event_id", &request.event_id, EventId::parse);
    event_id.ok_or_else(|| invalid(violations))
}

/// Which organization an export covers, and after which entry it begins.
pub(super) fn export(
    api: &Api,
    caller: &Caller,
    request: &pb::ExportAuditEventsRequest,
) -> Result<(Option<OrganizationId>, export::Position), Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let binding = export_binding(caller, &request.organization_id);
    let opened = api.resume.open(&binding.each_ref().map(String::as_str), &request.resume_token);
    let opened = violations.check("resume_token", "FOREIGN", opened);
    let (Some(place), Some(opened)) = (place, opened) else { return Err(invalid(violations)) };
    let position = opened.as_deref().and_then(|bytes| decode(bytes, 0));
    let position = position.map(|(chain, sequence, _)| export::Position { chain: Some(chain), sequence });
    Ok((place.organization(), position.unwrap_or_default()))
}

fn export_binding(caller: &Caller, organization_id: &str) -> [String; 3] {
    ["ExportAuditEvents".to_owned(), caller.subject().to_string(), organization_id.to_owned()]
}

pub(super) fn resume_token(api: &Api, caller: &Caller, organization_id: &str, position: export::Position) -> String {
    let chain = position.chain.unwrap_or_default();
    let bytes = [&chain.as_bytes()[..], &position.sequence.to_be_bytes()].concat();
    let binding = export_binding(caller, organization_id);
    api.resume.seal(&binding.each_ref().map(String::as_str), &bytes, api.app.entropy.as_ref())
}

/// Reads what a token holds: a chain, a number, and so many bytes.
fn decode(bytes: &[u8], rest: usize) -> Option<(Uuid, i64, &[u8])> {
    let (chain, bytes) = bytes.split_at_checked(16)?;
    let (sequence, bytes) = bytes.split_at_checked(8)?;
    let sequence = i64::from_be_bytes(sequence.try_into().ok()?);
    (bytes.len() == rest).then_some((Uuid::from_slice(chain).ok()?, sequence, bytes))
}

/// What a verification is asked for.
pub(super) struct Verify {
    pub(super) organization: Option<OrganizationId>,
    pub(super) known: Vec<SignedCheckpoint>,
    pub(super) after: Option<verify::Position>,
}

pub(super) fn verify(api: &Api, caller: &Caller, request: &pb::VerifyAuditLogRequest) -> Result<Verify, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let known = known(&mut violations, &request.known_checkpoints);
    let binding = verify_binding(caller, request);
    let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
    let opened = violations.check("page_token", "FOREIGN", api.pages.open(&binding, &request.page_token));
    let (Some(place), Some(opened), true) = (place, opened, violations.is_empty()) else {
        return Err(invalid(violations));
    };
    let after = opened
        .as_deref()
        .and_then(|bytes| decode(bytes, 33))
        .and_then(|(chain, sequence, rest)| verified_until(chain, sequence, rest));
    Ok(Verify { organization: Place::organization(place), known, after })
}

fn verified_until(chain: Uuid, sequence: i64, rest: &[u8]) -> Option<verify::Position> {
    let (is_broken, hash) = rest.split_first()?;
    Some(verify::Position { chain, sequence, hash: hash.try_into().ok()?, is_broken: *is_broken != 0 })
}

fn known(violations: &mut Violations, checkpoints: &[pb::AuditCheckpoint]) -> Vec<SignedCheckpoint> {
    if checkpoints.len() > MAX_KNOWN {
        violations.push("known_checkpoints", "TOO_MANY", format!("must have at most {MAX_KNOWN} entries"));
        return Vec::new();
    }
    let parsed = checkpoints.iter().enumerate().filter_map(|(index, checkpoint)| {
        let parsed = signed(checkpoint);
        if parsed.is_none() {
            let field = format!("known_checkpoints[{index}]");
            violations.push(field.as_str(), "CHECKPOINT_MALFORMED", "must be a checkpoint as it was answered");
        }
        parsed
    });
    parsed.collect()
}

fn signed(checkpoint: &pb::AuditCheckpoint) -> Option<SignedCheckpoint> {
    let chain = match checkpoint.organization_id.as_str() {
        "" => INSTANCE_CHAIN,
        id => OrganizationId::parse(id).ok()?.as_uuid(),
    };
    let sequence = checkpoint.sequence.parse().ok().filter(|sequence: &i64| *sequence > 0)?;
    let hash = checkpoint.hash.as_slice().try_into().ok()?;
    let signed: Timestamp = parse_time(checkpoint.sign_time?)?;
    Some(SignedCheckpoint {
        checkpoint: Checkpoint { chain, sequence, hash, signed },
        public_key: checkpoint.public_key.clone(),
        signature: checkpoint.signature.clone(),
    })
}

/// Checkpoints of foreign chains are refused, existing or not, in the same words.
pub(super) fn check_known(scope: &Scope, known: &[SignedCheckpoint]) -> Result<(), Status> {
    if known.iter().all(|signed| walk::covers(scope, signed.checkpoint.chain)) {
        return Ok(());
    }
    Err(invalid_field("known_checkpoints", "FOREIGN", "must be of the organization that is verified"))
}

/// A token outlives the rights under which it was sent: what it goes on with must be within those of now.
pub(super) fn check_chain(scope: &Scope, field: &str, chain: Option<Uuid>) -> Result<(), Status> {
    if chain.is_none_or(|chain| walk::covers(scope, chain)) {
        return Ok(());
    }
    Err(invalid_field(field, "FOREIGN", "must be of what the caller may still see"))
}

fn verify_binding(caller: &Caller, request: &pb::VerifyAuditLogRequest) -> Vec<String> {
    let mut binding = vec!["VerifyAuditLog".to_owned(), caller.subject().to_string(), request.organization_id.clone()];
    binding.extend(request.known_checkpoints.iter().map(|known| format!("{:?}", known.encode_to_vec())));
    binding
}

pub(super) fn verify_token(
    api: &Api,
    caller: &Caller,
    request: &pb::VerifyAuditLogRequest,
    next: Option<verify::Position>,
) -> String {
    let Some(next) = next else { return String::new() };
    let binding = verify_binding(caller, request);
    let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
    let broken = [u8::from(next.is_broken)];
    let bytes = [&next.chain.as_bytes()[..], &next.sequence.to_be_bytes(), &broken, &next.hash].concat();
    api.pages.seal(&binding, &bytes, api.app.entropy.as_ref())
}
