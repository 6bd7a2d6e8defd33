//! `grpc.health.v1`: who may send calls here.
//!
//! | Name | Serving while |
//! |---|---|
//! | `liveness` | the process runs |
//! | each service | what it needs is there, and no drain has begun |
//! | "" | all services serve |

use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// The name that is serving as long as the process runs.
pub const LIVENESS: &str = "liveness";

/// How often the probes are asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a probe may think.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells whether what some services need is there, such as their database.
pub struct Probe {
    services: Vec<String>,
    ready: Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

impl Probe {
    /// Makes a probe of these services, named like `rolecall.identity.v1.UserService`.
    pub fn new<F>(
        services: impl IntoIterator<Item = impl Into<String>>,
        ready: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let services = services.into_iter().map(Into::into).collect();
        Self { services, ready: Box::new(move || Box::pin(ready())) }
    }

    async fn ask(&self) -> bool {
        tokio::time::timeout(PATIENCE, (self.ready)()).await.unwrap_or(false)
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("services", &self.services).finish_non_exhaustive()
    }
}

/// What the health service answers; nothing but [`LIVENESS`] serves until [`run`](Self::run) has asked.
#[derive(Debug)]
pub struct Health {
    reporter: HealthReporter,
    probes: Vec<Probe>,
}

impl Health {
    /// Makes the health of the services that the probes name.
    pub async fn new(probes: Vec<Probe>) -> Self {
        let health = Self { reporter: HealthReporter::new(), probes };
        health.reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
        health.stop().await;
        health
    }

    /// Returns the service to be added to the routes.
    pub fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Asks the probes until the shutdown, and then says that nothing serves any more.
    pub async fn run(self, shutdown: CancellationToken) {
        let asking = async {
            loop {
                self.ask().await;
                tokio::time::sleep(INTERVAL).await;
            }
        };
        let _: Option<()> = shutdown.run_until_cancelled(asking).await;
        self.stop().await;
    }

    async fn ask(&self) {
        let ready = join_all(self.probes.iter().map(Probe::ask)).await;
        for (probe, ready) in self.probes.iter().zip(&ready) {
            self.report(probe, *ready).await;
        }
        self.reporter.set_service_status("", status(ready.into_iter().all(|ready| ready))).await;
    }

    async fn stop(&self) {
        for probe in &self.probes {
            self.report(probe, false).await;
        }
        self.reporter.set_service_status("", ServingStatus::NotServing).await;
    }

    async fn report(&self, probe: &Probe, ready: bool) {
        for service in &probe.services {
            self.reporter.set_service_status(service, status(ready)).await;
        }
    }
}

const fn status(ready: bool) -> ServingStatus {
    if ready { ServingStatus::Serving } else { ServingStatus::NotServing }
}
