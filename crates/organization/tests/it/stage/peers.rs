//! The other contexts, as far as organization can tell.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rolecall_api::identity::v1 as pb;
use rolecall_api::identity::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use rolecall_api::notification::v1 as notification;
use rolecall_api::notification::v1::mail_service_server::{MailService, MailServiceServer};
use rolecall_organization::Peers;
use rolecall_rpc::channel::{Channel, LocalSlot};
use rolecall_rpc::methods::Methods;
use rolecall_rpc::stack::{Stack, StackConfig, Tools, build};
use rolecall_rpc::status::{StatusBuilder, domain};
use rolecall_telemetry::red::RpcMetrics;
use rolecall_testkit::{SeededEntropy, TestClock};
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tower::util::MapRequestLayer;

/// How identity answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Willing,
    EmailTaken,
    /// It does it, and the answer is lost.
    DoesAndDies,
    Down,
    Refusing,
}

/// Identity and notification, as far as organization can tell.
#[derive(Debug, Default)]
pub(crate) struct FakeIdentity {
    mood: Mutex<Mood>,
    /// Whether organizations are listed for nobody.
    has_no_directory: AtomicBool,
    /// What it says of single sign-on, whoever is asked about.
    sso: Mutex<pb::CheckSingleSignOnResponse>,
    /// The addresses that accounts hold which proved them.
    proven: Mutex<Vec<pb::ProvenEmail>>,
    /// Where the next answer about addresses is held.
    gate: Mutex<Option<Arc<Gate>>>,
    /// The accounts that it made.
    accounts: Mutex<HashSet<String>>,
    /// The events that it was told.
    told: Mutex<Vec<pb::IngestedEvent>>,
    /// The events that notification was told.
    mails: Mutex<Vec<notification::IngestedEvent>>,
}

/// An answer that was found and is not given yet.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    held: Notify,
    released: Notify,
}

impl Gate {
    pub(crate) async fn until_held(&self) {
        self.held.notified().await;
    }

    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

impl FakeIdentity {
    /// Says of an account that it holds an address that it proved.
    pub(crate) fn prove(&self, email: &str, user_id: &str) {
        let proven = pb::ProvenEmail { email: email.to_owned(), user_id: user_id.to_owned() };
        self.proven.lock().expect("unpoisoned").push(proven);
    }

    /// Holds the next answer about addresses, as it is when it is found.
    pub(crate) fn hold_next_answer(&self) -> Arc<Gate> {
        let gate = Arc::<Gate>::default();
        *self.gate.lock().expect("unpoisoned") = Some(Arc::clone(&gate));
        gate
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.mood.lock().expect("unpoisoned") = mood;
    }

    pub(crate) fn switch_directory(&self, on: bool) {
        self.has_no_directory.store(!on, Ordering::Relaxed);
    }

    pub(crate) fn set_sso(&self, has_provider: bool, has_factor: bool) {
        *self.sso.lock().expect("unpoisoned") = pb::CheckSingleSignOnResponse { has_provider, has_factor };
    }

    pub(crate) fn accounts(&self) -> HashSet<String> {
        self.accounts.lock().expect("unpoisoned").clone()
    }

    pub(crate) fn mails(&self) -> Vec<notification::IngestedEvent> {
        self.mails.lock().expect("unpoisoned").clone()
    }

    pub(crate) fn topics(&self) -> Vec<String> {
        self.told().into_iter().map(|event| event.topic).collect()
    }

    pub(crate) fn told(&self) -> Vec<pb::IngestedEvent> {
        self.told.lock().expect("unpoisoned").clone()
    }
}

struct Directory(Arc<FakeIdentity>);

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn invite_first_owner(
        &self,
        request: Request<pb::InviteFirstOwnerRequest>,
    ) -> Result<Response<pb::InviteFirstOwnerResponse>, Status> {
        let no = |code, reason| Err(StatusBuilder::new(code, domain::IDENTITY, reason, "No.").build());
        let mood = *self.0.mood.lock().expect("unpoisoned");
        match mood {
            Mood::EmailTaken => return no(Code::AlreadyExists, "EMAIL_TAKEN"),
            Mood::Down => return no(Code::Unavailable, "STORE_UNAVAILABLE"),
            Mood::Refusing => return no(Code::InvalidArgument, "REQUEST_INVALID"),
            Mood::Willing | Mood::DoesAndDies => {}
        }
        self.0.accounts.lock().expect("unpoisoned").insert(request.into_inner().user_id);
        if mood == Mood::DoesAndDies {
            return no(Code::Unavailable, "SHUTTING_DOWN");
        }
        Ok(Response::new(pb::InviteFirstOwnerResponse {}))
    }

    async fn check_session(
        &self,
        _: Request<pb::CheckSessionRequest>,
    ) -> Result<Response<pb::CheckSessionResponse>, Status> {
        Ok(Response::new(pb::CheckSessionResponse::default()))
    }

    async fn check_single_sign_on(
        &self,
        _: Request<pb::CheckSingleSignOnRequest>,
    ) -> Result<Response<pb::CheckSingleSignOnResponse>, Status> {
        if *self.0.mood.lock().expect("unpoisoned") == Mood::Down {
            return Err(StatusBuilder::new(Code::Unavailable, domain::IDENTITY, "STORE_UNAVAILABLE", "No.").build());
        }
        Ok(Response::new(*self.0.sso.lock().expect("unpoisoned")))
    }

    async fn resolve_proven_emails(
        &self,
        request: Request<pb::ResolveProvenEmailsRequest>,
    ) -> Result<Response<pb::ResolveProvenEmailsResponse>, Status> {
        if *self.0.mood.lock().expect("unpoisoned") == Mood::Down {
            return Err(StatusBuilder::new(Code::Unavailable, domain::IDENTITY, "STORE_UNAVAILABLE", "No.").build());
        }
        let proven = self.0.proven.lock().expect("unpoisoned").clone();
        let emails = request.into_inner().emails;
        let proven = proven.into_iter().filter(|proven| emails.contains(&proven.email)).collect();
        let gate = self.0.gate.lock().expect("unpoisoned").take();
        if let Some(gate) = gate {
            gate.held.notify_one();
            gate.released.notified().await;
        }
        Ok(Response::new(pb::ResolveProvenEmailsResponse { proven }))
    }

    async fn get_instance(
        &self,
        _: Request<pb::GetInstanceRequest>,
    ) -> Result<Response<pb::GetInstanceResponse>, Status> {
        if *self.0.mood.lock().expect("unpoisoned") == Mood::Down {
            return Err(StatusBuilder::new(Code::Unavailable, domain::IDENTITY, "STORE_UNAVAILABLE", "No.").build());
        }
        let organization_directory = !self.0.has_no_directory.load(Ordering::Relaxed);
        Ok(Response::new(pb::GetInstanceResponse { name: "Rolecall".to_owned(), organization_directory }))
    }

    async fn batch_get_contacts(
        &self,
        _: Request<pb::BatchGetContactsRequest>,
    ) -> Result<Response<pb::BatchGetContactsResponse>, Status> {
        Ok(Response::new(pb::BatchGetContactsResponse::default()))
    }

    async fn ingest_events(
        &self,
        request: Request<pb::IngestEventsRequest>,
    ) -> Result<Response<pb::IngestEventsResponse>, Status> {
        let events = request.into_inner().events;
        let results = events.iter().map(|event| pb::IngestResult {
            event_id: event.event_id.clone(),
            outcome: pb::IngestOutcome::Done.into(),
            detail: String::new(),
        });
        let results = results.collect();
        self.0.told.lock().expect("unpoisoned").extend(events);
        Ok(Response::new(pb::IngestEventsResponse { results }))
    }
}

struct Mail(Arc<FakeIdentity>);

#[tonic::async_trait]
impl MailService for Mail {
    async fn ingest_events(
        &self,
        request: Request<notification::IngestEventsRequest>,
    ) -> Result<Response<notification::IngestEventsResponse>, Status> {
        let events = request.into_inner().events;
        let results = events.iter().map(|event| notification::IngestResult {
            event_id: event.event_id.clone(),
            outcome: notification::IngestOutcome::Done.into(),
            detail: String::new(),
        });
        let results = results.collect();
        self.0.mails.lock().expect("unpoisoned").extend(events);
        Ok(Response::new(notification::IngestEventsResponse { results }))
    }
}

/// Returns the services of the others.
pub(crate) fn routes(identity: &Arc<FakeIdentity>) -> Routes {
    Routes::new(DirectoryServiceServer::new(Directory(Arc::clone(identity))))
        .add_service(MailServiceServer::new(Mail(Arc::clone(identity))))
}

/// Returns ways to all of them, and where to bind them.
pub(crate) fn channels() -> (Peers, LocalSlot) {
    let (channel, slot) = Channel::local();
    (Peers { identity: channel.clone(), organization: channel.clone(), notification: channel }, slot)
}

/// Puts the real stack before the services; every call through it is one of this context.
pub(crate) fn stack(routes: Routes, clock: &TestClock, entropy: &SeededEntropy) -> Stack {
    let methods = Methods::from_descriptors(&[rolecall_api::DESCRIPTOR_SET], |_| Some(4 * 1024 * 1024));
    let tools = Tools {
        methods: Arc::new(methods.expect("our descriptors")),
        metrics: RpcMetrics::new(Vec::new()),
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(entropy.clone()),
    };
    let trusted = MapRequestLayer::new(|mut request: http::Request<Body>| {
        request.extensions_mut().insert(Arc::new(super::wire::service("organization")));
        request
    });
    // As patient as the tests' databases: nobody fails because the machine has no time for it.
    let config = StackConfig { unary_timeout: Duration::from_mins(1), ..StackConfig::default() };
    build(routes, &trusted, &config, tools)
}
