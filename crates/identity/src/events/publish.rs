//! Domain events and mail commands on their way into the outbox.

mod mail;
mod render;

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_db::{Consumer, Error, Event as Envelope, Tx, outbox};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::key::Sealer;
use rolecall_kernel::time::Timestamp;

use crate::domain::event::{Event, Happened};
use crate::domain::user::User;

/// The audit log takes every event.
const AUDIT: Consumer = Consumer("organization");
const MAIL: Consumer = Consumer("notification");

/// What a person is told by mail, whatever it prefers: each concerns the safety of its account.
const MAILED: [&str; 13] = [
    "access_token_created",
    "email_changed",
    "factor_added",
    "factor_removed",
    "factors_reset",
    "identity_linked",
    "identity_unlinked",
    "new_device_used",
    "password_changed",
    "password_removed",
    "password_set",
    "recovery_code_used",
    "user_impersonated",
];

/// What ends all that notification knows of a person.
const ENDING: [&str; 2] = ["user_deleted", "user_erased"];

/// Appends events to the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    entropy: Arc<dyn Entropy>,
    mail_secrets: Sealer,
}

impl Publisher {
    /// Makes a publisher; `mail_secrets` seals what only the mail may show.
    pub(crate) fn new(entropy: Arc<dyn Entropy>, mail_secrets: Sealer) -> Self {
        Self { entropy, mail_secrets }
    }

    /// Appends what happened, in the transaction in which it does.
    pub(crate) async fn append(&self, tx: &Tx, happened: &Happened) -> Result<(), Error> {
        let (name, event) = (render::name(&happened.event), render::message(&happened.event));
        let (actor, on_behalf_of) = rolecall_rpc::call::who_acts(happened.actor);
        let message = wire::DomainEvent {
            actor_id: text(actor),
            on_behalf_of_id: text(on_behalf_of),
            organization_id: text(happened.organization_id),
            target_id: text(happened.target),
            request_id: rolecall_rpc::call::request_id().map(|id| id.to_string()).unwrap_or_default(),
            occurred_time: Some(time(happened.occurred)),
            event: Some(event),
        };
        let consumers: &[Consumer] =
            if MAILED.contains(&name) || ENDING.contains(&name) { &[AUDIT, MAIL] } else { &[AUDIT] };
        let event_id = EventId::new(happened.occurred, self.entropy.as_ref());
        let subject = match (happened.target, &happened.event) {
            (Some(target), _) => target.to_string(),
            // Failures of strangers need no order; as one queue each would wait for all before it.
            (None, Event::LoginFailed(_) | Event::RegistrationRequested(_) | Event::CallsRefused { .. }) => {
                event_id.to_string()
            }
            (None, _) => "instance".to_owned(),
        };
        let envelope = Envelope {
            event_id,
            topic: format!("identity.{name}"),
            subject,
            organization_id: happened.organization_id,
            occurred: happened.occurred,
            payload: message.encode_to_vec(),
            trace: rolecall_telemetry::context::current(),
            number: 0,
        };
        outbox::append(tx, &envelope, consumers).await
    }
}

fn text<T: ToString>(id: Option<T>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}

/// Makes an event of something that a person did to its own account.
pub(crate) fn by_user(user: &User, occurred: Timestamp, event: Event) -> Happened {
    let subject = SubjectId::from(user.user_id);
    about(Some(subject), Some(user.organization_id), Some(subject), occurred, event)
}

/// Makes an event.
pub(crate) const fn about(
    actor: Option<SubjectId>,
    organization_id: Option<OrganizationId>,
    target: Option<SubjectId>,
    occurred: Timestamp,
    event: Event,
) -> Happened {
    Happened { actor, organization_id, target, occurred, event }
}
