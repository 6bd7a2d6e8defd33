//! Guests: sessions without an account.

use std::time::Duration;

use rolecall_kernel::id::{OrganizationId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::session::Acting;

/// A guest ends without a refresh after this time.
pub(crate) const IDLE: Duration = Duration::from_hours(1);

/// A guest ends this long after it began, whatever happens.
pub(crate) const ABSOLUTE: Duration = Duration::from_hours(12);

/// How many times as many guests as in an hour one network may begin in a day.
pub(crate) const HOURS: usize = 5;

/// A guest and its one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GuestSession {
    /// The subject, and the `sid` of its tokens.
    pub(crate) guest_id: SubjectId,
    /// Where it looks around.
    pub(crate) organization_id: OrganizationId,
    /// When it began.
    pub(crate) began: Timestamp,
    /// When it ends without a refresh.
    pub(crate) idle_expires: Timestamp,
    /// When it ends at the latest.
    pub(crate) absolute_expires: Timestamp,
    /// Whether it was ended.
    pub(crate) ended: bool,
    /// Who acts as the guest; none when a stranger does.
    pub(crate) acting: Option<Acting>,
}

impl GuestSession {
    /// Begins the session of a stranger.
    pub(crate) fn begin(guest_id: SubjectId, organization_id: OrganizationId, now: Timestamp) -> Self {
        let (idle_expires, absolute_expires) = (now.plus(IDLE), now.plus(ABSOLUTE));
        Self { guest_id, organization_id, began: now, idle_expires, absolute_expires, ended: false, acting: None }
    }

    /// Begins the session of somebody who acts as a guest until a time.
    pub(crate) fn acted(
        guest_id: SubjectId,
        organization_id: OrganizationId,
        acting: Acting,
        now: Timestamp,
        expires: Timestamp,
    ) -> Self {
        let acting = Some(acting);
        let (idle_expires, absolute_expires) = (expires, expires);
        Self { guest_id, organization_id, began: now, idle_expires, absolute_expires, ended: false, acting }
    }

    /// The session as tokens name it: a guest has one, so they share an identifier.
    pub(crate) const fn session_id(&self) -> SessionId {
        session_of(self.guest_id)
    }

    /// Whether its tokens are good.
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        !self.ended && now < self.idle_expires && now < self.absolute_expires
    }

    /// The session after a refresh: the idle time begins anew, the absolute end stays.
    #[must_use]
    pub(crate) fn refreshed(&self, now: Timestamp) -> Self {
        Self { idle_expires: now.plus(IDLE).min(self.absolute_expires), ..*self }
    }
}

/// The session of a guest.
pub(crate) const fn session_of(guest_id: SubjectId) -> SessionId {
    SessionId::from_uuid(guest_id.as_uuid())
}

/// The guest that a session would belong to.
pub(crate) const fn guest_of(session: SessionId) -> SubjectId {
    SubjectId::from_uuid(session.as_uuid())
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    #[test]
    fn a_guest_ends_an_hour_after_its_last_refresh_and_twelve_hours_after_it_began() {
        let start = Timestamp::from_seconds(1_000_000);
        let ids = (SubjectId::new(start, &SystemEntropy), OrganizationId::new(start, &SystemEntropy));
        let mut guest = GuestSession::begin(ids.0, ids.1, start);
        assert!(guest.is_alive(start.plus(IDLE).minus(Duration::from_secs(1))) && !guest.is_alive(start.plus(IDLE)));
        let mut now = start;
        while guest.is_alive(now) {
            guest = guest.refreshed(now);
            now = now.plus(Duration::from_mins(10));
        }
        assert_eq!(now.since(start), ABSOLUTE);
        assert!(!GuestSession { ended: true, ..GuestSession::begin(ids.0, ids.1, start) }.is_alive(start));
        assert_eq!(guest_of(guest.session_id()), guest.guest_id);
    }
}
