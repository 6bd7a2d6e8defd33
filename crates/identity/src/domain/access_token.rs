//! Personal access tokens: what a person lends to its own programs, and for how long.

use std::time::Duration;

use rolecall_kernel::id::{AccessTokenId, SessionId, UserId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;

/// What every token begins with.
pub(crate) const PREFIX: &str = "rp_";

/// The most tokens of one person.
pub(crate) const MAX_TOKENS: u64 = 20;

/// The most permissions of one token.
pub(crate) const MAX_PERMISSIONS: usize = 50;

/// The longest `scope` claim in bytes: with it an access token still has half of the size that verifiers accept.
pub(crate) const MAX_SCOPE_BYTES: usize = 2_000;

/// The life of a token when none is named.
const DEFAULT_LIFE: Duration = Duration::from_hours(30 * 24);

/// The longest life of a token.
const MAX_LIFE: Duration = Duration::from_hours(365 * 24);

/// A personal access token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct AccessToken {
    /// Identifier, the `sid` of what is exchanged for it.
    pub(crate) access_token_id: AccessTokenId,
    /// Whose it is.
    pub(crate) user_id: UserId,
    /// What the person calls it.
    pub(crate) name: PersonName,
    /// The permissions that it is narrowed to, in order.
    pub(crate) permissions: Vec<String>,
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it was last exchanged.
    pub(crate) last_used: Option<Timestamp>,
}

impl AccessToken {
    /// What is exchanged for the token belongs to this session.
    pub(crate) const fn session_id(&self) -> SessionId {
        session_of(self.access_token_id)
    }
}

/// The session that a token's access tokens belong to: revocations end both kinds alike.
pub(crate) const fn session_of(id: AccessTokenId) -> SessionId {
    SessionId::from_uuid(id.as_uuid())
}

/// Why an end of a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LifeError {
    /// It lies in the past.
    #[error("must lie in the future")]
    Past,
    /// It lies too far in the future.
    #[error("must lie at most 365 days in the future")]
    TooFar,
}

/// Decides when a token ends.
pub(crate) fn expiry(wish: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, LifeError> {
    match wish {
        None => Ok(now.plus(DEFAULT_LIFE)),
        Some(wish) if wish <= now => Err(LifeError::Past),
        Some(wish) if wish > now.plus(MAX_LIFE) => Err(LifeError::TooFar),
        Some(wish) => Ok(wish),
    }
}

/// Tells whether a token may carry the permission at all: none is about credentials, sessions or tokens, by which a
/// stolen token would become more than it is.
pub(crate) fn may_carry(permission: &str) -> bool {
    const CLOSED: [&str; 5] =
        ["identity.factors.", "identity.keys.", "identity.service_accounts.", "identity.sessions.", "identity.tokens."];
    const CLOSED_ON_USERS: [&str; 4] = ["impersonate", "return_code", "set_email", "set_password"];
    let of_users = permission.strip_prefix("identity.users.");
    !CLOSED.iter().any(|collection| permission.starts_with(collection))
        && !of_users.is_some_and(|verb| CLOSED_ON_USERS.contains(&verb))
}

/// Tells whether the permission only reads.
fn only_reads(permission: &str) -> bool {
    matches!(permission.rsplit('.').next(), Some("get" | "list" | "check"))
}

/// Tells whether the permission is one of Rolecall itself: what a verb of another backend does, nobody knows here, and
/// what it registers tomorrow is in no token that was made without naming it.
fn is_ours(permission: &str) -> bool {
    let namespace = permission.split('.').next();
    matches!(namespace, Some("identity" | "notification" | "organization"))
}

/// Why permissions were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NarrowingError {
    /// The person does not hold these now, or no token may carry them.
    #[error("not the person's to lend: {}", .0.join(", "))]
    NotGrantable(Vec<String>),
    /// They are too many, or too long together.
    #[error("are too many for one token; name fewer")]
    TooMany,
}

/// Decides what a token is narrowed to: what is asked for, or all of Rolecall itself that its person may read.
pub(crate) fn narrow(wished: &[String], held: &[String]) -> Result<Vec<String>, NarrowingError> {
    let is_lendable = |name: &String| held.contains(name) && may_carry(name);
    let mut chosen: Vec<String> = if wished.is_empty() {
        held.iter().filter(|name| is_lendable(name) && only_reads(name) && is_ours(name)).cloned().collect()
    } else {
        let lacking: Vec<String> = wished.iter().filter(|name| !is_lendable(name)).cloned().collect();
        if !lacking.is_empty() {
            return Err(NarrowingError::NotGrantable(lacking));
        }
        wished.to_vec()
    };
    chosen.sort();
    chosen.dedup();
    let bytes: usize = chosen.iter().map(|name| name.len() + 1).sum();
    if chosen.len() > MAX_PERMISSIONS || bytes > MAX_SCOPE_BYTES {
        return Err(NarrowingError::TooMany);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_token_lives_thirty_days_unless_told_otherwise_and_a_year_at_most() {
        let now = Timestamp::from_seconds(1_000);
        assert_eq!(expiry(None, now), Ok(now.plus(DEFAULT_LIFE)));
        let latest = now.plus(MAX_LIFE);
        assert_eq!(expiry(Some(latest), now), Ok(latest));
        assert_eq!(expiry(Some(latest.plus(Duration::from_micros(1))), now), Err(LifeError::TooFar));
        assert_eq!(expiry(Some(now), now), Err(LifeError::Past));
    }

    #[test]
    fn a_token_is_narrowed_to_what_its_person_holds_and_by_default_only_reads() {
        let held = names(&["a.b.list", "a.b.get", "a.b.create", "identity.sessions.list", "c.d.check"]);
        let ours = names(&["identity.users.get", "notification.deliveries.list", "organization.access.check"]);
        let reads = [&held[..], &ours, &names(&["organization.members.block"])].concat();
        assert_eq!(narrow(&[], &reads), Ok(ours), "what other backends registered is named or not lent");
        assert_eq!(narrow(&names(&["a.b.get"]), &held), Ok(names(&["a.b.get"])));
        assert_eq!(narrow(&names(&["a.b.create", "a.b.create"]), &held), Ok(names(&["a.b.create"])));
        let refused = narrow(&names(&["a.b.get", "a.b.delete", "identity.sessions.list"]), &held);
        assert_eq!(refused, Err(NarrowingError::NotGrantable(names(&["a.b.delete", "identity.sessions.list"]))));
        assert_eq!(narrow(&[], &[]), Ok(Vec::new()), "it still tells who its person is");
    }

    #[test]
    fn what_would_not_fit_into_an_access_token_is_refused() {
        let many: Vec<String> = (0..=MAX_PERMISSIONS).map(|index| format!("identity.b{index}.get")).collect();
        assert_eq!(narrow(&many, &many), Err(NarrowingError::TooMany));
        assert_eq!(narrow(&[], &many), Err(NarrowingError::TooMany));
        assert!(narrow(&many[1..], &many).is_ok());
        let long: Vec<String> = (0..11).map(|index| format!("a.b{index:0190}.get")).collect();
        assert_eq!(narrow(&long, &long), Err(NarrowingError::TooMany));
    }

    #[test]
    fn nothing_about_credentials_sessions_and_tokens_can_be_lent() {
        for closed in [
            "identity.factors.reset",
            "identity.keys.rotate",
            "identity.service_accounts.create",
            "identity.sessions.revoke",
            "identity.tokens.introspect",
            "identity.users.impersonate",
            "identity.users.set_password",
            "identity.users.return_code",
        ] {
            assert!(!may_carry(closed), "{closed}");
        }
        for open in ["identity.users.get", "identity.users.update", "organization.members.block"] {
            assert!(may_carry(open), "{open}");
        }
    }
}
