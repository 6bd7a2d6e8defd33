use argon2::{Algorithm, Argon2, AssociatedData, Version};
use rolecall_kernel::entropy::SystemEntropy;

use super::*;

async fn hashing(workers: usize, queue: usize) -> Hashing {
    let config = HashingConfig { workers, queue, ..HashingConfig::weak_for_tests() };
    Hashing::new(&config, Arc::new(SystemEntropy)).await.expect("usable parameters")
}

/// Runs beside the test, which waits for it.
#[expect(clippy::disallowed_methods, reason = "the test itself waits for what it begins")]
fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(work)
}

fn password(text: &str) -> Password {
    Password::parse(text).expect("a password")
}

#[test]
fn asvs_v11_4_2_argon2id_gives_the_tag_of_rfc_9106_section_5_3() {
    let data = AssociatedData::new(&[4; 12]).expect("short enough");
    let params = argon2::ParamsBuilder::new().m_cost(32).t_cost(3).p_cost(4).data(data).build().expect("valid");
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).expect("valid");
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).expect("hashed");
    let hex = tag.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(hex, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

#[tokio::test]
async fn a_password_matches_its_own_hash_and_no_other() {
    let hashing = hashing(1, 8).await;
    let stored = hashing.hash(password("correct horse"), None).await.expect("hashed");
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
    assert!(hashing.verify(password("correct horse"), Some(stored.clone()), None).await.expect("checked"));
    for wrong in ["Correct horse", "correct horse ", "correct hors", " "] {
        assert!(!hashing.verify(password(wrong), Some(stored.clone()), None).await.expect("checked"), "{wrong}");
    }
    let again = hashing.hash(password("correct horse"), None).await.expect("hashed");
    assert_ne!(stored, again, "each hash has a salt of its own");
}

#[tokio::test]
async fn without_an_account_no_password_is_right() {
    let hashing = hashing(1, 8).await;
    assert!(!hashing.verify(password("x"), None, None).await.expect("checked"));
    assert!(!hashing.verify(password("x"), Some("no hash".to_owned()), None).await.expect("checked"));
}

/// ASVS: V11.2.2
#[tokio::test]
async fn asvs_v11_4_2_a_hash_of_other_parameters_is_outdated() {
    let hashing = hashing(1, 8).await;
    let stored = hashing.hash(password("x"), None).await.expect("hashed");
    assert!(!hashing.is_outdated(&stored));
    assert!(hashing.is_outdated(&stored.replace("m=64", "m=128")));
    assert!(hashing.is_outdated("no hash"));
}

/// ASVS: T38, V15.1.3
#[tokio::test(flavor = "multi_thread")]
async fn asvs_v15_2_2_what_does_not_fit_the_queue_is_refused_at_once_with_a_time_to_retry() {
    let hashing = hashing(1, 2).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let busy = spawn({
        let hashing = hashing.clone();
        async move { hashing.run(None, move || held.recv()).await }
    });
    while hashing.inner.workers.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let hashing = hashing.clone();
            spawn(async move { hashing.hash(password("x"), None).await })
        })
        .collect();
    while hashing.inner.under_way.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    let refused = hashing.hash(password("x"), None).await;
    assert!(matches!(refused, Err(HashingError::Overloaded { retry_after }) if !retry_after.is_zero()));
    assert!(hashing.check_room(None).is_err(), "and whoever asks early");
    release.send(()).expect("the worker waits");
    for task in waiting {
        assert!(task.await.expect("ran").is_ok());
    }
    assert!(busy.await.expect("ran").is_ok());
    assert!(hashing.check_room(None).is_ok());
    assert_eq!(hashing.inner.under_way.load(Ordering::SeqCst), 0, "asking takes no place");
}

/// ASVS: T38
#[tokio::test]
async fn asvs_v15_2_2_what_cannot_be_done_by_the_deadline_is_refused_at_once() {
    let hashing = hashing(1, 64).await;
    hashing.inner.cost.store(1_000_000, Ordering::Relaxed);
    let soon = Instant::now() + Duration::from_millis(500);
    let refused = hashing.hash(password("x"), Some(soon)).await;
    assert!(matches!(refused, Err(HashingError::Overloaded { .. })));
    let later = Instant::now() + Duration::from_secs(10);
    assert!(hashing.hash(password("x"), Some(later)).await.is_ok());
}
