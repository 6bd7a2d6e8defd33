//! Verifies an exported file: the same hashes and signatures, without the server that made them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use prost_types::Timestamp as WireTime;
use rolecall_api::organization::v1::{
    AuditCheckpoint, AuditEvent, AuditFinding, AuditFindingKind as Kind, VerifyAuditLogResponse,
};
use rolecall_kernel::audit::{Checkpoint, Entry, GENESIS, Hash, commit};
use rolecall_kernel::id::{EventId, OrganizationId, ParseIdError, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::lines::{self, Line};
use crate::failure::Failure;

/// Verifies the lines of a file; `known` are checkpoints that were kept apart from it.
pub(super) fn verify(
    path: &Path,
    known: Vec<AuditCheckpoint>,
    public_key: Option<&[u8]>,
) -> Result<VerifyAuditLogResponse, Failure> {
    let mut verifier = Verifier { report: VerifyAuditLogResponse::default(), chains: HashMap::new(), waiting: known };
    for line in lines::read(path)? {
        match line? {
            Line::Event(event) => verifier.event(&event),
            Line::Checkpoint(checkpoint) => verifier.waiting.push(*checkpoint),
        }
    }
    verifier.checkpoints(public_key);
    Ok(verifier.report)
}

/// The hashes of a chain that are kept: those of its entries, by number.
#[derive(Default)]
struct Chain {
    last: i64,
    hashes: BTreeMap<i64, Hash>,
}

struct Verifier {
    report: VerifyAuditLogResponse,
    chains: HashMap<String, Chain>,
    waiting: Vec<AuditCheckpoint>,
}

impl Verifier {
    fn find(&mut self, kind: Kind, organization_id: &str, sequence: &str, event_id: &str, what: &str) {
        self.report.findings.push(AuditFinding {
            kind: kind.into(),
            organization_id: organization_id.to_owned(),
            sequence: sequence.to_owned(),
            event_id: event_id.to_owned(),
            description: what.to_owned(),
        });
    }

    fn event(&mut self, event: &AuditEvent) {
        self.report.verified_count += 1;
        let place = (event.organization_id.as_str(), event.sequence.as_str(), event.event_id.as_str());
        let (Some(entry), Ok(hash)) = (parse(event), Hash::try_from(event.hash.as_slice())) else {
            return self.find(Kind::EntryChanged, place.0, place.1, place.2, "it is not an entry of a chain");
        };
        let (sequence, commitment) = (entry.sequence, entry.commitment);
        let chain = self.chains.entry(event.organization_id.clone()).or_default();
        let begins = chain.hashes.is_empty() && sequence > 1;
        let previous = chain.hashes.get(&(sequence - 1)).copied().or((sequence == 1).then_some(GENESIS));
        let expected = chain.last + 1;
        chain.last = sequence;
        chain.hashes.insert(sequence, hash);
        match previous {
            // An export that went on later begins in the middle: its first hash is taken as it is.
            None if begins => {}
            None => self.find(
                Kind::EntriesMissing,
                place.0,
                place.1,
                place.2,
                &format!("entries {expected} to {} are missing", sequence - 1),
            ),
            Some(previous) if entry.hash(&previous) != hash => {
                let what = "its hash is not that of what it tells and of the entry before it";
                self.find(Kind::EntryChanged, place.0, place.1, place.2, what);
            }
            Some(_) => {}
        }
        let details: BTreeMap<String, String> = event.details.clone().into_iter().collect();
        // Only sealed details are erased, and none are left then.
        if event.is_erased && details.is_empty() && !event.sealed_for_id.is_empty() {
            self.report.erased_count += 1;
        } else if event.is_erased || commit(&details, &event.salt) != commitment {
            let what = "its details are not those that were committed to";
            self.find(Kind::DetailsChanged, place.0, place.1, place.2, what);
        }
    }

    fn checkpoints(&mut self, public_key: Option<&[u8]>) {
        for signed in std::mem::take(&mut self.waiting) {
            self.report.checkpoint_count += 1;
            let (organization, sequence) = (signed.organization_id.as_str(), signed.sequence.as_str());
            let Some(checkpoint) = parse_checkpoint(&signed) else {
                self.find(Kind::CheckpointForged, organization, sequence, "", "it is no checkpoint");
                continue;
            };
            let is_key = public_key.is_none_or(|key| key == signed.public_key);
            if !is_key || !checkpoint.is_signed_by(&signed.public_key, &signed.signature) {
                self.find(Kind::CheckpointForged, organization, sequence, "", "the signature is not genuine");
            }
            let chain = self.chains.get(&signed.organization_id);
            let found = chain.and_then(|chain| chain.hashes.get(&checkpoint.sequence));
            let last = chain.map_or(0, |chain| chain.last);
            match found {
                Some(hash) if *hash == checkpoint.hash => {}
                Some(_) => {
                    let what = "a checkpoint was signed over another hash";
                    self.find(Kind::CheckpointContradicted, organization, sequence, "", what);
                }
                None if checkpoint.sequence > last => {
                    self.find(Kind::EndMissing, organization, sequence, "", "entries up to this one are missing");
                }
                // It lies before the part that was exported.
                None => {}
            }
        }
    }
}

fn time(time: Option<WireTime>) -> Option<Timestamp> {
    let time = time?;
    Some(Timestamp::from_micros(time.seconds.checked_mul(1_000_000)?.checked_add(i64::from(time.nanos) / 1_000)?))
}

/// Reads an identifier that may be absent.
fn id(text: &str) -> Result<Option<SubjectId>, ParseIdError> {
    if text.is_empty() { Ok(None) } else { SubjectId::parse(text).map(Some) }
}

fn parse(event: &AuditEvent) -> Option<Entry<'_>> {
    Some(Entry {
        chain: id(&event.organization_id).ok()?.map(SubjectId::as_uuid).unwrap_or_default(),
        sequence: event.sequence.parse().ok().filter(|sequence: &i64| *sequence > 0)?,
        event_id: EventId::parse(&event.event_id).ok()?.as_uuid(),
        topic: &event.topic,
        actor: id(&event.actor_id).ok()?.map(SubjectId::as_uuid),
        on_behalf_of: id(&event.on_behalf_of_id).ok()?.map(SubjectId::as_uuid),
        target: id(&event.target_id).ok()?.map(SubjectId::as_uuid),
        request_id: &event.request_id,
        occurred: time(event.occurred_time)?,
        source_number: event.source_number.parse().ok()?,
        sealed_for: id(&event.sealed_for_id).ok()?.map(SubjectId::as_uuid),
        commitment: event.details_commitment.as_slice().try_into().ok()?,
    })
}

fn parse_checkpoint(signed: &AuditCheckpoint) -> Option<Checkpoint> {
    let chain = match signed.organization_id.as_str() {
        "" => rolecall_kernel::audit::INSTANCE_CHAIN,
        id => OrganizationId::parse(id).ok()?.as_uuid(),
    };
    Some(Checkpoint {
        chain,
        sequence: signed.sequence.parse().ok()?,
        hash: signed.hash.as_slice().try_into().ok()?,
        signed: time(signed.sign_time)?,
    })
}

#[cfg(test)]
mod tests;
