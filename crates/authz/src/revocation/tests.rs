use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use uuid::Uuid;

use super::*;
use crate::access::SubjectKind;

#[derive(Debug, Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Default)]
struct Source {
    active: Vec<u128>,
    fails: bool,
    asked: AtomicUsize,
}

#[async_trait::async_trait]
impl RevocationSource for Source {
    async fn is_session_active(&self, session: SessionId) -> Result<bool, AccessError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails {
            return Err(AccessError::unavailable("out of reach"));
        }
        Ok(self.active.iter().any(|id| session == self::session(*id)))
    }
}

const fn session(id: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(id))
}

const fn subject(id: u128) -> SubjectId {
    SubjectId::from_uuid(Uuid::from_u128(id))
}

fn token(sub: u128, sid: Option<u128>, issued: i64) -> AccessClaims {
    AccessClaims {
        iss: String::new(),
        sub: subject(sub),
        aud: String::new(),
        exp: Timestamp::from_micros(issued + 300_000_000),
        iat: Timestamp::from_micros(issued),
        sid: sid.map(session),
        jti: String::new(),
        auth_time: Timestamp::from_micros(issued),
        amr: Vec::new(),
        scope: None,
        act: None,
        read_only: false,
        kind: SubjectKind::User,
    }
}

fn set(freshness: Freshness, source: Option<Arc<Source>>) -> Revocations {
    let source = source.map(|source| source as Arc<dyn RevocationSource>);
    Revocations::new(Arc::new(Hand::default()), freshness, source)
}

fn minutes(minutes: i64) -> Timestamp {
    Timestamp::from_seconds(minutes * 60)
}

#[tokio::test(start_paused = true)]
async fn ending_a_session_ends_its_tokens_and_no_others() {
    let revocations = set(Freshness::InProcess, None);
    revocations.revoke_session(session(1), minutes(5));
    assert!(matches!(revocations.check(&token(1, Some(1), 0)).await, Err(RevocationRefusal::Ended)));
    assert!(revocations.check(&token(1, Some(2), 0)).await.is_ok());
    assert!(revocations.check(&token(1, None, 0)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn attack_t18_an_impersonation_ends_with_the_session_and_the_tokens_of_who_acts() {
    let acting = |sub, sid| {
        let act = crate::token::claims::Actor { sub: subject(sub), sid: session(sid) };
        AccessClaims { act: Some(act), ..token(1, Some(1), 0) }
    };
    let revocations = set(Freshness::InProcess, None);
    revocations.revoke_session(session(2), minutes(5));
    revocations.revoke_subject_before(subject(3), Timestamp::from_seconds(1));
    assert!(revocations.is_revoked(&acting(9, 2)) && revocations.is_revoked(&acting(3, 9)));
    assert!(!revocations.is_revoked(&acting(9, 9)));
}

/// ASVS: T11
#[tokio::test(start_paused = true)]
async fn asvs_v7_4_2_revoking_a_subject_hits_exactly_what_was_issued_before() {
    let revocations = set(Freshness::InProcess, None);
    revocations.revoke_subject_before(subject(1), Timestamp::from_micros(1_000_001));
    revocations.revoke_subject_before(subject(1), Timestamp::from_micros(1_000_000));
    assert!(revocations.is_revoked(&token(1, None, 1_000_000)));
    assert!(!revocations.is_revoked(&token(1, None, 1_000_001)), "a token of the same second that came after");
    assert!(!revocations.is_revoked(&token(2, None, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_kept_while_its_tokens_live_and_not_for_ever() {
    let revocations = set(Freshness::InProcess, None);
    revocations.revoke_session(session(1), minutes(5));
    revocations.revoke_session(session(1), minutes(1));
    revocations.revoke_subject_before(subject(1), Timestamp::from_seconds(1));
    tokio::time::advance(Duration::from_mins(5)).await;
    revocations.revoke_session(session(2), minutes(5));
    assert!(revocations.is_revoked(&token(9, Some(1), 0)) && revocations.is_revoked(&token(1, None, 0)));
    tokio::time::advance(MAX_ACCESS_LIFETIME * 3).await;
    revocations.revoke_session(session(3), minutes(5));
    assert_eq!((revocations.read().sessions.len(), revocations.read().subjects.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_ahead_makes_no_revocation_forgotten() {
    let hand = Arc::new(Hand::default());
    let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
    let revocations = Revocations::new(clock, Freshness::InProcess, None);
    revocations.revoke_session(session(1), minutes(5));
    hand.0.store(i64::MAX / 2, Ordering::SeqCst);
    tokio::time::advance(SWEEP_INTERVAL).await;
    revocations.revoke_session(session(2), minutes(5));
    assert!(revocations.is_revoked(&token(1, Some(1), 0)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_makes_the_source_be_asked_on_each_call() {
    let source = Arc::new(Source { active: vec![1], ..Source::default() });
    let revocations = set(Freshness::Stream, Some(Arc::clone(&source)));
    assert!(revocations.peek(&token(1, Some(1), 0)).is_none(), "nothing was heard yet");
    assert!(revocations.check(&token(1, Some(1), 0)).await.is_ok());
    assert!(matches!(revocations.check(&token(1, Some(2), 0)).await, Err(RevocationRefusal::Ended)));
    assert_eq!(source.asked.load(Ordering::SeqCst), 2);

    revocations.heartbeat();
    tokio::time::advance(STALE_AFTER).await;
    assert!(revocations.check(&token(1, Some(2), 0)).await.is_ok(), "the stream is believed");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(revocations.check(&token(1, Some(2), 0)).await.is_err());
    assert_eq!(source.asked.load(Ordering::SeqCst), 3);
}

/// ASVS: T11
#[tokio::test(start_paused = true)]
async fn asvs_v16_5_3_what_a_silent_stream_and_its_source_cannot_confirm_is_refused() {
    let failing = Arc::new(Source { fails: true, ..Source::default() });
    for revocations in [set(Freshness::Stream, None), set(Freshness::Stream, Some(failing))] {
        let refused = revocations.check(&token(1, Some(1), 0)).await;
        assert!(matches!(refused, Err(RevocationRefusal::Unconfirmed(_))));
    }
    let source = Arc::new(Source { active: vec![1], ..Source::default() });
    let without_session = set(Freshness::Stream, Some(source)).check(&token(1, None, 0)).await;
    assert!(matches!(without_session, Err(RevocationRefusal::Unconfirmed(None))));
}

#[tokio::test(start_paused = true)]
async fn a_known_revocation_counts_while_the_stream_is_silent() {
    let revocations = set(Freshness::Stream, Some(Arc::new(Source { active: vec![1], ..Source::default() })));
    revocations.revoke_session(session(1), minutes(5));
    assert!(matches!(revocations.check(&token(1, Some(1), 0)).await, Err(RevocationRefusal::Ended)));
}
