//! Domain events as the other contexts read them.

use rolecall_api::organization::v1 as pb;
use rolecall_db::{Consumer, Error, Tx};
use rolecall_kernel::id::{EventId, OrganizationId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, ORGANIZATION, Origin, Told};

use crate::domain::event::What;

/// Writes the event into the outbox, in the transaction of the change that it tells.
pub(crate) async fn append(
    tx: &Tx,
    event_id: EventId,
    origin: &Origin,
    organization_id: OrganizationId,
    occurred: Timestamp,
    what: &What,
) -> Result<(), Error> {
    let told = Told {
        event_id,
        origin,
        organization_id: Some(organization_id),
        occurred,
        topic: what.topic(),
        target: Some(what.target()),
        event: encode(what),
        order: what.target().to_string(),
    };
    ground::tell(tx, told, consumers(what)).await
}

/// The audit log is told everything, the others what concerns them.
const fn consumers(what: &What) -> &'static [Consumer] {
    match what {
        What::ModelRegistered { .. }
        | What::ModelUpdated { .. }
        | What::ModelDeleted { .. }
        | What::ModelVersionPut { .. }
        | What::ModelVersionPublished { .. }
        | What::ModelVersionDeleted { .. }
        | What::DatasetRegistered { .. }
        | What::DatasetUpdated { .. }
        | What::DatasetDeleted { .. } => &[ORGANIZATION],
    }
}

fn encode(what: &What) -> pb::domain_event::Event {
    use pb::domain_event::Event as Wire;
    match what {
        What::ModelRegistered { name, .. } => {
            Wire::ModelRegistered(pb::ModelRegistered { name: name.as_str().to_owned() })
        }
        What::ModelUpdated { old, new, .. } => Wire::ModelUpdated(pb::ModelUpdated {
            old_name: old.as_str().to_owned(),
            new_name: new.as_str().to_owned(),
        }),
        What::ModelDeleted { name, .. } => Wire::ModelDeleted(pb::ModelDeleted { name: name.as_str().to_owned() }),
        What::ModelVersionPut { version, .. } => {
            Wire::ModelVersionPut(pb::ModelVersionPut { version_name: version.as_str().to_owned() })
        }
        What::ModelVersionPublished { version, artifact_digest, .. } => {
            Wire::ModelVersionPublished(pb::ModelVersionPublished {
                version_name: version.as_str().to_owned(),
                artifact_digest: artifact_digest.clone(),
            })
        }
        What::DatasetRegistered { name, registrant, .. } => Wire::DatasetRegistered(pb::DatasetRegistered {
            name: name.as_str().to_owned(),
            registrant_id: registrant.to_string(),
        }),
        What::DatasetUpdated { name, fields, old, new, .. } => Wire::DatasetUpdated(pb::DatasetUpdated {
            name: name.as_str().to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            old_registrant_id: old.to_string(),
            new_registrant_id: new.to_string(),
        }),
        What::DatasetDeleted { name, registrant, .. } => Wire::DatasetDeleted(pb::DatasetDeleted {
            name: name.as_str().to_owned(),
            registrant_id: registrant.to_string(),
        }),
        What::ModelVersionDeleted { version, .. } => {
            Wire::ModelVersionDeleted(pb::ModelVersionDeleted { version_name: version.as_str().to_owned() })
        }
    }
}
