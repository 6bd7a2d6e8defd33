//! A delivery: one mail to one person, and where it stands.

use rolecall_kernel::id::{DeliveryId, EventId, OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
pub use rolecall_mail::ChannelKind;

use super::arrival::Variables;
use super::category::Category;
use super::template::Template;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits for its next attempt, or one is under way.
    Pending,
    /// The channel took it.
    Sent,
    /// It was refused for good, or its tries are used up.
    Parked,
    /// What it tells had ended before it could be sent.
    Expired,
    /// Nobody wants it.
    Suppressed,
}

/// Why a delivery is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suppression {
    /// By the preferences of its recipient.
    Preference,
    /// A digest tells it instead.
    Digest,
    /// It was taken back.
    Cancelled,
    /// The account of its recipient, or the organization that it concerns, is gone.
    Deleted,
    /// Its recipient is no member any more of the organization whose members it is for.
    Left,
    /// Its address gets no mail.
    Address,
}

impl Suppression {
    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Preference => "preference",
            Self::Digest => "digest",
            Self::Cancelled => "cancelled",
            Self::Deleted => "deleted",
            Self::Left => "left",
            Self::Address => "address",
        }
    }
}

/// A delivery as administrators see it: no address, no content, no secret.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "named as on the wire and in the table")]
pub(crate) struct Delivery {
    pub(crate) delivery_id: DeliveryId,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) recipient_id: SubjectId,
    pub(crate) template: String,
    pub(crate) channel: ChannelKind,
    pub(crate) state: State,
    pub(crate) created: Timestamp,
    pub(crate) next_attempt: Option<Timestamp>,
    pub(crate) sent: Option<Timestamp>,
    pub(crate) attempt_count: i32,
    /// Whether its template shows a secret that was erased.
    pub(crate) is_secret_gone: bool,
    pub(crate) category: Category,
    /// Why it is suppressed.
    pub(crate) suppression: Option<String>,
}

/// Which deliveries a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) state: Option<State>,
    pub(crate) recipient: Option<SubjectId>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// The channel took the mail.
    Sent,
    /// It may be taken later.
    Deferred,
    /// It will never be taken.
    Refused,
    /// It waits for the end of quiet hours.
    Held,
    /// Its recipient does not want it.
    Suppressed,
    /// Nobody knows: the process died in the middle.
    Unknown,
}

impl AttemptOutcome {
    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Held => "held",
            Self::Suppressed => "suppressed",
            Self::Unknown => "unknown",
        }
    }
}

/// One attempt at a delivery.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) started: Timestamp,
    /// Empty while it is under way.
    pub(crate) outcome: String,
    pub(crate) detail: String,
}

/// A delivery to be stored.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) delivery_id: DeliveryId,
    pub(crate) event_id: EventId,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) recipient_id: SubjectId,
    pub(crate) template: Template,
    pub(crate) email: EmailAddress,
    pub(crate) variables: Variables,
    pub(crate) sealed_secret: Option<Vec<u8>>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) channel: ChannelKind,
    pub(crate) trace: Option<String>,
    pub(crate) category: Category,
    /// When it is first tried; at once when absent.
    pub(crate) due: Option<Timestamp>,
}

/// A delivery that this process has claimed, with an attempt begun.
#[derive(Clone)]
pub(crate) struct Due {
    pub(crate) delivery_id: DeliveryId,
    pub(crate) event_id: EventId,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) recipient_id: SubjectId,
    pub(crate) template: String,
    pub(crate) template_version: i32,
    pub(crate) email: String,
    pub(crate) variables: String,
    pub(crate) sealed_secret: Option<Vec<u8>>,
    pub(crate) expires: Option<Timestamp>,
    /// When it was accepted.
    pub(crate) created: Timestamp,
    pub(crate) queued: Timestamp,
    /// Tries since it was queued, this one included.
    pub(crate) tries: i32,
    /// Number of this attempt, from 1.
    pub(crate) number: i32,
    pub(crate) category: Category,
    pub(crate) trace: Option<String>,
}
