//! Sessions and subjects whose tokens have ended before their time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use rolecall_kernel::id::{SessionId, SubjectId};
use rolecall_kernel::time::{Clock, Timestamp};
use tokio::time::Instant;

use crate::access::AccessError;
use crate::access::cache::{Freshness, Heartbeat};
use crate::token::claims::AccessClaims;
use crate::token::{LEEWAY, MAX_ACCESS_LIFETIME};

/// How long the stream of revocations may be silent before it is not believed.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// How long the source may take for an answer.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often entries that no longer matter are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// Tells whether a session goes on: asked while the stream is silent.
#[async_trait::async_trait]
pub trait RevocationSource: Send + Sync {
    /// Tells whether the session exists and has not ended, nor the one in which somebody began to act in it.
    async fn is_session_active(&self, session: SessionId) -> Result<bool, AccessError>;
}

/// Why a good token is refused all the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RevocationRefusal {
    /// Its session, or all of its subject's earlier tokens, have ended.
    #[error("the session has ended")]
    Ended,
    /// Whether it has ended cannot be told at present.
    #[error("whether the session goes on cannot be confirmed")]
    Unconfirmed(Option<AccessError>),
}

/// The revocations that can still matter; cheap to clone.
#[derive(Clone)]
pub struct Revocations(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    source: Option<Arc<dyn RevocationSource>>,
    stream: Heartbeat,
    ended: RwLock<Ended>,
}

struct Ended {
    /// Each with the time from which on it no longer matters.
    sessions: HashMap<SessionId, Instant>,
    subjects: HashMap<SubjectId, (Timestamp, Instant)>,
    swept: Instant,
}

impl Revocations {
    /// Makes an empty set. With [`Freshness::Stream`] and no source, a silent stream refuses every call.
    pub fn new(clock: Arc<dyn Clock>, freshness: Freshness, source: Option<Arc<dyn RevocationSource>>) -> Self {
        let ended = Ended { sessions: HashMap::new(), subjects: HashMap::new(), swept: Instant::now() };
        Self(Arc::new(Inner { clock, freshness, source, stream: Heartbeat::new(), ended: RwLock::new(ended) }))
    }

    /// Ends all tokens of the session; `until` is when the last of them would end by itself.
    pub fn revoke_session(&self, session: SessionId, until: Timestamp) {
        let until = self.matters_until(until);
        let mut ended = self.write();
        let entry = ended.sessions.entry(session).or_insert(until);
        *entry = until.max(*entry);
    }

    /// Ends all tokens of the subject that were issued before the time.
    pub fn revoke_subject_before(&self, subject: SubjectId, not_before: Timestamp) {
        let until = self.matters_until(not_before.plus(MAX_ACCESS_LIFETIME));
        let mut ended = self.write();
        let entry = ended.subjects.entry(subject).or_insert((not_before, until));
        *entry = (not_before.max(entry.0), until.max(entry.1));
    }

    /// Tells whether the token is known to have ended. Says nothing of what has not arrived here.
    pub fn is_revoked(&self, claims: &AccessClaims) -> bool {
        let ended = self.read();
        // Whoever acts as another ends with its own session as well.
        let mut sessions = claims.sid.into_iter().chain(claims.act.map(|actor| actor.sid));
        let mut subjects = [claims.sub].into_iter().chain(claims.act.map(|actor| actor.sub));
        let is_over = |subject| ended.subjects.get(&subject).is_some_and(|(not_before, _)| claims.iat < *not_before);
        sessions.any(|session| ended.sessions.contains_key(&session)) || subjects.any(is_over)
    }

    /// Is the heartbeat of the stream: every revocation until now was passed on.
    pub fn heartbeat(&self) {
        self.0.stream.beat(0);
    }

    /// Tells whether the stream was silent for too long.
    pub fn is_stale(&self) -> bool {
        match self.0.freshness {
            Freshness::InProcess => false,
            Freshness::Stream => self.0.stream.silence().is_none_or(|silence| silence > STALE_AFTER),
        }
    }

    /// Checks a token with what is at hand; `None` when the source must be asked.
    pub fn peek(&self, claims: &AccessClaims) -> Option<Result<(), RevocationRefusal>> {
        if self.is_revoked(claims) {
            return Some(Err(RevocationRefusal::Ended));
        }
        (!self.is_stale()).then_some(Ok(()))
    }

    /// Checks a token; while the stream is silent, asks the source, and refuses what it cannot confirm.
    pub async fn check(&self, claims: &AccessClaims) -> Result<(), RevocationRefusal> {
        if let Some(known) = self.peek(claims) {
            return known;
        }
        let (Some(source), Some(session)) = (&self.0.source, claims.sid) else {
            return Err(RevocationRefusal::Unconfirmed(None));
        };
        match tokio::time::timeout(SOURCE_TIMEOUT, source.is_session_active(session)).await {
            // Meanwhile the subject may have been revoked in this process.
            Ok(Ok(true)) if !self.is_revoked(claims) => Ok(()),
            Ok(Ok(_)) => Err(RevocationRefusal::Ended),
            Ok(Err(error)) => Err(RevocationRefusal::Unconfirmed(Some(error))),
            Err(elapsed) => Err(RevocationRefusal::Unconfirmed(Some(AccessError::unavailable(elapsed)))),
        }
    }

    /// On the monotonic clock: a wall clock that jumps ahead must not make a revocation be forgotten.
    fn matters_until(&self, until: Timestamp) -> Instant {
        let life = until.since(self.0.clock.now()).min(MAX_ACCESS_LIFETIME * 2);
        Instant::now() + life + LEEWAY * 2
    }

    fn read(&self) -> RwLockReadGuard<'_, Ended> {
        self.0.ended.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ended> {
        let mut ended = self.0.ended.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now.duration_since(ended.swept) >= SWEEP_INTERVAL {
            ended.swept = now;
            ended.sessions.retain(|_, until| now < *until);
            ended.subjects.retain(|_, (_, until)| now < *until);
        }
        ended
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.read();
        f.debug_struct("Revocations")
            .field("freshness", &self.0.freshness)
            .field("sessions", &ended.sessions.len())
            .field("subjects", &ended.subjects.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
