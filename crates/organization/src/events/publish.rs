//! Domain events as the other contexts read them.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_db::{Consumer, Error, Tx, outbox};
use rolecall_kernel::id::{EventId, OrganizationId, ServiceAccountId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use crate::domain::event::{Event, Origin, What};

/// The audit log; it is told everything.
pub const ORGANIZATION: Consumer = Consumer("organization");
const IDENTITY: Consumer = Consumer("identity");
/// What mails people.
pub const NOTIFICATION: Consumer = Consumer("notification");

/// Everybody who is ever told anything.
pub(crate) const CONSUMERS: [Consumer; 3] = [ORGANIZATION, IDENTITY, NOTIFICATION];

/// Writes the event into the outbox, in the transaction of the change that it tells.
pub(crate) async fn append(tx: &Tx, event: &Event) -> Result<(), Error> {
    let subject = event.what.target().map(|target| target.to_string());
    let organization = event.organization_id.map(|id| id.to_string()).unwrap_or_default();
    let needs_order = !matches!(event.what, What::CallsRefused { .. });
    let subject = if needs_order { subject } else { Some(event.event_id.to_string()) };
    let told = Told {
        event_id: event.event_id,
        origin: &event.origin,
        organization_id: event.organization_id,
        occurred: event.occurred,
        topic: event.what.topic(),
        target: event.what.target(),
        event: encode_what(&event.what),
        order: subject.unwrap_or(organization),
    };
    tell(tx, told, consumers(&event.what)).await
}

/// An event of this context as it is told.
#[derive(Debug)]
pub struct Told<'a> {
    /// Its id.
    pub event_id: EventId,
    /// Who caused it.
    pub origin: &'a Origin,
    /// The organization that it concerns; none for the whole instance.
    pub organization_id: Option<OrganizationId>,
    /// When it happened.
    pub occurred: Timestamp,
    /// `organization.` and the name of the field of the event.
    pub topic: &'static str,
    /// What it happened to.
    pub target: Option<SubjectId>,
    /// What happened.
    pub event: pb::domain_event::Event,
    /// Events of one value are delivered in their order.
    pub order: String,
}

/// Writes an event into the outbox, in the transaction of the change that it tells.
pub async fn tell(tx: &Tx, told: Told<'_>, consumers: &[Consumer]) -> Result<(), Error> {
    let (event_id, topic, organization_id, occurred) =
        (told.event_id, told.topic.to_owned(), told.organization_id, told.occurred);
    let subject = told.order.clone();
    let (payload, trace) = (encode(told).encode_to_vec(), rolecall_telemetry::context::current());
    let stored = rolecall_db::Event { event_id, topic, subject, organization_id, occurred, payload, trace, number: 0 };
    outbox::append(tx, &stored, consumers).await
}

/// The audit log is told everything, the others what concerns them.
const fn consumers(what: &What) -> &'static [Consumer] {
    match what {
        // Ends the sessions or the one-time codes, and mails the person.
        What::MemberBlocked { .. } | What::MemberRolesChanged { .. } | What::OrganizationDeleted { .. } => {
            &[ORGANIZATION, IDENTITY, NOTIFICATION]
        }
        // Ends passwords.
        What::SingleSignOnRequired { .. } => &[ORGANIZATION, IDENTITY],
        What::MemberUnblocked { .. }
        | What::OrganizationSuspended { .. }
        | What::OrganizationResumed { .. }
        | What::OwnerAdded { .. }
        | What::PowersGiven { .. }
        | What::AdminGranted { .. }
        | What::AdminRevoked { .. }
        | What::OwnerCredentialsChanged { .. } => &[ORGANIZATION, NOTIFICATION],
        What::OrganizationCreated { .. }
        | What::OrganizationRenamed { .. }
        | What::OrganizationSettingsChanged { .. }
        | What::MemberAdded { .. }
        | What::MemberActivated { .. }
        | What::MemberRemoved { .. }
        | What::ServiceAccountAdded { .. }
        | What::ServiceAccountRemoved { .. }
        | What::ServiceAccountUpdated { .. }
        | What::GuestAdded { .. }
        | What::GuestRemoved { .. }
        | What::RoleCreated { .. }
        | What::RoleUpdated { .. }
        | What::RoleDeleted { .. }
        | What::PermissionsRegistered { .. }
        | What::CallsRefused { .. } => &[ORGANIZATION],
    }
}

fn encode(told: Told<'_>) -> pb::DomainEvent {
    let (actor, on_behalf_of) = rolecall_rpc::call::who_acts(told.origin.actor);
    let subject = |id: Option<SubjectId>| id.map(|id| id.to_string()).unwrap_or_default();
    pb::DomainEvent {
        actor_id: subject(actor),
        on_behalf_of_id: subject(on_behalf_of),
        organization_id: told.organization_id.map(|id| id.to_string()).unwrap_or_default(),
        target_id: subject(told.target),
        request_id: told.origin.request_id.as_deref().unwrap_or_default().to_owned(),
        occurred_time: Some(timestamp(told.occurred)),
        event: Some(told.event),
    }
}

fn texts(users: &[UserId]) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}

fn settings_changed(old_settings: &[String], new_settings: &[String]) -> pb::domain_event::Event {
    let (old_settings, new_settings) = (old_settings.to_vec(), new_settings.to_vec());
    let changed = pb::OrganizationSettingsChanged { old_settings, new_settings };
    pb::domain_event::Event::OrganizationSettingsChanged(changed)
}

fn role_created(name: &str, permissions: &[String]) -> pb::domain_event::Event {
    let created = pb::RoleCreated { name: name.to_owned(), permissions: permissions.to_vec() };
    pb::domain_event::Event::RoleCreated(created)
}

fn powers_given(role: &str, permissions: &[String], owners: &[UserId]) -> pb::domain_event::Event {
    let (owner_ids, role, permissions) = (texts(owners), role.to_owned(), permissions.to_vec());
    pb::domain_event::Event::PowersGiven(pb::PowersGiven { owner_ids, role, permissions })
}

fn role_updated(name: &str, added: &[String], removed: &[String]) -> pb::domain_event::Event {
    let (added_permissions, removed_permissions) = (added.to_vec(), removed.to_vec());
    let updated = pb::RoleUpdated { name: name.to_owned(), added_permissions, removed_permissions };
    pb::domain_event::Event::RoleUpdated(updated)
}

fn role_deleted(name: &str, holders: usize) -> pb::domain_event::Event {
    let holder_count = i32::try_from(holders).unwrap_or(i32::MAX);
    pb::domain_event::Event::RoleDeleted(pb::RoleDeleted { name: name.to_owned(), holder_count })
}

fn registered(
    namespace: &str,
    added: &[String],
    removed: &[String],
    owner: Option<ServiceAccountId>,
) -> pb::domain_event::Event {
    pb::domain_event::Event::PermissionsRegistered(pb::PermissionsRegistered {
        namespace: namespace.to_owned(),
        added_permissions: added.to_vec(),
        removed_permissions: removed.to_vec(),
        service_account_id: owner.map(|owner| owner.to_string()).unwrap_or_default(),
    })
}

fn credentials_changed(change: &str, others: &[UserId]) -> pb::domain_event::Event {
    let changed = pb::OwnerCredentialsChanged { change: change.to_owned(), owner_ids: texts(others) };
    pb::domain_event::Event::OwnerCredentialsChanged(changed)
}

fn encode_what(what: &What) -> pb::domain_event::Event {
    use pb::domain_event::Event as Wire;
    match what {
        What::OrganizationCreated { name, .. } => {
            Wire::OrganizationCreated(pb::OrganizationCreated { name: name.as_str().to_owned() })
        }
        What::OrganizationSettingsChanged { old_settings: old, new_settings: new } => settings_changed(old, new),
        What::OrganizationSuspended { reason, owners } => Wire::OrganizationSuspended(pb::OrganizationSuspended {
            reason: reason.as_str().to_owned(),
            owner_ids: texts(owners),
        }),
        What::OrganizationResumed { owners } => {
            Wire::OrganizationResumed(pb::OrganizationResumed { owner_ids: texts(owners) })
        }
        What::OrganizationRenamed { old, new } => Wire::OrganizationRenamed(pb::OrganizationRenamed {
            old_name: old.as_str().to_owned(),
            new_name: new.as_str().to_owned(),
        }),
        What::OrganizationDeleted { name } => {
            Wire::OrganizationDeleted(pb::OrganizationDeleted { name: name.as_str().to_owned() })
        }
        What::MemberAdded { roles, .. } => Wire::MemberAdded(pb::MemberAdded { roles: roles.clone() }),
        What::MemberActivated { roles, .. } => Wire::MemberActivated(pb::MemberActivated { roles: roles.clone() }),
        What::MemberRemoved { .. } => Wire::MemberRemoved(pb::MemberRemoved {}),
        What::MemberRolesChanged { old, new, .. } => {
            Wire::MemberRolesChanged(pb::MemberRolesChanged { old_roles: old.clone(), new_roles: new.clone() })
        }
        What::MemberBlocked { reason, until, .. } => Wire::MemberBlocked(pb::MemberBlocked {
            reason: reason.as_str().to_owned(),
            until_time: until.map(timestamp),
        }),
        What::MemberUnblocked { .. } => Wire::MemberUnblocked(pb::MemberUnblocked {}),
        What::ServiceAccountAdded { permissions, .. } => {
            Wire::ServiceAccountAdded(pb::ServiceAccountAdded { permissions: permissions.clone() })
        }
        What::ServiceAccountRemoved { .. } => Wire::ServiceAccountRemoved(pb::ServiceAccountRemoved {}),
        What::ServiceAccountUpdated { permissions, .. } => {
            Wire::ServiceAccountUpdated(pb::ServiceAccountUpdated { permissions: permissions.clone() })
        }
        What::GuestAdded { expires, .. } => Wire::GuestAdded(pb::GuestAdded { expire_time: Some(timestamp(*expires)) }),
        What::CallsRefused { method, count, reasons } => Wire::CallsRefused(pb::CallsRefused {
            method: method.clone(),
            count: i32::try_from(*count).unwrap_or(i32::MAX),
            reasons: reasons.clone(),
        }),
        What::RoleCreated { name, permissions } => role_created(name, permissions),
        What::RoleUpdated { name, added, removed } => role_updated(name, added, removed),
        What::RoleDeleted { name, holders } => role_deleted(name, *holders),
        What::PermissionsRegistered { namespace: of, added, removed, owner } => registered(of, added, removed, *owner),
        What::GuestRemoved { .. } => Wire::GuestRemoved(pb::GuestRemoved {}),
        What::SingleSignOnRequired { break_glass, previous } => Wire::SingleSignOnRequired(pb::SingleSignOnRequired {
            break_glass_user_id: break_glass.to_string(),
            previous_break_glass_user_id: previous.map(|previous| previous.to_string()).unwrap_or_default(),
        }),
        What::OwnerCredentialsChanged { change, others, .. } => credentials_changed(change, others),
        What::AdminGranted { others, .. } => Wire::AdminGranted(pb::AdminGranted { admin_ids: texts(others) }),
        What::AdminRevoked { others, .. } => Wire::AdminRevoked(pb::AdminRevoked { admin_ids: texts(others) }),
        What::PowersGiven { role, permissions, owners, .. } => powers_given(role, permissions, owners),
        What::OwnerAdded { others, .. } => Wire::OwnerAdded(pb::OwnerAdded { owner_ids: texts(others) }),
    }
}

/// Returns the time as it is sent.
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}
