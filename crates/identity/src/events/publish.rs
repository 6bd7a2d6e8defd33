//! Domain events and mail commands on their way into the outbox.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::domain_event::Event as Wire;
use rolecall_api::notification::v1::MailCommand;
use rolecall_db::{Consumer, Error, Event as Envelope, Tx, outbox};
use rolecall_kernel::entropy::{Entropy, OpaqueToken};
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::key::Sealer;
use rolecall_kernel::time::Timestamp;

use crate::domain::event::{Event, Happened};
use crate::domain::invitation::{Invitation, InvitationMail};
use crate::domain::user::User;

/// The audit log takes every event.
const AUDIT: Consumer = Consumer("organization");
const MAIL: Consumer = Consumer("notification");
const MAIL_TOPIC: &str = "notification.mail_requested";

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
        let (name, event) = render(&happened.event);
        let message = wire::DomainEvent {
            actor_id: text(happened.actor),
            organization_id: text(happened.organization_id),
            target_id: text(happened.target),
            request_id: rolecall_rpc::call::request_id().map(|id| id.to_string()).unwrap_or_default(),
            occurred_time: Some(time(happened.occurred)),
            event: Some(event),
        };
        // The person is told by mail; everything is told to the audit log.
        let consumers: &[Consumer] = if happened.event == Event::PasswordChanged { &[AUDIT, MAIL] } else { &[AUDIT] };
        let event_id = EventId::new(happened.occurred, self.entropy.as_ref());
        let subject = match (happened.target, &happened.event) {
            (Some(target), _) => target.to_string(),
            // Failures of strangers need no order; as one queue each would wait for all before it.
            (None, Event::LoginFailed(_)) => event_id.to_string(),
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
        };
        outbox::append(tx, &envelope, consumers).await
    }

    /// Orders the mail of an invitation; its code travels sealed and is in no other event.
    pub(crate) async fn order_invitation_mail(
        &self,
        tx: &Tx,
        user: &User,
        invitation: &Invitation,
        mail: &InvitationMail,
        code: &OpaqueToken,
        now: Timestamp,
    ) -> Result<(), Error> {
        let event_id = EventId::new(now, self.entropy.as_ref());
        let bound_to = event_id.to_string();
        let command = MailCommand {
            template: "invitation".to_owned(),
            recipient_id: user.user_id.to_string(),
            email: user.email.as_str().to_owned(),
            organization_id: user.organization_id.to_string(),
            variables: variables(user, mail),
            sealed_secret: self.mail_secrets.seal(bound_to.as_bytes(), code.expose().as_bytes(), self.entropy.as_ref()),
            expire_time: Some(time(invitation.expires)),
        };
        let envelope = Envelope {
            event_id,
            topic: MAIL_TOPIC.to_owned(),
            subject: user.user_id.to_string(),
            organization_id: Some(user.organization_id),
            occurred: now,
            payload: command.encode_to_vec(),
            trace: rolecall_telemetry::context::current(),
        };
        outbox::append(tx, &envelope, &[MAIL]).await
    }
}

fn variables(user: &User, mail: &InvitationMail) -> HashMap<String, String> {
    [
        ("recipient_name", user.profile.name.as_str()),
        ("organization_name", &mail.organization_name),
        ("inviter_name", &mail.inviter_name),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// The name of the event in its topic, and the event as others read it.
fn render(event: &Event) -> (&'static str, Wire) {
    match event {
        Event::InstanceBootstrapped => {
            ("instance_bootstrapped", Wire::InstanceBootstrapped(wire::InstanceBootstrapped {}))
        }
        Event::UserInvited { invitation_id, roles } => (
            "user_invited",
            Wire::UserInvited(wire::UserInvited { invitation_id: invitation_id.to_string(), roles: roles.clone() }),
        ),
        Event::InvitationResent(id) => {
            ("invitation_resent", Wire::InvitationResent(wire::InvitationResent { invitation_id: id.to_string() }))
        }
        Event::InvitationAccepted(id) => (
            "invitation_accepted",
            Wire::InvitationAccepted(wire::InvitationAccepted { invitation_id: id.to_string() }),
        ),
        Event::InvitationVoided(id) => {
            ("invitation_voided", Wire::InvitationVoided(wire::InvitationVoided { invitation_id: id.to_string() }))
        }
        Event::LoginSucceeded(id) => (
            "login_succeeded",
            Wire::LoginSucceeded(wire::LoginSucceeded { session_id: id.to_string(), methods: vec!["pwd".to_owned()] }),
        ),
        Event::LoginFailed(failure) => {
            ("login_failed", Wire::LoginFailed(wire::LoginFailed { reason: failure.as_str().to_owned() }))
        }
        Event::SessionEnded(id, reason) => (
            "session_ended",
            Wire::SessionEnded(wire::SessionEnded { session_id: id.to_string(), reason: reason.as_str().to_owned() }),
        ),
        Event::RefreshTokenReused(id) => {
            ("refresh_token_reused", Wire::RefreshTokenReused(wire::RefreshTokenReused { session_id: id.to_string() }))
        }
        Event::PasswordChanged => ("password_changed", Wire::PasswordChanged(wire::PasswordChanged {})),
        Event::ServiceAccountCreated(permissions) => (
            "service_account_created",
            Wire::ServiceAccountCreated(wire::ServiceAccountCreated { permissions: permissions.clone() }),
        ),
        Event::ServiceAccountDeleted => {
            ("service_account_deleted", Wire::ServiceAccountDeleted(wire::ServiceAccountDeleted {}))
        }
        Event::ApiKeyCreated(id) => {
            ("api_key_created", Wire::ApiKeyCreated(wire::ApiKeyCreated { api_key_id: id.to_string() }))
        }
        Event::ApiKeyDeleted(id) => {
            ("api_key_deleted", Wire::ApiKeyDeleted(wire::ApiKeyDeleted { api_key_id: id.to_string() }))
        }
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
