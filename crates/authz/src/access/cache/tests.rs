use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;

use rolecall_kernel::id::OrganizationId;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::*;
use crate::access::{ScopeKind, SessionLimits, SubjectKind};

mod history;
mod restored;

const fn subject(id: u128) -> SubjectId {
    SubjectId::from_uuid(Uuid::from_u128(id))
}

/// The facts, as a database would hold them: a head, and since when each subject is blocked or absent.
#[derive(Default)]
struct Facts {
    head: i64,
    /// Each subject with the revision of its last change; absent ones are not here.
    subjects: HashMap<SubjectId, (i64, bool)>,
}

/// Reads the facts when it is asked, and answers when it is let.
struct Source {
    facts: Mutex<Facts>,
    gate: Semaphore,
    asked: AtomicUsize,
    fails: std::sync::atomic::AtomicBool,
}

impl Source {
    fn new() -> Arc<Self> {
        let facts = Mutex::new(Facts::default());
        Arc::new(Self { facts, gate: Semaphore::new(10_000), asked: AtomicUsize::new(0), fails: false.into() })
    }

    /// Changes a subject and returns the revision of the change.
    fn set(&self, id: SubjectId, blocked: Option<bool>) -> i64 {
        let mut facts = self.facts.lock().expect("facts");
        facts.head += 1;
        let head = facts.head;
        match blocked {
            Some(blocked) => facts.subjects.insert(id, (head, blocked)),
            None => facts.subjects.remove(&id),
        };
        head
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl AccessSource for Source {
    async fn subject_access(&self, id: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(AccessError::unavailable("out of reach"));
        }
        let read = {
            let facts = self.facts.lock().expect("facts");
            facts.subjects.get(&id).map(|(_, blocked)| access(id, *blocked, facts.head))
        };
        // The answer was read and is on its way.
        self.gate.acquire().await.expect("an open gate").forget();
        self.gate.add_permits(usize::from(self.gate.available_permits() > 5_000));
        Ok(read)
    }
}

fn access(id: SubjectId, blocked: bool, revision: i64) -> SubjectAccess {
    SubjectAccess {
        subject: id,
        kind: SubjectKind::User,
        organization_id: Some(OrganizationId::from_uuid(Uuid::from_u128(7))),
        organization_active: true,
        roles: Vec::new(),
        admin: false,
        blocked,
        grants: vec![("a.b.c".to_owned(), ScopeKind::Own)],
        session_limits: SessionLimits::default(),
        revision,
    }
}

fn cache(source: &Arc<Source>, freshness: Freshness) -> AccessCache {
    AccessCache::new(Arc::clone(source) as Arc<dyn AccessSource>, AccessCacheConfig::new(freshness))
}

fn closed(source: &Source) {
    let permits = u32::try_from(source.gate.available_permits()).expect("few");
    source.gate.try_acquire_many(permits).expect("all of them").forget();
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_asked_for_once_and_then_at_hand_until_its_life_ends() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    let cache = cache(&source, Freshness::InProcess);
    assert!(cache.peek(subject(1), None).is_none());
    for _ in 0..3 {
        assert!(cache.get(subject(1), None).await.is_ok());
    }
    assert_eq!(source.asked(), 1);
    tokio::time::advance(AccessCacheConfig::new(Freshness::InProcess).entry_lifetime).await;
    assert!(cache.get(subject(1), None).await.is_ok());
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_question() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    let cache = cache(&source, Freshness::InProcess);
    let all = futures::future::join_all((0..100).map(|_| cache.get(subject(1), None))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_others_go_on_when_the_caller_that_asked_first_gives_up() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    closed(&source);
    let cache = cache(&source, Freshness::InProcess);
    let mut first = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(first.as_mut()).is_pending());
    let mut second = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(second.as_mut()).is_pending());
    drop(first);
    source.gate.add_permits(1);
    assert!(second.await.is_ok());
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_waited_for_is_not_taken_up_later() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    closed(&source);
    let cache = cache(&source, Freshness::Stream);
    let mut first = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(first.as_mut()).is_pending());
    drop(first);
    source.set(subject(1), Some(true));
    tokio::time::advance(JOIN_WINDOW).await;
    source.gate.add_permits(9);
    assert!(cache.get(subject(1), None).await.expect("an answer").blocked);
}

#[tokio::test(start_paused = true)]
async fn attack_t20_an_answer_that_was_read_before_a_change_never_lands() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    closed(&source);
    let cache = cache(&source, Freshness::InProcess);
    let mut before = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(before.as_mut()).is_pending());
    let revision = source.set(subject(1), Some(true));
    cache.invalidate(subject(1), revision);
    source.gate.add_permits(9);
    assert!(before.await.expect("an answer").blocked, "the caller gets what holds now");
    assert!(cache.get(subject(1), None).await.expect("an answer").blocked);
}

#[tokio::test(start_paused = true)]
async fn an_absence_that_was_read_before_a_change_is_asked_for_again() {
    for all in [false, true] {
        let source = Source::new();
        closed(&source);
        let cache = cache(&source, Freshness::InProcess);
        let mut before = Box::pin(cache.get(subject(1), None));
        assert!(futures::poll!(before.as_mut()).is_pending());
        let revision = source.set(subject(1), Some(false));
        if all {
            cache.invalidate_all();
        } else {
            cache.invalidate(subject(1), revision);
        }
        source.gate.add_permits(9);
        assert!(before.await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_subject_is_refused_and_not_remembered() {
    let source = Source::new();
    let cache = cache(&source, Freshness::InProcess);
    assert!(matches!(cache.get(subject(1), None).await, Err(AccessRefusal::Unknown)));
    assert!(matches!(cache.get(subject(1), Some(5)).await, Err(AccessRefusal::Unknown)));
    source.set(subject(1), Some(false));
    assert!(cache.get(subject(1), None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_absence_on_a_stream_that_has_not_come_so_far_is_unconfirmed() {
    let source = Source::new();
    let cache = cache(&source, Freshness::Stream);
    cache.checkpoint(4);
    assert!(matches!(cache.get(subject(1), Some(5)).await, Err(AccessRefusal::Unconfirmed(None))));
    cache.checkpoint(5);
    assert!(matches!(cache.get(subject(1), Some(5)).await, Err(AccessRefusal::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn everything_can_be_forgotten_up_to_a_revision_or_altogether() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    source.set(subject(2), Some(false));
    let cache = cache(&source, Freshness::InProcess);
    assert!(cache.get(subject(1), None).await.is_ok() && cache.get(subject(2), None).await.is_ok());
    cache.invalidate_all_before(2);
    assert!(cache.peek(subject(1), None).is_some(), "it was read at revision 2");
    cache.invalidate_all_before(3);
    assert!(cache.peek(subject(1), None).is_none());
    source.set(subject(3), Some(false));
    assert!(cache.get(subject(1), None).await.is_ok());
    cache.invalidate_all();
    assert!(cache.peek(subject(1), None).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_stays_behind_a_known_change_is_not_believed() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    let cache = cache(&source, Freshness::InProcess);
    cache.invalidate(subject(1), 10);
    assert!(matches!(cache.get(subject(1), None).await, Err(AccessRefusal::Unconfirmed(None))));
    cache.invalidate_all_before(20);
    assert!(matches!(cache.get(subject(2), None).await, Err(AccessRefusal::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn a_demanded_revision_is_met_by_the_entry_the_checkpoint_or_the_source_or_refused() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    let cache = cache(&source, Freshness::Stream);
    cache.checkpoint(1);
    assert!(cache.get(subject(1), Some(1)).await.is_ok());
    assert_eq!(source.asked(), 1);
    source.set(subject(2), Some(false));
    assert_eq!(cache.get(subject(1), Some(2)).await.expect("an answer").revision, 2);
    assert_eq!(source.asked(), 2, "neither entry nor checkpoint were so far");
    cache.checkpoint(7);
    assert!(cache.get(subject(1), Some(7)).await.is_ok());
    assert_eq!(source.asked(), 2, "the checkpoint was");
    assert!(matches!(cache.get(subject(1), Some(8)).await, Err(AccessRefusal::Unconfirmed(None))));
    assert_eq!(source.asked(), 3, "the source is not asked over and over");
}

/// ASVS: T11
#[tokio::test(start_paused = true)]
async fn asvs_v16_5_3_a_stale_stream_makes_the_source_be_asked_on_each_call_and_fails_closed() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    let cache = cache(&source, Freshness::Stream);
    assert!(cache.is_stale(), "nothing was heard yet");
    assert!(cache.get(subject(1), None).await.is_ok() && cache.get(subject(1), None).await.is_ok());
    assert_eq!(source.asked(), 2);
    cache.checkpoint(1);
    source.fail(true);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(cache.get(subject(1), None).await.is_ok(), "the stream was heard 2 seconds ago");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(matches!(cache.get(subject(1), None).await, Err(AccessRefusal::Unconfirmed(Some(_)))));
    assert!(matches!(cache.get(subject(1), Some(1)).await, Err(AccessRefusal::Unconfirmed(Some(_)))));
    source.fail(false);
    source.set(subject(1), Some(true));
    assert!(cache.get(subject(1), None).await.expect("an answer").blocked);
    cache.checkpoint(2);
    assert!(cache.peek(subject(1), None).is_some_and(|access| access.blocked));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_in_time_is_given_up() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    closed(&source);
    let cache = cache(&source, Freshness::InProcess);
    assert!(matches!(cache.get(subject(1), None).await, Err(AccessRefusal::Unconfirmed(Some(_)))));
}

struct Mistaken;

#[async_trait::async_trait]
impl AccessSource for Mistaken {
    async fn subject_access(&self, _: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        Ok(Some(access(subject(2), false, 1)))
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_somebody_else_is_not_believed() {
    let cache = AccessCache::new(Arc::new(Mistaken), AccessCacheConfig::new(Freshness::InProcess));
    assert!(matches!(cache.get(subject(1), None).await, Err(AccessRefusal::Unconfirmed(Some(_)))));
    assert!(cache.peek(subject(2), None).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_cache_stays_within_its_capacity_and_keeps_the_floors_of_what_it_evicts() {
    let source = Source::new();
    let config = AccessCacheConfig { capacity: 64 * 8, ..AccessCacheConfig::new(Freshness::InProcess) };
    let cache = AccessCache::new(Arc::clone(&source) as Arc<dyn AccessSource>, config);
    source.set(subject(0), Some(false));
    assert!(cache.get(subject(0), None).await.is_ok());
    cache.invalidate(subject(0), 100);
    // Identifiers that meet in the shard of the first.
    for n in 1..100_u128 {
        source.set(subject(n << 8), Some(false));
        source.facts.lock().expect("facts").head += 100;
        assert!(cache.get(subject(n << 8), None).await.is_ok());
    }
    let shard = cache.shard(subject(0)).len();
    assert!(shard <= 8, "{shard} slots");
    source.facts.lock().expect("facts").head = 99;
    assert!(matches!(cache.get(subject(0), None).await, Err(AccessRefusal::Unconfirmed(None))), "older than its floor");
}

/// Begins questions about others in the shard of the first subject, until its slot is evicted.
fn crowd_out(cache: &AccessCache) -> Vec<impl Future<Output = Result<Arc<SubjectAccess>, AccessRefusal>>> {
    let mut waiting: Vec<_> = (1..10_u128).map(|n| Box::pin(cache.get(subject(n << 8), None))).collect();
    for others in &mut waiting {
        assert!(others.as_mut().now_or_never().is_none());
    }
    waiting
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_asked_for_again_even_if_its_slot_was_evicted_before_or_after_the_change() {
    for change_first in [false, true] {
        let source = Source::new();
        closed(&source);
        let config = AccessCacheConfig { capacity: 64 * 4, ..AccessCacheConfig::new(Freshness::InProcess) };
        let cache = AccessCache::new(Arc::clone(&source) as Arc<dyn AccessSource>, config);
        let mut before = Box::pin(cache.get(subject(0), None));
        assert!(futures::poll!(before.as_mut()).is_pending());
        let change = || cache.invalidate(subject(0), source.set(subject(0), Some(false)));
        if change_first {
            change();
        }
        let others = crowd_out(&cache);
        if !change_first {
            change();
        }
        source.gate.add_permits(100);
        assert!(before.await.is_ok(), "change first: {change_first}");
        drop(others);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_answers_that_cross_the_newer_one_stays() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    closed(&source);
    let cache = cache(&source, Freshness::InProcess);
    let mut first = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(first.as_mut()).is_pending());
    source.set(subject(2), Some(false));
    tokio::time::advance(JOIN_WINDOW).await;
    let mut second = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(second.as_mut()).is_pending());
    source.gate.add_permits(2);
    assert_eq!(second.await.expect("an answer").revision, 2);
    assert_eq!(first.await.expect("an answer").revision, 2);
    assert_eq!(cache.peek(subject(1), None).expect("an entry").revision, 2);
}
