//! What happens without anybody asking, and how often.

use std::sync::Arc;
use std::time::Duration;

use rolecall_authz::Refusals;
use rolecall_db::Error as StoreError;
use tokio_util::sync::CancellationToken;

use crate::app::delete_user::purge;
use crate::app::fault::Fault;
use crate::app::signing_keys::SigningKeyError;
use crate::app::{
    Resources, accept_invitation, end_organization, last_used, rotate_signing_keys, saga, sso, watch_revocations,
    write_refusals,
};
use crate::domain::mail_budget::MailBudget;
use crate::domain::revocation::Position;
use crate::store::{
    access_tokens, api_keys, challenges, codes, devices, factors, guests, login_codes, login_failures, mail_budgets,
    registrations, sessions, signing_keys, sso_logins, used_assertions,
};

/// How often unfinished work is looked for.
const RECOVERY: Duration = Duration::from_millis(500);
/// How often what has served its time is deleted.
const SWEEP: Duration = Duration::from_mins(10);
/// How often signing keys of other processes are looked for: a small part of the time for which they are published
/// before they sign.
const KEYS: Duration = Duration::from_secs(2);
/// How often the age of the newest signing key is looked at.
const ROTATION: Duration = Duration::from_mins(1);
/// How often it is written when keys and tokens were last used.
const LAST_USED: Duration = Duration::from_mins(1);
/// How often it is written which calls were refused: what was counted since is lost when the process dies.
const REFUSALS: Duration = Duration::from_mins(1);
/// How often proofs of domains are looked for that are due.
const DOMAINS: Duration = Duration::from_hours(1);
/// How often revocations of other processes are looked for.
const POLL: Duration = Duration::from_millis(100);
/// How long ended sessions, old failures and ended keys are kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Finishes or undoes work whose worker is gone, until the shutdown.
pub(crate) async fn recover(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(RECOVERY)).await.is_some() {
        recover_once(&resources).await;
    }
}

/// Looks once for unfinished work and returns how much was settled.
pub(crate) async fn recover_once(resources: &Resources) -> usize {
    let mut settled = 0;
    let ended = end_organization::work_off(resources).await.map_err(Fault::from);
    for result in [saga::recover(resources).await, accept_invitation::recover(resources).await, ended] {
        match result {
            Ok(some) => settled += some,
            Err(error) => tracing::warn!(%error, "unfinished work could not be looked for"),
        }
    }
    settled
}

/// Obeys revocations of other processes, until the shutdown.
pub(crate) async fn follow_revocations(resources: Arc<Resources>, shutdown: CancellationToken) {
    let mut changes = resources.db.feed_changes();
    let mut position = None;
    while !shutdown.is_cancelled() {
        match follow_once(&resources, position).await {
            Ok(reached) => position = Some(reached),
            // Without a heartbeat this process refuses what it cannot confirm.
            Err(error) => tracing::warn!(%error, "revocations could not be read"),
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = changes.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn follow_once(resources: &Resources, position: Option<Position>) -> Result<Position, StoreError> {
    let position = match position {
        Some(position) => position,
        None => watch_revocations::beginning(resources).await?,
    };
    watch_revocations::obey(resources, position).await
}

/// Takes up signing keys that other replicas made, until the shutdown; one that was stolen is told in the feed too.
pub(crate) async fn follow_keys(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(KEYS)).await.is_some() {
        if let Err(error) = refresh_keys_once(&resources).await {
            tracing::warn!(%error, "the signing keys could not be read");
        }
    }
}

/// Reads the signing keys once.
pub(crate) async fn refresh_keys_once(resources: &Resources) -> Result<(), SigningKeyError> {
    resources.signer.refresh(&resources.db, resources.now()).await
}

/// Makes a new signing key when the newest is old, until the shutdown.
pub(crate) async fn rotate_keys(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(ROTATION)).await.is_some() {
        rotate_keys_once(&resources).await;
    }
}

/// Makes a new signing key if the newest is old, and tells whether it did.
pub(crate) async fn rotate_keys_once(resources: &Resources) -> bool {
    match rotate_signing_keys::run_if_due(resources).await {
        Ok(rotated) => rotated,
        Err(error) => {
            tracing::warn!(%error, "a signing key that is due for replacement could not be replaced");
            false
        }
    }
}

/// Writes when keys and personal access tokens were last used, until the shutdown and once more then.
pub(crate) async fn write_last_used(resources: Arc<Resources>, shutdown: CancellationToken) {
    loop {
        let is_over = shutdown.run_until_cancelled(tokio::time::sleep(LAST_USED)).await.is_none();
        if let Err(error) = write_last_used_once(&resources).await {
            tracing::warn!(%error, "when keys were last used could not be written");
        }
        if is_over {
            return;
        }
    }
}

/// Writes once what was noted, and returns how much.
pub(crate) async fn write_last_used_once(resources: &Resources) -> Result<usize, StoreError> {
    last_used::flush(resources).await
}

/// Writes down which calls were refused, until the shutdown and once more then.
pub(crate) async fn write_refusals(resources: Arc<Resources>, refusals: Refusals, shutdown: CancellationToken) {
    loop {
        let is_over = shutdown.run_until_cancelled(tokio::time::sleep(REFUSALS)).await.is_none();
        if let Err(error) = write_refusals::run(&resources, &refusals).await {
            tracing::warn!(%error, "refused calls could not be written down");
        }
        if is_over {
            return;
        }
    }
}

/// Looks at the proofs of domains again, until the shutdown.
pub(crate) async fn recheck_domains(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(DOMAINS)).await.is_some() {
        recheck_domains_once(&resources).await;
    }
}

/// Looks once at the proofs that are due, and returns how many domains lost theirs.
pub(crate) async fn recheck_domains_once(resources: &Resources) -> usize {
    match sso::domains::recheck(resources).await {
        Ok(lost) => lost,
        Err(error) => {
            tracing::warn!(%error, "the proofs of domains could not be looked at again");
            0
        }
    }
}

/// Deletes what has served its time, until the shutdown.
pub(crate) async fn sweep(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
        if let Err(error) = sweep_once(&resources).await {
            tracing::warn!(%error, "old rows could not be deleted");
        }
    }
}

/// Deletes once and returns how many rows that were.
pub(crate) async fn sweep_once(resources: &Resources) -> Result<u64, StoreError> {
    let purged = resources.now().minus(resources.config.deleted_retention);
    let (before, forgotten) = (resources.now().minus(KEPT), resources.now().minus(MailBudget::MEMORY));
    resources
        .db
        .write(|tx| async move {
            let mut deleted = sessions::sweep(&tx, before).await?;
            deleted += guests::sweep(&tx, before).await?;
            deleted += login_failures::sweep(&tx, before).await?;
            deleted += codes::sweep(&tx, before).await?;
            deleted += mail_budgets::sweep(&tx, forgotten).await?;
            deleted += registrations::sweep(&tx, resources.now()).await?;
            deleted += api_keys::sweep(&tx, before).await?;
            deleted += used_assertions::sweep(&tx, resources.now()).await?;
            deleted += access_tokens::sweep(&tx, before).await?;
            deleted += signing_keys::sweep(&tx, resources.now()).await?;
            deleted += purge::run(resources, &tx, purged).await?;
            deleted += challenges::sweep(&tx, resources.now()).await?;
            deleted += sso_logins::sweep(&tx, resources.now()).await?;
            deleted += devices::sweep(&tx, resources.now()).await?;
            deleted += login_codes::sweep(&tx, resources.now()).await?;
            deleted += factors::sweep(&tx, resources.now()).await?;
            Ok(deleted)
        })
        .await
}
