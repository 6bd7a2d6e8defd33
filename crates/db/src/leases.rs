//! One worker among many replicas, for as long as it says so in time.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;

use crate::sql::{execute, integer, statement};
use crate::{Backend, Database, Error, Tx};

/// The right to do a named piece of work until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The work.
    pub name: String,
    /// Who does it.
    pub holder: Uuid,
    /// Grows with each change of holder.
    pub epoch: i64,
    /// When it ends, unless renewed.
    pub expires: Timestamp,
}

/// Takes the lease when it is free, expired, or the holder's own; `None` when another holds it.
pub async fn try_acquire(
    db: &Database,
    name: &str,
    holder: Uuid,
    ttl: Duration,
    now: Timestamp,
) -> Result<Option<Lease>, Error> {
    db.write(|tx| async move { hold(&tx, name, holder, ttl, now).await }).await
}

/// The same inside a transaction, which then ends alone: others wait for the lease's row.
pub async fn hold(tx: &Tx, name: &str, holder: Uuid, ttl: Duration, now: Timestamp) -> Result<Option<Lease>, Error> {
    let text = "INSERT INTO leases (name, holder, epoch, expires) VALUES ($1, $2, 1, $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires = excluded.expires,
            epoch = leases.epoch + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END
        WHERE leases.expires <= $4 OR leases.holder = excluded.holder
        RETURNING epoch";
    let expires = now.plus(ttl);
    let values = vec![name.into(), holder.into(), expires.as_micros().into(), now.as_micros().into()];
    let row = tx.query_one_raw(statement(tx, text, values)).await?;
    let epoch = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
    Ok(epoch.map(|epoch| Lease { name: name.to_owned(), holder, epoch, expires }))
}

/// Prolongs a lease; `false` when it was lost, and the work must stop.
pub async fn renew(db: &Database, lease: &mut Lease, ttl: Duration, now: Timestamp) -> Result<bool, Error> {
    let expires = now.plus(ttl);
    let text = "UPDATE leases SET expires = $4 WHERE name = $1 AND holder = $2 AND epoch = $3";
    let held = &*lease;
    let renewed = db
        .write(|tx| async move {
            let values =
                vec![held.name.as_str().into(), held.holder.into(), held.epoch.into(), expires.as_micros().into()];
            execute(&tx, text, values).await
        })
        .await?;
    if renewed == 1 {
        lease.expires = expires;
    }
    Ok(renewed == 1)
}

/// Gives a lease back, so that the next holder need not wait.
pub async fn release(db: &Database, lease: Lease) -> Result<(), Error> {
    let text = "UPDATE leases SET expires = 0 WHERE name = $1 AND holder = $2 AND epoch = $3";
    let lease = &lease;
    db.write(|tx| async move {
        let values = vec![lease.name.as_str().into(), lease.holder.into(), lease.epoch.into()];
        execute(&tx, text, values).await.map(drop)
    })
    .await
}

/// Checks, and keeps true until the transaction ends, that the lease was not taken by another.
///
/// A holder that slept past its lease learns here that it must not write.
pub async fn fence(tx: &Tx, lease: &Lease) -> Result<bool, Error> {
    let lock = match tx.backend() {
        Backend::Postgres => "FOR UPDATE",
        Backend::Sqlite => "",
    };
    let text = format!("SELECT epoch FROM leases WHERE name = $1 AND holder = $2 {lock}");
    let epoch = integer(tx, &text, vec![lease.name.as_str().into(), lease.holder.into()]).await?;
    Ok(epoch == lease.epoch)
}
