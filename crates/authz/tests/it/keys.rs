//! Which keys are trusted, and where they come from.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rolecall_authz::{AccessError, KeyError, KeySet, KeySource, PublicKey, SubjectKind, TokenError, TokenSigner};
use rolecall_kernel::time::Clock as _;

use crate::support::{SEED, claims, verifier};
use crate::tokens::{Setup, setup};

#[test]
fn keys_of_small_order_or_of_another_form_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::new("x", identity), Err(KeyError::Weak));
    assert_eq!(PublicKey::new("x", [0; 32]), Err(KeyError::Weak));
    assert_eq!(PublicKey::from_jwk("x", "AAAA"), Err(KeyError::Encoding));
    assert_eq!(PublicKey::from_jwk("x", "?"), Err(KeyError::Encoding));
    let key = TokenSigner::from_seed("first", &SEED).public_key().clone();
    assert_eq!(PublicKey::from_jwk("first", &key.x()), Ok(key));
}

#[derive(Default)]
struct Published {
    keys: std::sync::Mutex<HashMap<String, PublicKey>>,
    asked: AtomicUsize,
    fails: AtomicBool,
}

#[async_trait::async_trait]
impl KeySource for Published {
    async fn signing_keys(&self) -> Result<Vec<PublicKey>, AccessError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(AccessError::unavailable("out of reach"));
        }
        Ok(self.keys.lock().expect("keys").values().cloned().collect())
    }
}

#[tokio::test(start_paused = true)]
async fn asvs_v9_1_3_an_unknown_key_is_asked_for_but_not_over_and_over() {
    let Setup { clock, signer, services, .. } = setup();
    let published = Arc::new(Published::default());
    let keys = Arc::new(KeySet::from_source(Arc::clone(&published) as Arc<dyn KeySource>));
    let verifier = verifier(&clock, &keys, &services);
    let claims = claims(1, SubjectKind::User, clock.now());
    let token = signer.sign_access(&claims);
    published.keys.lock().expect("keys").insert("first".to_owned(), signer.public_key().clone());
    let all = futures::future::join_all((0..20).map(|_| verifier.verify_or_refresh(&token))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(published.asked.load(Ordering::SeqCst), 1);

    let stranger = TokenSigner::from_seed("second", &[8; 32]).sign_access(&claims);
    assert!(matches!(verifier.verify_or_refresh(&stranger).await, Err(TokenError::UnknownKey)));
    assert_eq!(published.asked.load(Ordering::SeqCst), 1, "the answer of a moment ago is the whole truth");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(verifier.verify_or_refresh(&stranger).await, Err(TokenError::UnknownKey)));
    tokio::time::advance(Duration::from_secs(1)).await;
    published.fails.store(true, Ordering::SeqCst);
    assert!(matches!(verifier.verify_or_refresh(&stranger).await, Err(TokenError::Unconfirmed(Some(_)))));
    assert!(matches!(verifier.verify_or_refresh(&stranger).await, Err(TokenError::Unconfirmed(None))), "too soon");
    assert_eq!(published.asked.load(Ordering::SeqCst), 3);
    assert!(verifier.verify_or_refresh(&token).await.is_ok(), "known keys need nobody");
}

#[tokio::test(start_paused = true)]
async fn a_retired_key_is_not_trusted_again_whatever_the_source_says() {
    let Setup { clock, signer, services, .. } = setup();
    let published = Arc::new(Published::default());
    published.keys.lock().expect("keys").insert("first".to_owned(), signer.public_key().clone());
    let keys = Arc::new(KeySet::from_source(Arc::clone(&published) as Arc<dyn KeySource>));
    let verifier = verifier(&clock, &keys, &services);
    let token = signer.sign_access(&claims(1, SubjectKind::User, clock.now()));
    assert!(verifier.verify_or_refresh(&token).await.is_ok());
    keys.retire("first");
    assert!(matches!(verifier.verify(&token), Err(TokenError::UnknownKey)), "also when it is remembered");
    let second = TokenSigner::from_seed("second", &[8; 32]);
    published.keys.lock().expect("keys").insert("second".to_owned(), second.public_key().clone());
    let fresh = second.sign_access(&claims(1, SubjectKind::User, clock.now()));
    assert!(verifier.verify_or_refresh(&fresh).await.is_ok(), "what takes its place is asked for at once");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(verifier.verify_or_refresh(&token).await, Err(TokenError::UnknownKey)));
    keys.replace([signer.public_key().clone()]);
    assert!(matches!(verifier.verify(&token), Err(TokenError::UnknownKey)));
    assert!(keys.keys().is_empty(), "replaced by nothing but the retired one");
}
