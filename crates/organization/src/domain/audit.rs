//! Entries of the audit log.

use std::collections::BTreeMap;

use rolecall_kernel::audit::{Checkpoint, Entry, Hash, INSTANCE_CHAIN};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

/// An event of any context, as auditors read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditEvent {
    pub(crate) event_id: EventId,
    pub(crate) topic: String,
    pub(crate) actor_id: Option<Uuid>,
    /// As whom the actor acted, when not as itself.
    pub(crate) on_behalf_of_id: Option<Uuid>,
    pub(crate) organization_id: Option<Uuid>,
    /// The user, service account or organization that it happened to.
    pub(crate) target_id: Option<Uuid>,
    pub(crate) request_id: String,
    pub(crate) occurred: Timestamp,
    /// The number that its context gave it; zero when it gave none.
    pub(crate) source_number: i64,
    pub(crate) details: BTreeMap<String, String>,
}

impl AuditEvent {
    /// Returns the chain that it belongs to.
    pub(crate) fn chain(&self) -> Uuid {
        self.organization_id.unwrap_or(INSTANCE_CHAIN)
    }

    /// Tells whether what was ever told of its target is to be erased.
    pub(crate) fn erases(&self) -> bool {
        let at_once = || self.details.get("erased").is_some_and(|erased| erased == "true");
        self.topic == "identity.user_erased" || (self.topic == "identity.user_deleted" && at_once())
    }

    /// Returns whose key seals its details: what is told of somebody is erased with it.
    pub(crate) fn sealed_for(&self) -> Option<Uuid> {
        self.target_id.filter(|_| !self.details.is_empty())
    }

    /// Returns what the hash of its entry covers.
    pub(crate) fn entry(&self, sequence: i64, sealed_for: Option<Uuid>, commitment: Hash) -> Entry<'_> {
        Entry {
            chain: self.chain(),
            sequence,
            event_id: self.event_id.as_uuid(),
            topic: &self.topic,
            actor: self.actor_id,
            on_behalf_of: self.on_behalf_of_id,
            target: self.target_id,
            request_id: &self.request_id,
            occurred: self.occurred,
            source_number: self.source_number,
            sealed_for,
            commitment,
        }
    }
}

/// How the details of an entry are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// As they are: they tell of no person.
    Plain,
    /// Under the key of a subject, with the salt of their commitment.
    Sealed { subject: Uuid, salt: Vec<u8> },
    /// The key is gone, and they with it.
    Erased { subject: Uuid },
    /// They were changed, or the key was: they cannot be opened.
    Broken { subject: Uuid },
}

impl Secrecy {
    /// Returns whose key seals the details.
    pub(crate) const fn subject(&self) -> Option<Uuid> {
        match self {
            Self::Plain => None,
            Self::Sealed { subject, .. } | Self::Erased { subject } | Self::Broken { subject } => Some(*subject),
        }
    }
}

/// The place of an entry in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) sequence: i64,
    pub(crate) commitment: Hash,
    pub(crate) hash: Hash,
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) event: AuditEvent,
    pub(crate) secrecy: Secrecy,
    /// None for the moment until it is chained.
    pub(crate) link: Option<Link>,
}

/// The last entry of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sequence: i64,
    pub(crate) hash: Hash,
}

/// A checkpoint with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedCheckpoint {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) public_key: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl SignedCheckpoint {
    /// Tells whether the signature is one under this key, which it names.
    pub(crate) fn is_genuine(&self, key: &[u8]) -> bool {
        self.public_key == key && self.checkpoint.is_signed_by(key, &self.signature)
    }
}

/// What is wrong with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FindingKind {
    EntryChanged,
    EntriesMissing,
    DetailsChanged,
    EndMissing,
    EndChanged,
    CheckpointContradicted,
    CheckpointForged,
    EventsNotArrived,
}

/// Something that is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: FindingKind,
    pub(crate) chain: Uuid,
    /// The number of the entry.
    pub(crate) sequence: i64,
    pub(crate) event_id: Option<EventId>,
    /// The same in words.
    pub(crate) words: String,
}

/// The place of an entry in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditPosition {
    pub(crate) occurred: Timestamp,
    pub(crate) event_id: EventId,
}

/// Of which entries those are wanted that one index gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum AuditFilter {
    #[default]
    All,
    Target(Uuid),
    Actor(Uuid),
    Topic(String),
}

/// From when, included, until when, excluded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
}
