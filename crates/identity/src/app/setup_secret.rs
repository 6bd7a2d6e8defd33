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
    /// The first administrator exists; no secret is needed.
    Bootstrapped,
}

/// Makes the secret when there is none; the first replica's counts.
pub(crate) async fn issue(db: &Database, now: Timestamp, entropy: &dyn Entropy) -> Result<SetupSecret, Error> {
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
    let hash = &secret.digest();
    let renewed = db
        .write(|tx| async move {
            let first = instance::insert(&tx, hash, now).await?;
            Ok::<_, Error>(first || instance::renew_secret(&tx, hash).await?)
        })
        .await?;
    Ok(if renewed { SetupSecret::Fresh(secret) } else { SetupSecret::Bootstrapped })
}
