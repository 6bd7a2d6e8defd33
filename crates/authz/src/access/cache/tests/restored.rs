//! Facts that go back to an earlier state, as a restored backup does.

use super::*;

#[tokio::test(start_paused = true)]
async fn facts_that_were_restored_to_an_earlier_state_are_believed_once_the_stream_begins_anew() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    let cache = cache(&source, Freshness::Stream);
    cache.invalidate(subject(1), source.set(subject(1), Some(true)));
    cache.invalidate_all_before(90);
    cache.invalidate(subject(2), 100);
    cache.checkpoint(100);
    source.facts.lock().expect("facts").head = 50;
    assert!(matches!(cache.get(subject(1), None).await, Err(AccessRefusal::Unconfirmed(None))));
    cache.resync(50);
    assert_eq!(cache.revision(), Some(50));
    assert!(cache.get(subject(1), None).await.expect("an answer").blocked);
    assert!(matches!(cache.get(subject(2), None).await, Err(AccessRefusal::Unknown)));
    assert!(matches!(cache.get(subject(1), Some(51)).await, Err(AccessRefusal::Unconfirmed(None))), "not come so far");
    let revision = source.set(subject(1), Some(false));
    cache.invalidate(subject(1), revision);
    cache.checkpoint(revision);
    assert!(!cache.get(subject(1), Some(51)).await.expect("an answer").blocked);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_time_before_a_restore_never_lands() {
    let source = Source::new();
    source.set(subject(1), Some(false));
    source.facts.lock().expect("facts").head = 100;
    closed(&source);
    let cache = cache(&source, Freshness::InProcess);
    let mut before = Box::pin(cache.get(subject(1), None));
    assert!(futures::poll!(before.as_mut()).is_pending());
    source.facts.lock().expect("facts").head = 49;
    assert_eq!(source.set(subject(1), Some(true)), 50);
    cache.resync(50);
    source.gate.add_permits(9);
    assert!(before.await.expect("an answer").blocked);
    assert_eq!(cache.peek(subject(1), None).expect("an entry").revision, 50);
}
