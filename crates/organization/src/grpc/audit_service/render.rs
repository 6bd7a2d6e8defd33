//! Answers as messages.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::audit::INSTANCE_CHAIN;
use uuid::Uuid;

use crate::app::audit_log::verify::Report;
use crate::domain::audit::{Finding, FindingKind, Recorded, Secrecy, SignedCheckpoint};
use crate::events::publish::timestamp;

pub(super) fn event(recorded: Recorded) -> pb::AuditEvent {
    let Recorded { event, secrecy, link } = recorded;
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    pb::AuditEvent {
        event_id: event.event_id.to_string(),
        topic: event.topic,
        actor_id: id(event.actor_id),
        organization_id: id(event.organization_id),
        target_id: id(event.target_id),
        request_id: event.request_id,
        occurred_time: Some(timestamp(event.occurred)),
        details: event.details.into_iter().collect(),
        on_behalf_of_id: id(event.on_behalf_of_id),
        sequence: link.map(|link| link.sequence.to_string()).unwrap_or_default(),
        hash: link.map(|link| link.hash.to_vec()).unwrap_or_default(),
        details_commitment: link.map(|link| link.commitment.to_vec()).unwrap_or_default(),
        sealed_for_id: id(secrecy.subject()),
        is_erased: matches!(secrecy, Secrecy::Erased { .. }),
        salt: match secrecy {
            Secrecy::Sealed { salt, .. } => salt,
            Secrecy::Plain | Secrecy::Erased { .. } | Secrecy::Broken { .. } => Vec::new(),
        },
        source_number: event.source_number.to_string(),
    }
}

pub(super) fn duration(duration: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(duration).unwrap_or_default()
}

fn chain(chain: Uuid) -> String {
    if chain == INSTANCE_CHAIN { String::new() } else { chain.to_string() }
}

pub(super) fn checkpoint(signed: SignedCheckpoint) -> pb::AuditCheckpoint {
    pb::AuditCheckpoint {
        organization_id: chain(signed.checkpoint.chain),
        sequence: signed.checkpoint.sequence.to_string(),
        hash: signed.checkpoint.hash.to_vec(),
        sign_time: Some(timestamp(signed.checkpoint.signed)),
        public_key: signed.public_key,
        signature: signed.signature,
    }
}

fn finding(finding: Finding) -> pb::AuditFinding {
    let kind = match finding.kind {
        FindingKind::EntryChanged => pb::AuditFindingKind::EntryChanged,
        FindingKind::EntriesMissing => pb::AuditFindingKind::EntriesMissing,
        FindingKind::DetailsChanged => pb::AuditFindingKind::DetailsChanged,
        FindingKind::EndMissing => pb::AuditFindingKind::EndMissing,
        FindingKind::EndChanged => pb::AuditFindingKind::EndChanged,
        FindingKind::CheckpointContradicted => pb::AuditFindingKind::CheckpointContradicted,
        FindingKind::CheckpointForged => pb::AuditFindingKind::CheckpointForged,
        FindingKind::EventsNotArrived => pb::AuditFindingKind::EventsNotArrived,
    };
    pb::AuditFinding {
        kind: kind.into(),
        organization_id: chain(finding.chain),
        sequence: finding.sequence.to_string(),
        event_id: finding.event_id.map(|id| id.to_string()).unwrap_or_default(),
        description: finding.words,
    }
}

pub(super) fn report(report: Report, next_page_token: String) -> pb::VerifyAuditLogResponse {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    pb::VerifyAuditLogResponse {
        verified_count: count(report.verified),
        erased_count: count(report.erased),
        checkpoint_count: count(report.checked),
        findings: report.findings.into_iter().map(finding).collect(),
        checkpoints: report.checkpoints.into_iter().map(checkpoint).collect(),
        next_page_token,
    }
}
