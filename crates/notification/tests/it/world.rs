//! One installation of the context, with everything around it.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1 as id;
use rolecall_api::notification::v1 as api;
use rolecall_api::notification::v1::delivery_service_client::DeliveryServiceClient;
use rolecall_api::notification::v1::inbox_service_client::InboxServiceClient;
use rolecall_api::notification::v1::mail_service_client::MailServiceClient;
use rolecall_api::notification::v1::notification_service_client::NotificationServiceClient;
use rolecall_api::notification::v1::preference_service_client::PreferenceServiceClient;
use rolecall_api::notification::v1::suppression_service_client::SuppressionServiceClient;
use rolecall_api::notification::v1::template_service_client::TemplateServiceClient;
use rolecall_api::organization::v1 as org;
use rolecall_authz::{
    AccessClaims, Caller, Ruling, ScopeKind, ServiceClaims, SessionLimits, SubjectAccess, SubjectKind,
};
use rolecall_db::{Database, RelayConfig};
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::time::{Clock as _, Timestamp};
use rolecall_notification::{Dependencies, Notification, NotificationConfig, Peers, SmtpConfig, SmtpTls};
use rolecall_testkit::{SeededEntropy, SmtpSink, TestClock, TestDatabase};
use tempfile::TempDir;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Service, ServiceExt as _};

use crate::peers::Doubles;
use crate::watching::Guard;

pub(crate) const CODE: &str = "rci_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) db: Database,
    pub(crate) clock: TestClock,
    pub(crate) entropy: SeededEntropy,
    pub(crate) doubles: Doubles,
    pub(crate) sink: SmtpSink,
    pub(crate) folder: TempDir,
    pub(crate) notification: Notification,
    dependencies: Dependencies,
    config: NotificationConfig,
    pub(crate) guard: Guard,
    _database: TestDatabase,
}

impl World {
    /// Mails go to the sink.
    pub(crate) async fn new(database: TestDatabase) -> Self {
        Self::with(database, |config, port| config.smtp = Some(smtp(port))).await
    }

    pub(crate) async fn with(database: TestDatabase, change: impl FnOnce(&mut NotificationConfig, u16)) -> Self {
        let sink = SmtpSink::start().await;
        Self::before(database, sink, |config, sink, _| change(config, sink.port())).await
    }

    /// Before a mail server of the test's own; the folder is for what belongs to it.
    pub(crate) async fn before(
        database: TestDatabase,
        sink: SmtpSink,
        change: impl FnOnce(&mut NotificationConfig, &SmtpSink, &Path),
    ) -> Self {
        let db = database.open("notification", Notification::constraints(), Notification::migrations()).await;
        let (clock, entropy, doubles) = (TestClock::new(), SeededEntropy::new(), Doubles::default());
        let folder = tempfile::tempdir().expect("a folder");
        let channel = doubles.serve().await;
        let dependencies = Dependencies {
            database: db.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy.clone()),
            master_key: MasterKey::new(&entropy),
            peers: Peers { identity: channel.clone(), organization: channel },
            relay: RelayConfig::default(),
        };
        let mut config = NotificationConfig {
            external_url: "https://rolecall.example.org".to_owned(),
            mail_folder: folder.path().join("mail"),
            from: "Rolecall <rolecall@example.org>".to_owned(),
            send_timeout: Duration::from_secs(1),
            lease: MINUTE,
            ..NotificationConfig::default()
        };
        change(&mut config, &sink, folder.path());
        assert_eq!(config.validate(), Vec::<String>::new());
        let notification = Notification::new(dependencies.clone(), config.clone()).expect("it starts");
        let guard = Guard::new(&clock, &entropy);
        Self {
            db,
            clock,
            entropy,
            doubles,
            sink,
            folder,
            notification,
            dependencies,
            config,
            guard,
            _database: database,
        }
    }

    /// Another process on the same database.
    pub(crate) fn replica(&self) -> Notification {
        Notification::new(self.dependencies.clone(), self.config.clone()).expect("it starts")
    }

    pub(crate) fn event_id(&self) -> EventId {
        EventId::new(self.clock.now(), &self.entropy)
    }

    /// Makes an organization that the doubles know.
    pub(crate) fn organization(&self, name: &str) -> OrganizationId {
        let organization = OrganizationId::new(self.clock.now(), &self.entropy);
        self.doubles.know(|known| known.organizations.insert(organization.to_string(), name.to_owned()));
        organization
    }

    /// Makes a person that the doubles know.
    pub(crate) fn person(&self, name: &str) -> SubjectId {
        let subject = SubjectId::new(self.clock.now(), &self.entropy);
        let email = format!("{}@example.org", name.to_lowercase());
        let contact =
            id::Contact { subject_id: subject.to_string(), email, name: name.to_owned(), email_verified: true };
        self.doubles.know(|known| known.contacts.insert(contact.subject_id.clone(), contact));
        subject
    }

    pub(crate) fn invitation(&self, organization: OrganizationId, email: &str) -> api::IngestedEvent {
        let event_id = self.event_id();
        let sealer = self.dependencies.master_key.sealer(Purpose::MailSecret);
        let command = api::MailCommand {
            template: "invitation".to_owned(),
            recipient_id: SubjectId::new(self.clock.now(), &self.entropy).to_string(),
            email: email.to_owned(),
            organization_id: organization.to_string(),
            variables: [("inviter_name", "Grace"), ("organization_name", "Engines")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            sealed_secret: sealer.seal(event_id.to_string().as_bytes(), CODE.as_bytes(), &self.entropy),
            expire_time: Some(wire(self.clock.now().plus(DAY * 7))),
        };
        self.event(event_id, "notification.mail_requested", command.encode_to_vec())
    }

    pub(crate) fn blocked(
        &self,
        organization: OrganizationId,
        actor: SubjectId,
        target: SubjectId,
    ) -> api::IngestedEvent {
        let message = org::DomainEvent {
            actor_id: actor.to_string(),
            on_behalf_of_id: String::new(),
            organization_id: organization.to_string(),
            target_id: target.to_string(),
            request_id: String::new(),
            occurred_time: Some(wire(self.clock.now())),
            event: Some(org::domain_event::Event::MemberBlocked(org::MemberBlocked {
                reason: "left the project".to_owned(),
                until_time: None,
            })),
        };
        self.event(self.event_id(), "organization.member_blocked", message.encode_to_vec())
    }

    pub(crate) fn owner_added(
        &self,
        organization: OrganizationId,
        actor: SubjectId,
        target: SubjectId,
        others: &[SubjectId],
    ) -> api::IngestedEvent {
        let owner_ids = others.iter().map(ToString::to_string).collect();
        let message = org::DomainEvent {
            actor_id: actor.to_string(),
            on_behalf_of_id: String::new(),
            organization_id: organization.to_string(),
            target_id: target.to_string(),
            request_id: String::new(),
            occurred_time: Some(wire(self.clock.now())),
            event: Some(org::domain_event::Event::OwnerAdded(org::OwnerAdded { owner_ids })),
        };
        self.event(self.event_id(), "organization.owner_added", message.encode_to_vec())
    }

    pub(crate) fn email_changed(&self, target: SubjectId, old: &str, new: &str) -> api::IngestedEvent {
        let message = id::DomainEvent {
            actor_id: target.to_string(),
            on_behalf_of_id: String::new(),
            target_id: target.to_string(),
            occurred_time: Some(wire(self.clock.now())),
            event: Some(id::domain_event::Event::EmailChanged(id::EmailChanged {
                old_email: old.to_owned(),
                new_email: new.to_owned(),
            })),
            ..Default::default()
        };
        self.event(self.event_id(), "identity.email_changed", message.encode_to_vec())
    }

    pub(crate) fn organization_deleted(&self, organization: OrganizationId) -> api::IngestedEvent {
        let message = org::DomainEvent {
            organization_id: organization.to_string(),
            occurred_time: Some(wire(self.clock.now())),
            event: Some(org::domain_event::Event::OrganizationDeleted(org::OrganizationDeleted::default())),
            ..Default::default()
        };
        self.event(self.event_id(), "organization.organization_deleted", message.encode_to_vec())
    }

    pub(crate) fn event(&self, event_id: EventId, topic: &str, payload: Vec<u8>) -> api::IngestedEvent {
        api::IngestedEvent {
            event_id: event_id.to_string(),
            topic: topic.to_owned(),
            payload,
            occurred_time: Some(wire(self.clock.now())),
            traceparent: String::new(),
        }
    }

    pub(crate) async fn ingest(&self, events: Vec<api::IngestedEvent>) -> Vec<api::IngestOutcome> {
        let client = &mut MailServiceClient::new(self.calls(service()));
        let answer = client.ingest_events(api::IngestEventsRequest { events }).await.expect("taken");
        answer.into_inner().results.iter().map(api::IngestResult::outcome).collect()
    }

    pub(crate) async fn drain(&self) -> usize {
        self.notification.drain().await.expect("drained")
    }

    /// Moves the clock on and sends what is due then.
    pub(crate) async fn drain_after(&self, duration: Duration) -> usize {
        self.clock.advance(duration);
        self.drain().await
    }

    fn calls(&self, caller: Caller) -> As {
        self.calls_at(&self.notification, caller)
    }

    fn calls_at(&self, notification: &Notification, caller: Caller) -> As {
        let routes = notification.register(Routes::default());
        As { routes, caller: Arc::new(caller), guard: self.guard.clone() }
    }

    pub(crate) fn client(&self, caller: Caller) -> DeliveryServiceClient<As> {
        DeliveryServiceClient::new(self.calls(caller))
    }

    pub(crate) fn preferences(&self, caller: Caller) -> PreferenceServiceClient<As> {
        PreferenceServiceClient::new(self.calls(caller))
    }

    pub(crate) fn inbox(&self, caller: Caller) -> InboxServiceClient<As> {
        InboxServiceClient::new(self.calls(caller))
    }

    /// The inbox of a person at another process.
    pub(crate) fn inbox_at(&self, notification: &Notification, caller: Caller) -> InboxServiceClient<As> {
        InboxServiceClient::new(self.calls_at(notification, caller))
    }

    pub(crate) fn suppressions(&self, caller: Caller) -> SuppressionServiceClient<As> {
        SuppressionServiceClient::new(self.calls(caller))
    }

    pub(crate) fn templates(&self, caller: Caller) -> TemplateServiceClient<As> {
        TemplateServiceClient::new(self.calls(caller))
    }

    pub(crate) fn notifications(&self, caller: Caller) -> NotificationServiceClient<As> {
        NotificationServiceClient::new(self.calls(caller))
    }

    /// Asks the HTTP side, and returns the status and the page.
    pub(crate) async fn http(&self, method: &str, path: &str) -> (u16, String) {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(axum::body::Body::from("List-Unsubscribe=One-Click")).expect("a request");
        let answer = self.notification.http_routes().oneshot(request).await.expect("answered");
        let status = answer.status().as_u16();
        let page = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a page");
        (status, String::from_utf8(page.into()).expect("text"))
    }

    /// Everything, as ADMIN sees it, newest first.
    pub(crate) async fn all(&self) -> Vec<api::Delivery> {
        let request = api::ListDeliveriesRequest { organization_id: "-".to_owned(), ..Default::default() };
        let answer = self.client(self.admin()).list_deliveries(request).await.expect("listed");
        answer.into_inner().deliveries
    }

    /// One delivery with its attempts, as ADMIN sees it.
    pub(crate) async fn get(&self, delivery_id: &str) -> api::Delivery {
        let request = api::GetDeliveryRequest { delivery_id: delivery_id.to_owned() };
        let answer = self.client(self.admin()).get_delivery(request).await.expect("found");
        answer.into_inner().delivery.expect("a delivery")
    }

    /// The outcomes of the attempts at the only delivery.
    pub(crate) async fn outcomes(&self) -> Vec<String> {
        let deliveries = self.all().await;
        assert_eq!(deliveries.len(), 1);
        self.get(&deliveries[0].delivery_id).await.attempts.into_iter().map(|attempt| attempt.outcome).collect()
    }

    pub(crate) fn admin(&self) -> Caller {
        self.caller(None, ScopeKind::Any)
    }

    pub(crate) fn owner(&self, organization: OrganizationId) -> Caller {
        self.caller(Some(organization), ScopeKind::Own)
    }

    fn caller(&self, organization_id: Option<OrganizationId>, kind: ScopeKind) -> Caller {
        let deliveries = ["list", "get", "retry"].map(|verb| (format!("notification.deliveries.{verb}"), kind));
        let others = ["send", "list", "cancel"].map(|verb| (format!("notification.notifications.{verb}"), kind));
        let templates = ["create", "get", "update", "delete"];
        let templates = templates.map(|verb| (format!("notification.templates.{verb}"), kind));
        let suppressions = ["create", "list", "delete"];
        let suppressions = suppressions.map(|verb| (format!("notification.suppressions.{verb}"), kind));
        self.caller_with(organization_id, [deliveries.as_slice(), &others, &templates, &suppressions].concat())
    }

    /// A person that may nothing but what everybody may.
    pub(crate) fn as_person(&self, subject: SubjectId) -> Caller {
        self.caller_as(subject, None, Vec::new())
    }

    pub(crate) fn caller_with(
        &self,
        organization_id: Option<OrganizationId>,
        grants: Vec<(String, ScopeKind)>,
    ) -> Caller {
        self.caller_as(SubjectId::new(self.clock.now(), &self.entropy), organization_id, grants)
    }

    pub(crate) fn caller_as(
        &self,
        subject: SubjectId,
        organization_id: Option<OrganizationId>,
        grants: Vec<(String, ScopeKind)>,
    ) -> Caller {
        let claims = AccessClaims {
            iss: "test".to_owned(),
            sub: subject,
            aud: "test".to_owned(),
            exp: Timestamp::from_seconds(i64::MAX / 2_000_000),
            iat: self.clock.now(),
            sid: None,
            jti: "test".to_owned(),
            auth_time: self.clock.now(),
            amr: Vec::new(),
            kind: SubjectKind::User,
            scope: None,
            act: None,
            read_only: false,
        };
        let access = SubjectAccess {
            subject,
            kind: SubjectKind::User,
            organization_id,
            organization_active: true,
            roles: Vec::new(),
            admin: false,
            blocked: false,
            grants,
            session_limits: SessionLimits::default(),
            revision: 1,
        };
        Caller::new(Arc::new(claims), Arc::new(access))
    }
}

pub(crate) fn smtp(port: u16) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        tls: SmtpTls::None,
        ca_file: None,
        username: None,
        password: None,
    }
}

fn service() -> Caller {
    let (exp, iat) = (Timestamp::from_seconds(1), Timestamp::from_seconds(0));
    let (sub, aud) = ("service:identity".to_owned(), "service:notification".to_owned());
    Caller::of_service(Arc::new(ServiceClaims { iss: "test".to_owned(), sub, aud, exp, iat }))
}

pub(crate) fn wire(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: 0 }
}

/// Calls the services as somebody whom the layers in front have let in.
#[derive(Clone)]
pub(crate) struct As {
    routes: Routes,
    caller: Arc<Caller>,
    guard: Guard,
}

impl Service<http::Request<Body>> for As {
    type Response = http::Response<Body>;
    type Error = <Routes as Service<http::Request<Body>>>::Error;
    type Future = <Routes as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<http::Request<Body>>::poll_ready(&mut self.routes, cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        request.extensions_mut().insert(Arc::clone(&self.caller));
        let rule = Arc::clone(self.guard.policy.shared_rule(request.uri().path()).expect("every method has a rule"));
        request.extensions_mut().insert(Ruling::new(Arc::clone(&self.guard.authorizer), rule));
        self.routes.call(request)
    }
}
