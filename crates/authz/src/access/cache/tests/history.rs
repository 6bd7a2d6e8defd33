//! Random histories: callers, answers and changes in every order.

use proptest::prelude::*;

use super::*;

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// A caller comes; its answer is read from the facts at once and is on its way.
    Begin(u128),
    /// The oldest waiting caller goes on until it waits again.
    Poll(usize),
    /// One answer arrives.
    Let,
    /// A subject changes, and the process that changed it says so.
    Change(u128, Option<bool>),
    /// Many subjects change at once.
    ChangeAll,
    /// The facts go back to an earlier revision, and the stream begins anew.
    Restore,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_u128).prop_map(Step::Begin),
        3 => (0..8_usize).prop_map(Step::Poll),
        3 => Just(Step::Let),
        2 => (0..4_u128, prop::option::weighted(0.8, any::<bool>())).prop_map(|(id, blocked)| Step::Change(id, blocked)),
        1 => Just(Step::ChangeAll),
        1 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 1..100)
}

/// What a caller was told must have been true at some time between its coming and the answer.
#[derive(Clone)]
struct Told {
    id: SubjectId,
    since: usize,
}

/// Every state of the facts, one after each step.
type History = Vec<HashMap<SubjectId, bool>>;

fn state(source: &Source) -> HashMap<SubjectId, bool> {
    let facts = source.facts.lock().expect("facts");
    facts.subjects.iter().map(|(id, (_, blocked))| (*id, *blocked)).collect()
}

fn was_true(history: &History, told: &Told, answer: &Result<Arc<SubjectAccess>, AccessRefusal>) -> bool {
    let answer = match answer {
        Ok(access) => Some(access.blocked),
        Err(AccessRefusal::Unknown) => None,
        // Refusing is always safe.
        Err(AccessRefusal::Unconfirmed(_)) => return true,
    };
    history[told.since..].iter().any(|state| state.get(&told.id).copied() == answer)
}

async fn run(steps: Vec<Step>, slots: usize) -> Result<(), TestCaseError> {
    let source = Source::new();
    closed(&source);
    let config = AccessCacheConfig { capacity: 64 * slots, ..AccessCacheConfig::new(Freshness::InProcess) };
    let cache = AccessCache::new(Arc::clone(&source) as Arc<dyn AccessSource>, config);
    let mut history = vec![state(&source)];
    let mut waiting = Vec::new();
    for step in steps {
        match step {
            Step::Begin(id) => {
                // All in one shard, so that slots are evicted as well.
                let (id, cache) = (subject(id << 8), cache.clone());
                let told = Told { id, since: history.len() - 1 };
                waiting.push((told, Box::pin(async move { cache.get(id, None).await })));
            }
            Step::Poll(index) if !waiting.is_empty() => {
                let index = index % waiting.len();
                if let std::task::Poll::Ready(answer) = futures::poll!(waiting[index].1.as_mut()) {
                    let (told, _) = waiting.swap_remove(index);
                    prop_assert!(was_true(&history, &told, &answer), "{answer:?}");
                }
            }
            Step::Poll(_) => {}
            Step::Let => source.gate.add_permits(1),
            Step::Change(id, blocked) => {
                let revision = source.set(subject(id << 8), blocked);
                cache.invalidate(subject(id << 8), revision);
            }
            Step::ChangeAll => {
                let facts = &mut *source.facts.lock().expect("facts");
                facts.head += 1;
                facts.subjects.values_mut().for_each(|(_, blocked)| *blocked = !*blocked);
                cache.invalidate_all_before(facts.head);
            }
            Step::Restore => {
                let facts = &mut *source.facts.lock().expect("facts");
                facts.head /= 2;
                facts.subjects.values_mut().for_each(|(_, blocked)| *blocked = !*blocked);
                cache.resync(facts.head);
            }
        }
        history.push(state(&source));
    }
    source.gate.add_permits(1_000);
    for (told, waiting) in waiting {
        let answer = waiting.await;
        prop_assert!(was_true(&history, &told, &answer), "{answer:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// ASVS: V8.3.2
    #[test]
    fn attack_t20_no_interleaving_of_changes_and_answers_tells_a_caller_what_was_over_before_it_came(
        steps in steps(),
        slots in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(run(steps, slots))?;
    }
}
