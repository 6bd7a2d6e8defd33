//! Signs how far the chains have come, so that a cut end is found by whoever keeps what was signed.

use std::time::Duration;

use rolecall_db::{Error, Tx};
use rolecall_kernel::audit::Checkpoint;
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

use crate::app::App;
use crate::domain::audit::{Head, SignedCheckpoint};
use crate::store::audit_chains;

/// A chain that grew is signed after this time.
const PERIOD: Duration = Duration::from_mins(1);
/// Or once it grew by so many entries.
const MANY: i64 = 1_000;
/// The most chains of one look.
const BATCH: u64 = 500;

/// Signs the ends of the chains whose time has come, and returns how many.
pub(crate) async fn run(app: &App) -> Result<usize, Error> {
    let due = app.now().minus(PERIOD);
    let chains = audit_chains::list_unsigned(&app.database.reader(), due, MANY, BATCH).await?;
    for chain in &chains {
        let signed = app.database.write(|tx| async move { sign_end(app, &tx, *chain).await }).await?;
        publish(&signed);
    }
    Ok(chains.len())
}

async fn sign_end(app: &App, tx: &Tx, chain: Uuid) -> Result<SignedCheckpoint, Error> {
    let now = app.now();
    let head = audit_chains::lock(tx, chain, now).await?;
    let signed = sign(app, chain, head, now);
    audit_chains::insert_checkpoint(tx, &signed).await?;
    Ok(signed)
}

/// Signs the end of a chain; nothing is stored.
pub(crate) fn sign(app: &App, chain: Uuid, head: Head, now: Timestamp) -> SignedCheckpoint {
    let checkpoint = Checkpoint { chain, sequence: head.sequence, hash: head.hash, signed: now };
    let signature = app.audit.signer.sign(&checkpoint).to_vec();
    SignedCheckpoint { checkpoint, public_key: app.audit.signer.public_key().to_vec(), signature }
}

/// Writes the checkpoint into the logs of the process: the second place, where no change of the database reaches.
fn publish(signed: &SignedCheckpoint) {
    let Checkpoint { chain, sequence, hash, signed: at } = &signed.checkpoint;
    tracing::info!(
        %chain,
        sequence,
        hash = %hex(hash),
        signed_at = at.as_micros(),
        public_key = %hex(&signed.public_key),
        signature = %hex(&signed.signature),
        "a checkpoint of the audit log was signed"
    );
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
