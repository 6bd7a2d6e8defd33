//! The secret that opens a new installation.

use rolecall_db::{Database, Error};
use rolecall_kernel::entropy::{Entropy, OpaqueToken};
use rolecall_kernel::time::Timestamp;

use crate::domain::bootstrap::{PREFIX, Stage};
use crate::store::instance;

/// What a start finds out about the setup secret.
#[derive(Debug, Clone)]
pub enum SetupSecret {
    /// This start made it: print it, it is stored only as its hash.
    Fresh(OpaqueToken),
    /// An earlier start, or another replica, made it.
    AlreadyIssued,
    /// It is the one that the operator chose, so there is nothing to print.
    Chosen,
    /// The first administrator exists; no secret is needed.
    Bootstrapped,
}

/// Makes the secret when there is none; the first replica's counts. One that the operator chose counts always, also
/// after an earlier start has made another.
pub(crate) async fn issue(
    db: &Database,
    chosen: Option<&OpaqueToken>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<SetupSecret, Error> {
    if let Some(chosen) = chosen {
        return Ok(if put(db, chosen, now).await? { SetupSecret::Chosen } else { SetupSecret::Bootstrapped });
    }
    let secret = OpaqueToken::new(PREFIX, entropy);
    let hash = &secret.digest();
    if db.write(|tx| async move { instance::insert(&tx, hash, now).await }).await? {
        return Ok(SetupSecret::Fresh(secret));
    }
    let known = instance::find(&db.reader()).await?;
    let done = known.is_some_and(|known| known.stage == Stage::Done);
    Ok(if done { SetupSecret::Bootstrapped } else { SetupSecret::AlreadyIssued })
}

/// Replaces a secret that was lost; possible until the first administrator exists.
pub(crate) async fn renew(db: &Database, now: Timestamp, entropy: &dyn Entropy) -> Result<SetupSecret, Error> {
    let secret = OpaqueToken::new(PREFIX, entropy);
    Ok(if put(db, &secret, now).await? { SetupSecret::Fresh(secret) } else { SetupSecret::Bootstrapped })
}

/// Stores the secret, in place of another if need be; `false` when the first administrator exists.
async fn put(db: &Database, secret: &OpaqueToken, now: Timestamp) -> Result<bool, Error> {
    let hash = &secret.digest();
    db.write(|tx| async move {
        let first = instance::insert(&tx, hash, now).await?;
        Ok(first || instance::renew_secret(&tx, hash).await?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_testkit::on_each_database;

    use super::*;
    use crate::Identity;

    const CHOSEN: &str = "correct horse battery staple, twice";
    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    async fn start(db: &Database, chosen: Option<&str>) -> SetupSecret {
        let chosen = chosen.map(|text| OpaqueToken::chosen(text).expect("long enough"));
        issue(db, chosen.as_ref(), NOW, &SystemEntropy).await.expect("it is stored")
    }

    async fn is_known(db: &Database, secret: &OpaqueToken) -> bool {
        let known = instance::find(&db.reader()).await.expect("it is read").expect("a row");
        known.admit(Some(&secret.digest()), &[0; 32]).is_ok()
    }

    on_each_database! {
        async fn a_chosen_secret_counts_from_the_first_start(database) {
            let db = database.open(Identity::NAME, Identity::constraints(), Identity::migrations()).await;
            assert!(matches!(start(&db, Some(CHOSEN)).await, SetupSecret::Chosen));
            assert!(matches!(start(&db, Some(CHOSEN)).await, SetupSecret::Chosen), "another replica, or a restart");
            assert!(matches!(start(&db, None).await, SetupSecret::AlreadyIssued), "a replica that was told nothing");
            assert!(is_known(&db, &OpaqueToken::chosen(CHOSEN).expect("long enough")).await);
        }

        async fn a_chosen_secret_takes_the_place_of_one_that_an_earlier_start_made(database) {
            let db = database.open(Identity::NAME, Identity::constraints(), Identity::migrations()).await;
            let SetupSecret::Fresh(made) = start(&db, None).await else { panic!("a fresh secret") };
            assert!(is_known(&db, &made).await);
            assert!(matches!(start(&db, Some(CHOSEN)).await, SetupSecret::Chosen));
            assert!(!is_known(&db, &made).await);
        }
    }
}
