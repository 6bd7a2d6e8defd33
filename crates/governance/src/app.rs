//! The use cases: one a file, each with its command, its errors and `run`.

pub(crate) mod activate_asset_policy;
pub(crate) mod beneficiaries;
pub(crate) mod change;
pub(crate) mod change_asset_policy;
pub(crate) mod change_compute_spec;
pub(crate) mod change_dataset;
pub(crate) mod change_model;
pub(crate) mod create_asset_policy;
pub(crate) mod create_compute_spec;
pub(crate) mod delete_asset_policy;
pub(crate) mod delete_dataset;
pub(crate) mod delete_model;
pub(crate) mod delete_model_version;
pub(crate) mod end_compute_specs;
pub(crate) mod publish_model_version;
pub(crate) mod put_model_version;
pub(crate) mod read_asset_policies;
pub(crate) mod read_compute_specs;
pub(crate) mod read_datasets;
pub(crate) mod read_models;
pub(crate) mod register_dataset;
pub(crate) mod register_model;
pub(crate) mod report_compute_spec_run;
pub(crate) mod review_compute_spec;
pub(crate) mod revoke_asset_policy;
pub(crate) mod submit_compute_spec;
pub(crate) mod update_asset_policy;
pub(crate) mod update_dataset;
pub(crate) mod update_model;
pub(crate) mod withdraw_compute_spec;

pub(crate) mod standing;

use std::sync::Arc;

use rolecall_authz::AccessCache;
use rolecall_db::{Database, Error, Tx};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::time::{Clock, Timestamp};
use rolecall_organization::ground::Origin;

use crate::domain::event::What;
use crate::events::publish;
use crate::peers::identity::IdentityPeer;

/// What the use cases work with.
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// What this process believes about subjects; it obeys its own changes before it answers.
    pub(crate) access: AccessCache,
    pub(crate) identity: IdentityPeer,
    /// Hashes addresses as identity does that tells of their proof.
    pub(crate) addresses: KeyedHash,
}

impl App {
    /// Returns the current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes this process obey a committed change of access.
    pub(crate) fn announce(&self, subject: SubjectId, revision: i64) {
        self.access.invalidate(subject, revision);
    }

    /// Writes the event of a change into the transaction of the change.
    pub(crate) async fn tell(
        &self,
        tx: &Tx,
        origin: &Origin,
        organization_id: OrganizationId,
        occurred: Timestamp,
        what: What,
    ) -> Result<(), Error> {
        let event_id = EventId::new(occurred, self.entropy.as_ref());
        publish::append(tx, event_id, origin, organization_id, occurred, &what).await
    }
}
