//! Refresh tokens: each serves once, and a thief's second use ends the family.

use std::time::Duration;

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::time::Timestamp;

/// What every refresh token begins with.
pub(crate) const PREFIX: &str = "rcr_";

/// What is stored of a presented token after the attempt to use it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presented {
    /// When it was used before this call, if it was.
    pub(crate) used_at: Option<Timestamp>,
    /// Whether its session is alive.
    pub(crate) session_alive: bool,
}

/// What follows from presenting a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is used up now; its successor becomes active.
    Rotate,
    /// It was used a moment ago, by a client that missed the answer: the same successor again.
    Repeat,
    /// It was used long ago: somebody else holds it, the session ends.
    Reuse,
    /// Its session is over.
    Refuse,
}

impl Presented {
    /// Decides; concurrent first uses are told apart by the database, which lets one of them through.
    pub(crate) fn decide(self, now: Timestamp, grace: Duration) -> Decision {
        match self.used_at {
            _ if !self.session_alive => Decision::Refuse,
            None => Decision::Rotate,
            Some(used_at) if now <= used_at.plus(grace) => Decision::Repeat,
            Some(_) => Decision::Reuse,
        }
    }
}

/// Derives the one successor of a token; recomputed for a repeat, so that it is never stored.
pub(crate) fn successor(key: &KeyedHash, presented: &OpaqueToken) -> OpaqueToken {
    OpaqueToken::from_bytes(PREFIX, &key.hash(&[presented.expose().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::key::{MasterKey, Purpose};

    use super::*;

    /// ASVS: T08
    #[test]
    fn asvs_v10_4_5_a_token_rotates_repeats_within_the_grace_time_and_is_reuse_afterwards() {
        let grace = Duration::from_secs(30);
        let used = Timestamp::from_seconds(100);
        let decide = |used_at, session_alive, seconds| {
            Presented { used_at, session_alive }.decide(Timestamp::from_seconds(seconds), grace)
        };
        assert_eq!(decide(None, true, 100), Decision::Rotate);
        assert_eq!(decide(Some(used), true, 100), Decision::Repeat);
        assert_eq!(decide(Some(used), true, 130), Decision::Repeat);
        assert_eq!(decide(Some(used), true, 131), Decision::Reuse);
        for used_at in [None, Some(used)] {
            assert_eq!(decide(used_at, false, 131), Decision::Refuse);
        }
    }

    #[test]
    fn a_token_has_one_successor_that_needs_the_key() {
        let key = MasterKey::new(&SystemEntropy).keyed_hash(Purpose::RefreshSuccessor);
        let other = MasterKey::new(&SystemEntropy).keyed_hash(Purpose::RefreshSuccessor);
        let token = OpaqueToken::new(PREFIX, &SystemEntropy);
        assert_eq!(successor(&key, &token).expose(), successor(&key, &token).expose());
        assert_ne!(successor(&key, &token).expose(), successor(&other, &token).expose());
        assert!(OpaqueToken::parse(PREFIX, successor(&key, &token).expose()).is_some());
    }
}
