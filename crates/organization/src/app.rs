//! The use cases: one a file, each with its command, its errors and `run`.

pub(crate) mod activate_member;
pub(crate) mod add_guest;
pub(crate) mod add_member;
pub(crate) mod add_service_account;
pub(crate) mod audit_log;
pub(crate) mod block_member;
pub(crate) mod bootstrap_organization;
pub(crate) mod change_admin;
pub(crate) mod change_member;
pub(crate) mod change_organization;
pub(crate) mod change_role;
pub(crate) mod confirm_member;
pub(crate) mod create_organization;
pub(crate) mod create_role;
pub(crate) mod delete_organization;
pub(crate) mod delete_role;
pub(crate) mod end_member;
pub(crate) mod follow_access;
pub(crate) mod ingest_events;
pub(crate) mod lift_ended_blocks;
pub(crate) mod list_audit_events;
pub(crate) mod read_members;
pub(crate) mod read_organizations;
pub(crate) mod read_roles;
pub(crate) mod register_member;
pub(crate) mod register_permissions;
pub(crate) mod remove_guest;
pub(crate) mod remove_member;
pub(crate) mod remove_service_account;
pub(crate) mod resume_organization;
pub(crate) mod subject_access;
pub(crate) mod suspend_organization;
pub(crate) mod unblock_member;
pub(crate) mod update_member_roles;
pub(crate) mod update_organization;
pub(crate) mod update_role;
pub(crate) mod update_service_account;
pub(crate) mod update_settings;
pub(crate) mod watch_access_changes;
pub(crate) mod write_refusals;
pub(crate) mod yield_member;

mod admin_changed;
mod entitlement;
mod owner_added;
mod owner_credentials;
mod powers_given;
mod settings_access;
mod sign_in;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rolecall_authz::AccessCache;
use rolecall_db::{Database, Error, Tx};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::time::{Clock, Timestamp};
use tokio::sync::watch;

use self::audit_log::AuditLog;
use crate::domain::event::{Event, Origin, What};
use crate::events::publish;
use crate::peers::identity::IdentityPeer;
use crate::store::access::{self, AccessChange};

/// What the use cases work with.
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// What this process believes about subjects; it obeys its own changes before it answers.
    pub(crate) access: AccessCache,
    pub(crate) identity: IdentityPeer,
    /// Told after each change of access by this process.
    pub(crate) changed: watch::Sender<()>,
    /// What the audit log is kept with.
    pub(crate) audit: AuditLog,
    /// Who hears of events beside the audit log.
    pub(crate) listener: OnceLock<ingest_events::Listener>,
    /// How long work on an organization that is being made is left to whoever began it.
    pub(crate) creation_lease: Duration,
    /// Encodes what a repeat of `CreateOrganization` is answered, also when it was ended by another process.
    pub(crate) encode_created: fn(&create_organization::Created) -> Vec<u8>,
}

impl App {
    /// Returns the current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes this process obey a committed change of access, and tells those who watch.
    pub(crate) fn announce(&self, subject: SubjectId, revision: i64) {
        self.access.invalidate(subject, revision);
        self.changed.send_replace(());
    }

    /// Writes the event of a change into the transaction of the change.
    pub(crate) async fn tell(
        &self,
        tx: &Tx,
        origin: &Origin,
        organization_id: Option<OrganizationId>,
        occurred: Timestamp,
        what: What,
    ) -> Result<(), Error> {
        let event_id = EventId::new(occurred, self.entropy.as_ref());
        publish::append(tx, &Event { event_id, origin: origin.clone(), organization_id, occurred, what }).await
    }

    /// Writes a change of access and its event under the revision that was drawn for it.
    pub(crate) async fn tell_change(&self, tx: &Tx, origin: &Origin, told: Told) -> Result<(), Error> {
        let Told { revision, subject_id, organization_id, occurred, what } = told;
        let change = AccessChange { revision, subject_id, organization_id, what: what.topic(), occurred };
        access::record(tx, &change, origin).await?;
        self.tell(tx, origin, organization_id, occurred, what).await
    }
}

/// A change of access to be written down.
pub(crate) struct Told {
    pub(crate) revision: i64,
    pub(crate) subject_id: SubjectId,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) occurred: Timestamp,
    pub(crate) what: What,
}
