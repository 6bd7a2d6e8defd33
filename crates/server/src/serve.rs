//! The order of a start and of an end.
//!
//! A start takes the port first: if that fails, nothing was made. It announces itself last, when all else is there.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use futures::FutureExt as _;
use futures::future::join_all;
use rolecall_db::Database;
use rolecall_rpc::server::{Listener, Shutdown, bind};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::announce::banner;
use crate::compose::{Ends, Suite, Surroundings, Worker, compose};
use crate::config::Service;
use crate::config::schema::Config;
use crate::{command, data_dir, databases, settings};

/// Serves until a signal ends it.
pub(crate) async fn serve(config: Config) -> Result<ExitCode> {
    // The provider is named, so that a dependency that brings another one cannot make TLS fail later.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let telemetry = rolecall_telemetry::init(&settings::telemetry(&config))?;
    let shutdown = Shutdown::on_signals().context("signals cannot be received")?;
    let listener = bind(&settings::listener(&config)).await?;
    let data_dir = data_dir::prepare(&config)?;
    let surroundings = Surroundings::of_machine(data_dir::master_key(&config, &data_dir)?);
    let databases = open(&config, &data_dir).await?;
    arm_fault(&config);

    let ends = Ends { drain: shutdown.drain.clone(), workers: CancellationToken::new() };
    let suite = compose(&config, databases.clone(), &surroundings, &ends).await?;
    let is_clean = run(&config, suite, listener, &shutdown, &ends, &data_dir).await?;
    join_all(databases.into_iter().map(|(_, database)| database.close())).await;
    telemetry.shutdown().await;
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(config: &Config, data_dir: &Path) -> Result<Vec<(Service, Database)>> {
    let mut databases = Vec::new();
    for service in &config.server.services {
        databases.push((*service, databases::open_current(config, *service, data_dir).await?));
    }
    Ok(databases)
}

/// Serves until the end, and tells whether everything came to its end as it should.
async fn run(
    config: &Config,
    suite: Suite,
    listener: Listener,
    shutdown: &Shutdown,
    ends: &Ends,
    data_dir: &Path,
) -> Result<bool> {
    let Suite { stack, http, workers, contexts, slot } = suite;
    let setup = contexts.setup().await?;
    let (tracker, broken) = (TaskTracker::new(), CancellationToken::new());
    for worker in workers {
        tracker.spawn(supervise(worker, shutdown.drain.clone(), broken.clone()));
    }
    // Printed at once, so that whoever waits for the line sees it.
    command::print(&banner(config, listener.address(), data_dir, &setup));
    tracing::info!(address = %listener.address(), version = crate::VERSION, "serving");
    let drained = rolecall_rpc::server::serve(listener, stack, http, shutdown.clone(), settings::drain(config)).await;
    ends.workers.cancel();
    tracker.close();
    let calm = tokio::select! {
        () = tracker.wait() => true,
        () = shutdown.abort.cancelled() => false,
        () = tokio::time::sleep(config.server.drain) => false,
    };
    slot.release();
    tracing::info!(workers = tracker.len(), "ended");
    Ok(calm && drained.is_complete() && !broken.is_cancelled())
}

/// Runs a worker. One that ends by itself would leave mails unsent or views stale for ever: the server ends, to be
/// started again by whatever looks after it.
async fn supervise(worker: Worker, drain: CancellationToken, broken: CancellationToken) {
    let Worker { name, run } = worker;
    // The hook of the process has printed the panic.
    let _ = AssertUnwindSafe(run).catch_unwind().await;
    if !drain.is_cancelled() {
        tracing::error!(worker = name, "a worker ended by itself; the server ends");
        broken.cancel();
        drain.cancel();
    }
}

/// Makes a new setup secret in the database of identity.
pub(crate) async fn renew_setup_secret(config: &Config) -> Result<String> {
    if !config.server.services.contains(&Service::Identity) {
        bail!("server.services does not name identity: run this with the configuration of the process that hosts it");
    }
    if config.identity.setup_secret.value.is_some() {
        bail!("identity.setup_secret names the setup secret: write another one there and start the server again");
    }
    let data_dir = data_dir::prepare(config)?;
    let surroundings = Surroundings::of_machine(data_dir::master_key(config, &data_dir)?);
    let database = databases::open_current(config, Service::Identity, &data_dir).await?;
    let secret = crate::compose::renew_setup_secret(&database, &surroundings).await;
    database.close().await;
    secret
}

/// For tests: names the point at which the process ends as if it were killed.
fn arm_fault(config: &Config) {
    if let (true, Some(point)) = (config.testing.enabled, &config.testing.abort_at) {
        tracing::warn!(point, "the process will end at this point, as the testing section asks");
        rolecall_db::fault::arm(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn supervised(drained: bool, run: impl Future<Output = ()> + Send + 'static) -> (bool, bool) {
        let (drain, broken) = (CancellationToken::new(), CancellationToken::new());
        if drained {
            drain.cancel();
        }
        supervise(Worker { name: "test", run: Box::pin(run) }, drain.clone(), broken.clone()).await;
        (drain.is_cancelled(), broken.is_cancelled())
    }

    #[tokio::test]
    async fn a_worker_that_ends_by_itself_ends_the_server() {
        assert_eq!(supervised(false, async {}).await, (true, true));
        assert_eq!(supervised(false, async { panic!("a defect") }).await, (true, true));
    }

    #[tokio::test]
    async fn a_worker_that_ends_with_the_server_is_no_reason_to_fail() {
        assert_eq!(supervised(true, async {}).await, (true, false));
    }
}
