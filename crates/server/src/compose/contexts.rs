//! The contexts that this process hosts.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use rolecall_access::Access;
use rolecall_authz::Refusals;
use rolecall_db::{Database, sweep};
use rolecall_governance::Governance;
use rolecall_identity::{Identity, SetupSecret};
use rolecall_kernel::time::SystemClock;
use rolecall_notification::Notification;
use rolecall_organization::Organization;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::channels::Channels;
use super::guard::Guard;
use super::{Surroundings, Worker};
use crate::announce::Setup;
use crate::config::Service;
use crate::config::schema::Config;
use crate::settings;

/// What each context is made from.
pub(super) struct Materials<'a> {
    pub(super) config: &'a Config,
    pub(super) surroundings: &'a Surroundings,
    pub(super) channels: &'a Channels,
    pub(super) guard: &'a Guard,
}

/// The hosted contexts; those that other processes host are absent.
#[derive(Default)]
pub(crate) struct Contexts {
    identity: Option<Identity>,
    organization: Option<Organization>,
    /// The part of organization about data: wherever that is hosted.
    governance: Option<Governance>,
    /// The part of organization that decides: wherever that is hosted.
    access: Option<Access>,
    notification: Option<Notification>,
    /// What the contexts keep their state in.
    databases: Vec<Database>,
}

impl Contexts {
    /// Makes the context of each database.
    pub(super) async fn new(materials: &Materials<'_>, databases: Vec<(Service, Database)>) -> Result<Self> {
        let mut contexts = Self::default();
        for (service, database) in databases {
            contexts.databases.push(database.clone());
            match service {
                Service::Identity => contexts.identity = Some(identity(materials, database).await?),
                Service::Organization => {
                    let governance = governance(materials, database.clone());
                    contexts.access = Some(access(materials, database.clone()));
                    let organization = organization(materials, database)?;
                    organization.listen(governance.listener());
                    contexts.governance = Some(governance);
                    contexts.organization = Some(organization);
                }
                Service::Notification => contexts.notification = Some(notification(materials, database)?),
            }
        }
        Ok(contexts)
    }

    /// Adds the services of the contexts.
    pub(super) fn register(&self, routes: Routes) -> Routes {
        let routes = self.identity.iter().fold(routes, |routes, context| context.register(routes));
        let routes = self.organization.iter().fold(routes, |routes, context| context.register(routes));
        let routes = self.governance.iter().fold(routes, |routes, context| context.register(routes));
        let routes = self.access.iter().fold(routes, |routes, context| context.register(routes));
        self.notification.iter().fold(routes, |routes, context| context.register(routes))
    }

    /// Returns the HTTP side of the contexts.
    pub(super) fn http_routes(&self) -> Router {
        let routes = self.identity.iter().fold(Router::new(), |routes, context| routes.merge(context.http_routes()));
        self.notification.iter().fold(routes, |routes, context| routes.merge(context.http_routes()))
    }

    /// Returns the work of the contexts beside their services.
    pub(super) fn workers(&self, shutdown: &CancellationToken) -> Vec<Worker> {
        let identity = self.identity.iter().flat_map(|context| context.workers(shutdown));
        let organization = self.organization.iter().flat_map(|context| context.workers(shutdown));
        let access = self.access.iter().flat_map(|context| context.workers(shutdown));
        let governance = self.governance.iter().flat_map(|context| context.workers(shutdown));
        let notification = self.notification.iter().flat_map(|context| context.workers(shutdown));
        let identity = identity.map(|worker| Worker { name: worker.name, run: worker.run });
        let governance = governance.map(|worker| Worker { name: worker.name, run: worker.run });
        let organization = organization.map(|worker| Worker { name: worker.name, run: worker.run });
        let access = access.map(|worker| Worker { name: worker.name, run: worker.run });
        let notification = notification.map(|worker| Worker { name: worker.name, run: worker.run });
        let hosted = identity.chain(organization).chain(governance).chain(access).chain(notification);
        hosted.chain(self.sweeps(shutdown)).collect()
    }

    /// Returns the work that writes down which calls were refused: each context tells of its own methods.
    pub(super) fn refusal_workers(&self, refusals: &Refusals, shutdown: &CancellationToken) -> Vec<Worker> {
        let identity = self.identity.iter().map(|context| context.refusal_worker(refusals.clone(), shutdown));
        let organization = self.organization.iter().map(|context| context.refusal_worker(refusals.clone(), shutdown));
        let notification = self.notification.iter().map(|context| context.refusal_worker(refusals.clone(), shutdown));
        let identity = identity.map(|worker| Worker { name: worker.name, run: worker.run });
        let organization = organization.map(|worker| Worker { name: worker.name, run: worker.run });
        let notification = notification.map(|worker| Worker { name: worker.name, run: worker.run });
        identity.chain(organization).chain(notification).collect()
    }

    /// Returns the work that keeps the tables of the platform small.
    fn sweeps(&self, shutdown: &CancellationToken) -> impl Iterator<Item = Worker> {
        self.databases.iter().map(|database| {
            let run = sweep::work(database.clone(), Arc::new(SystemClock), shutdown.clone());
            Worker { name: "retention", run: Box::pin(run) }
        })
    }

    /// Makes the setup secret of a new installation; there is nothing to say where identity is not hosted.
    pub(crate) async fn setup(&self) -> Result<Setup> {
        let Some(identity) = &self.identity else { return Ok(Setup::Done) };
        Ok(match identity.setup_secret().await.context("the setup secret cannot be made")? {
            SetupSecret::Fresh(secret) => Setup::Secret(secret.expose().to_owned()),
            SetupSecret::Chosen => Setup::Chosen,
            SetupSecret::AlreadyIssued => Setup::Waiting,
            SetupSecret::Bootstrapped => Setup::Done,
        })
    }
}

async fn identity(materials: &Materials<'_>, database: Database) -> Result<Identity> {
    let (from, channels) = (Service::Identity, materials.channels);
    let peers = rolecall_identity::Peers {
        organization: channels.between(from, Service::Organization),
        notification: channels.between(from, Service::Notification),
    };
    let dependencies = rolecall_identity::Dependencies {
        database,
        clock: Arc::clone(&materials.surroundings.clock),
        entropy: Arc::clone(&materials.surroundings.entropy),
        master_key: materials.surroundings.master_key.clone(),
        peers,
        keys: Arc::clone(&materials.guard.keys),
        revocations: materials.guard.revocations.clone(),
        relay: settings::relay(materials.config),
    };
    Ok(Identity::new(dependencies, settings::identity(materials.config)).await?)
}

fn organization(materials: &Materials<'_>, database: Database) -> Result<Organization> {
    let (from, channels) = (Service::Organization, materials.channels);
    let peers = rolecall_organization::Peers {
        identity: channels.between(from, Service::Identity),
        organization: channels.between(from, Service::Organization),
        notification: channels.between(from, Service::Notification),
    };
    let dependencies = rolecall_organization::Dependencies {
        database,
        clock: Arc::clone(&materials.surroundings.clock),
        entropy: Arc::clone(&materials.surroundings.entropy),
        master_key: materials.surroundings.master_key.clone(),
        access: materials.guard.access.clone(),
        peers,
    };
    Ok(Organization::new(dependencies, settings::organization(materials.config))?)
}

fn governance(materials: &Materials<'_>, database: Database) -> Governance {
    Governance::new(rolecall_governance::Dependencies {
        database,
        clock: Arc::clone(&materials.surroundings.clock),
        entropy: Arc::clone(&materials.surroundings.entropy),
        master_key: materials.surroundings.master_key.clone(),
        access: materials.guard.access.clone(),
        identity: materials.channels.between(Service::Organization, Service::Identity),
    })
}

fn access(materials: &Materials<'_>, database: Database) -> Access {
    let dependencies = rolecall_access::Dependencies {
        database,
        clock: Arc::clone(&materials.surroundings.clock),
        entropy: Arc::clone(&materials.surroundings.entropy),
        master_key: materials.surroundings.master_key.clone(),
        access: materials.guard.access.clone(),
    };
    Access::new(dependencies, &settings::access(materials.config))
}

fn notification(materials: &Materials<'_>, database: Database) -> Result<Notification> {
    let (from, channels) = (Service::Notification, materials.channels);
    let peers = rolecall_notification::Peers {
        identity: channels.between(from, Service::Identity),
        organization: channels.between(from, Service::Organization),
    };
    let dependencies = rolecall_notification::Dependencies {
        database,
        clock: Arc::clone(&materials.surroundings.clock),
        entropy: Arc::clone(&materials.surroundings.entropy),
        master_key: materials.surroundings.master_key.clone(),
        peers,
        relay: settings::relay(materials.config),
    };
    Ok(Notification::new(dependencies, settings::notification(materials.config))?)
}

/// Replaces the setup secret in the database of identity.
pub(crate) async fn renew_setup_secret(database: &Database, surroundings: &Surroundings) -> Result<String> {
    let (clock, entropy) = (surroundings.clock.as_ref(), surroundings.entropy.as_ref());
    match Identity::renew_setup_secret(database, clock, entropy).await.context("the setup secret cannot be renewed")? {
        SetupSecret::Fresh(secret) => Ok(secret.expose().to_owned()),
        SetupSecret::Chosen | SetupSecret::AlreadyIssued | SetupSecret::Bootstrapped => {
            bail!("the first administrator exists: no setup secret is needed any more")
        }
    }
}
