//! Pages: which organization, where to go on, and the token of what follows.

use rolecall_authz::Caller;
use rolecall_kernel::id::{EventId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use uuid::Uuid;

use super::{Fields as _, Noted};
use crate::domain::audit::{AuditPosition, Recorded};
use crate::domain::page::Position;
use crate::grpc::Api;

/// Which organizations a list covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::grpc) enum Place {
    /// All that the caller may see.
    All,
    /// This one.
    One(OrganizationId),
}

impl Place {
    pub(in crate::grpc) const fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::All => None,
            Self::One(id) => Some(id),
        }
    }
}

/// Reads an organization of a list: empty is the caller's own, `-` all.
pub(in crate::grpc) fn list_place(violations: &mut Violations, caller: &Caller, text: &str) -> Option<Place> {
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

pub(in crate::grpc) fn size(violations: &mut Violations, size: i32) -> Option<PageSize> {
    violations.check("page_size", "NEGATIVE", PageSize::parse(size))
}

/// Opens a page token into the position that it holds, none at the start.
pub(in crate::grpc) fn position<T>(
    violations: &mut Violations,
    api: &Api,
    binding: &[&str],
    token: &str,
    decode: fn(Timestamp, Uuid) -> T,
) -> Result<Option<T>, Noted> {
    let opened = violations.check("page_token", "FOREIGN", api.pages.open(binding, token)).ok_or(Noted)?;
    // What is sealed was made here, so it has the right form.
    Ok(opened.and_then(|bytes| {
        let (time, id) = bytes.split_at_checked(8)?;
        let time = Timestamp::from_micros(i64::from_be_bytes(time.try_into().ok()?));
        Some(decode(time, Uuid::from_slice(id).ok()?))
    }))
}

pub(super) fn by_creation(created: Timestamp, id: Uuid) -> Position {
    Position { created, id }
}

pub(in crate::grpc) fn by_occurrence(occurred: Timestamp, id: Uuid) -> AuditPosition {
    AuditPosition { occurred, event_id: EventId::from_uuid(id) }
}

fn seal(api: &Api, binding: &[&str], time: Timestamp, id: Uuid) -> String {
    let position = [&time.as_micros().to_be_bytes()[..], id.as_bytes()].concat();
    api.pages.seal(binding, &position, api.app.entropy.as_ref())
}

/// Makes the token of the page after this one; empty when there is none.
pub(in crate::grpc) fn next_page<T>(
    api: &Api,
    binding: &[&str],
    page: &Page<T>,
    place: impl Fn(&T) -> (Timestamp, Uuid),
) -> String {
    match page.items.last().filter(|_| page.has_more) {
        Some(last) => {
            let (time, id) = place(last);
            seal(api, binding, time, id)
        }
        None => String::new(),
    }
}

/// The same for the audit log.
pub(in crate::grpc) fn next_audit_page(api: &Api, binding: &[&str], page: &Page<Recorded>) -> String {
    next_page(api, binding, page, |entry| (entry.event.occurred, entry.event.event_id.as_uuid()))
}
