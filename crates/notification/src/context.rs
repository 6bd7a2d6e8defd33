//! The only wiring: from dependencies to services and workers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use futures::future::BoxFuture;
use rolecall_api::notification::v1::delivery_service_server::DeliveryServiceServer;
use rolecall_api::notification::v1::inbox_service_server::InboxServiceServer;
use rolecall_api::notification::v1::mail_service_server::MailServiceServer;
use rolecall_api::notification::v1::notification_service_server::NotificationServiceServer;
use rolecall_api::notification::v1::preference_service_server::PreferenceServiceServer;
use rolecall_api::notification::v1::suppression_service_server::SuppressionServiceServer;
use rolecall_api::notification::v1::template_service_server::TemplateServiceServer;
use rolecall_authz::Refusals;
use rolecall_db::{Database, Relay, RelayConfig, UniqueConstraint};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::key::{KeyedHash, MasterKey, Purpose, Sealer};
use rolecall_kernel::page::PageTokens;
use rolecall_kernel::time::Clock;
use rolecall_mail::{Channel, ChannelError};
use sea_orm_migration::MigrationTrait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::instance_name::InstanceName;
use crate::app::watch_inbox::{self, Watchers};
use crate::app::{delete_finished, deliver};
use crate::config::NotificationConfig;
use crate::domain::category::Category;
use crate::domain::delivery::ChannelKind;
use crate::domain::schedule::Schedule;
use crate::domain::unsubscribe;
use crate::events::publish;
use crate::grpc::{
    delivery_service, inbox_service, mail_service, notification_service, preference_service, suppression_service,
    template_service,
};
use crate::http;
use crate::jobs;
use crate::peers::Peers;
use crate::peers::organization::AuditLog;
use crate::render::{RenderError, Renderer, Server};
use crate::store::migrations;

/// Room for 100 events; the layers in front hold each method to its own limit.
const MOST_REQUEST_BYTES: usize = 4 << 20;

/// What this context is made of.
#[derive(Debug, Clone)]
pub struct Dependencies {
    /// Its own database, migrated.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The key that seals mail secrets and page tokens.
    pub master_key: MasterKey,
    /// The ways to the other contexts.
    pub peers: Peers,
    /// How its outbox is delivered.
    pub relay: RelayConfig,
}

/// Why this context cannot be made; the text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Mails could not be sent.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The built-in templates are broken: a defect of this build.
    #[error("the built-in mail templates of this build cannot be read; report this as a defect")]
    Templates(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<RenderError> for StartError {
    fn from(error: RenderError) -> Self {
        Self::Templates(Box::new(error))
    }
}

/// What handlers and workers share.
pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) peers: Peers,
    pub(crate) config: NotificationConfig,
    pub(crate) schedule: Schedule,
    pub(crate) channel: Channel,
    pub(crate) renderer: Renderer,
    /// What the installation is called.
    pub(crate) instance_name: InstanceName,
    pub(crate) mail_secrets: Sealer,
    pub(crate) fingerprints: KeyedHash,
    pub(crate) page_tokens: PageTokens,
    pub(crate) unsubscribe: unsubscribe::Tokens,
    /// Tells the delivery worker of this process that something is due.
    pub(crate) wake: Notify,
    /// Tells the worker of this process that numbers messages that some were written.
    pub(crate) arrived: Notify,
    /// Who watches its inbox at this process.
    pub(crate) watchers: Watchers,
}

impl Shared {
    /// Returns the address at which a person ends mails of these categories.
    pub(crate) fn unsubscribe_link(&self, subject: SubjectId, categories: &BTreeSet<Category>) -> String {
        let base = self.config.external_url.trim_end_matches('/');
        format!("{base}{}/{}", http::UNSUBSCRIBE, self.unsubscribe.issue(subject, categories))
    }
}

/// Something that runs until the shutdown.
pub struct Worker {
    /// What it is called in logs.
    pub name: &'static str,
    /// The work; it ends soon after the shutdown began, what is under way finished.
    pub run: BoxFuture<'static, ()>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The notification context.
#[derive(Clone)]
pub struct Notification {
    shared: Arc<Shared>,
    relay: RelayConfig,
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification").field("channel", &self.channel()).finish_non_exhaustive()
    }
}

impl Notification {
    /// Makes the context; it does nothing until it is served and its workers run.
    pub fn new(dependencies: Dependencies, config: NotificationConfig) -> Result<Self, StartError> {
        let Dependencies { database, clock, entropy, master_key, peers, relay } = dependencies;
        let shared = Shared {
            database,
            clock,
            entropy,
            peers,
            schedule: config.schedule(),
            channel: Channel::new(&config.from, config.smtp.as_ref(), &config.mail_folder, config.send_timeout / 2)?,
            renderer: Renderer::new(Server::new(&config.external_url).linking(config.links.clone()))?,
            instance_name: InstanceName::default(),
            mail_secrets: master_key.sealer(Purpose::MailSecret),
            fingerprints: master_key.keyed_hash(Purpose::RequestFingerprint),
            page_tokens: PageTokens::new(master_key.sealer(Purpose::PageToken)),
            unsubscribe: unsubscribe::Tokens::new(master_key.keyed_hash(Purpose::Unsubscribe)),
            wake: Notify::new(),
            arrived: Notify::new(),
            watchers: Watchers::default(),
            config,
        };
        Ok(Self { shared: Arc::new(shared), relay })
    }

    /// Returns the steps of this context's schema.
    pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migrations::steps()
    }

    /// Returns the unique constraints of this context's tables.
    pub fn constraints() -> &'static [UniqueConstraint] {
        migrations::CONSTRAINTS
    }

    /// Returns how mails leave.
    pub fn channel(&self) -> ChannelKind {
        self.shared.channel.kind()
    }

    /// Adds this context's services.
    pub fn register(&self, routes: Routes) -> Routes {
        let deliveries = DeliveryServiceServer::new(delivery_service::Service(Arc::clone(&self.shared)));
        let mails = MailServiceServer::new(mail_service::Service(Arc::clone(&self.shared)));
        let inboxes = InboxServiceServer::new(inbox_service::Service(Arc::clone(&self.shared)));
        let notifications = NotificationServiceServer::new(notification_service::Service(Arc::clone(&self.shared)));
        let preferences = PreferenceServiceServer::new(preference_service::Service(Arc::clone(&self.shared)));
        let templates = TemplateServiceServer::new(template_service::Service(Arc::clone(&self.shared)));
        let suppressions = SuppressionServiceServer::new(suppression_service::Service(Arc::clone(&self.shared)));
        routes
            .add_service(suppressions.max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(templates.max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(inboxes.max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(notifications.max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(preferences.max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(deliveries.max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(mails.max_decoding_message_size(MOST_REQUEST_BYTES))
    }

    /// Returns the HTTP side: where mail programs and people end mails that are not mandatory (RFC 8058).
    pub fn http_routes(&self) -> Router {
        http::routes(&self.shared)
    }

    /// Returns what has to run beside the services.
    pub fn workers(&self, shutdown: &CancellationToken) -> Vec<Worker> {
        let (shared, swept, numbered) = (Arc::clone(&self.shared), Arc::clone(&self.shared), Arc::clone(&self.shared));
        let (first, second, third, fourth) = (shutdown.clone(), shutdown.clone(), shutdown.clone(), shutdown.clone());
        let relay = self.relay();
        vec![
            Worker { name: "notification.deliver", run: Box::pin(async move { jobs::deliver(&shared, first).await }) },
            Worker { name: "notification.relay", run: Box::pin(relay.run(second)) },
            Worker {
                name: "notification.number",
                run: Box::pin(async move { jobs::number_messages(&numbered, fourth).await }),
            },
            Worker { name: "notification.sweep", run: Box::pin(async move { jobs::sweep(&swept, third).await }) },
        ]
    }

    /// Returns the work that writes down which calls were refused, as counted there.
    pub fn refusal_worker(&self, refusals: Refusals, shutdown: &CancellationToken) -> Worker {
        let (shared, shutdown) = (Arc::clone(&self.shared), shutdown.clone());
        let run = async move { jobs::write_refusals(&shared, &refusals, shutdown).await };
        Worker { name: "notification.refusals", run: Box::pin(run) }
    }

    /// Returns the relay of this context's events; the workers run one.
    pub fn relay(&self) -> Relay {
        let shared = &self.shared;
        let deliver = Arc::new(AuditLog(shared.peers.organization.clone()));
        let (clock, entropy) = (Arc::clone(&shared.clock), Arc::clone(&shared.entropy));
        let consumers = publish::CONSUMERS.to_vec();
        Relay::new(shared.database.clone(), clock, entropy, consumers, deliver, self.relay.clone())
    }

    /// Attempts what is due until nothing is, and returns how many attempts that were; for tests.
    pub async fn drain(&self) -> Result<usize, rolecall_db::Error> {
        let mut attempted = 0;
        loop {
            let pass = deliver::run(&self.shared).await?;
            attempted += pass.attempted;
            if pass == deliver::Pass::default() {
                return Ok(attempted);
            }
        }
    }

    /// Numbers what came to lie in inboxes, so that it is told to those who watch; returns how many messages; for tests.
    pub async fn number_messages(&self) -> Result<u64, rolecall_db::Error> {
        watch_inbox::number(&self.shared).await
    }

    /// Deletes deliveries past their retention, as a worker does now and then, and returns how many those were.
    pub async fn sweep(&self) -> Result<u64, rolecall_db::Error> {
        delete_finished::run(&self.shared).await
    }

    /// Tells whether this context can work.
    pub async fn health(&self) -> Result<(), rolecall_db::Error> {
        self.shared.database.ping().await
    }
}
