//! The order of a start and of an end.
//!
//! A start takes the port first: if that fails, nothing was made. It announces itself last, when all else is there.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use futures::future::join_all;
use rolecall_db::Database;
use rolecall_rpc::server::{Drained, Listener, Shutdown, bind};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::announce::banner;
use crate::compose::{Suite, Surroundings, compose};
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

    // Workers outlive the drain: calls that are finished during it still append events.
    let workers_end = CancellationToken::new();
    let suite = compose(&config, databases.clone(), &surroundings, &workers_end).await?;
    let drained = run(&config, suite, listener, &shutdown, &workers_end, &data_dir).await?;
    join_all(databases.into_iter().map(|(_, database)| database.close())).await;
    telemetry.shutdown().await;
    Ok(if drained.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(config: &Config, data_dir: &Path) -> Result<Vec<(Service, Database)>> {
    let mut databases = Vec::new();
    for service in &config.server.services {
        databases.push((*service, databases::open_current(config, *service, data_dir).await?));
    }
    Ok(databases)
}

async fn run(
    config: &Config,
    suite: Suite,
    listener: Listener,
    shutdown: &Shutdown,
    workers_end: &CancellationToken,
    data_dir: &Path,
) -> Result<Drained> {
    let Suite { stack, http, workers, contexts, slot } = suite;
    let setup = contexts.setup().await?;
    let tracker = TaskTracker::new();
    for worker in workers {
        tracing::debug!(worker = worker.name, "a worker begins");
        tracker.spawn(worker.run);
    }
    // Printed at once, so that whoever waits for the line sees it.
    command::print(&banner(config, listener.address(), data_dir, &setup));
    tracing::info!(address = %listener.address(), version = crate::VERSION, "serving");
    let drained = rolecall_rpc::server::serve(listener, stack, http, shutdown.clone(), settings::drain(config)).await;
    workers_end.cancel();
    tracker.close();
    tokio::select! {
        () = tracker.wait() => {}
        () = shutdown.abort.cancelled() => tracing::warn!("workers were cut off"),
        () = tokio::time::sleep(config.server.drain) => tracing::warn!("workers did not end in time"),
    }
    slot.release();
    tracing::info!("ended");
    Ok(drained)
}

/// Makes a new setup secret in the database of identity.
pub(crate) async fn renew_setup_secret(config: &Config) -> Result<String> {
    if !config.server.services.contains(&Service::Identity) {
        bail!("server.services does not name identity: run this with the configuration of the process that hosts it");
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
