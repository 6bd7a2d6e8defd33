//! Pages: which organization, where to go on, and the token of what follows.

use rolecall_authz::Caller;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{EventId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize, PageTokens};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use uuid::Uuid;

use super::{Fields as _, Noted};
use crate::domain::audit::{AuditPosition, Recorded};
use crate::domain::page::Position;
use crate::grpc::Api;

/// Which organizations a list covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// All that the caller may see.
    All,
    /// This one.
    One(OrganizationId),
}

impl Place {
    /// Returns the one organization; none when all are meant.
    pub const fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::All => None,
            Self::One(id) => Some(id),
        }
    }
}

/// Reads an organization of a list: empty is the caller's own, `-` all.
pub fn list_place(violations: &mut Violations, caller: &Caller, text: &str) -> Option<Place> {
    match text {
        "-" => Some(Place::All),
        "" => {
            let own = caller.organization();
            if own.is_none() {
                violations.push("organization_id", "REQUIRED", "is required of who belongs to no organization");
            }
            own.map(Place::One)
        }
        _ => violations.id("organization_id", text, OrganizationId::parse).map(Place::One),
    }
}

/// Takes a caller's wish for the size of a page.
pub fn page_size(violations: &mut Violations, size: i32) -> Option<PageSize> {
    violations.check("page_size", "NEGATIVE", PageSize::parse(size))
}

/// The same with the tokens of this crate.
pub(in crate::grpc) fn position<T>(
    violations: &mut Violations,
    api: &Api,
    binding: &[&str],
    token: &str,
    decode: fn(Timestamp, Uuid) -> T,
) -> Result<Option<T>, Noted> {
    starting_at(violations, &api.pages, binding, token, decode)
}

/// Opens a page token into the position that it holds, none at the start.
pub fn starting_at<T>(
    violations: &mut Violations,
    pages: &PageTokens,
    binding: &[&str],
    token: &str,
    decode: fn(Timestamp, Uuid) -> T,
) -> Result<Option<T>, Noted> {
    let opened = violations.check("page_token", "FOREIGN", pages.open(binding, token)).ok_or(Noted)?;
    // What is sealed was made here, so it has the right form.
    Ok(opened.and_then(|bytes| {
        let (time, id) = bytes.split_at_checked(8)?;
        let time = Timestamp::from_micros(i64::from_be_bytes(time.try_into().ok()?));
        Some(decode(time, Uuid::from_slice(id).ok()?))
    }))
}

/// The position in a list in order of creation.
pub fn by_creation(created: Timestamp, id: Uuid) -> Position {
    Position { created, id }
}

pub(in crate::grpc) fn by_occurrence(occurred: Timestamp, id: Uuid) -> AuditPosition {
    AuditPosition { occurred, event_id: EventId::from_uuid(id) }
}

/// Makes the token of the page after this one; empty when there is none.
pub fn following<T>(
    pages: &PageTokens,
    entropy: &dyn Entropy,
    binding: &[&str],
    page: &Page<T>,
    place: impl Fn(&T) -> (Timestamp, Uuid),
) -> String {
    match page.items.last().filter(|_| page.has_more) {
        Some(last) => {
            let (time, id) = place(last);
            let position = [&time.as_micros().to_be_bytes()[..], id.as_bytes()].concat();
            pages.seal(binding, &position, entropy)
        }
        None => String::new(),
    }
}

/// The same with the tokens of this crate.
pub(in crate::grpc) fn next_page<T>(
    api: &Api,
    binding: &[&str],
    page: &Page<T>,
    place: impl Fn(&T) -> (Timestamp, Uuid),
) -> String {
    following(&api.pages, api.app.entropy.as_ref(), binding, page, place)
}

/// The same for the audit log.
pub(in crate::grpc) fn next_audit_page(api: &Api, binding: &[&str], page: &Page<Recorded>) -> String {
    next_page(api, binding, page, |entry| (entry.event.occurred, entry.event.event_id.as_uuid()))
}
