//! Registers a dataset.

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::{DatasetId, OrganizationId};
use rolecall_organization::ground::Origin;

use super::change_dataset::{Changed, Error, appoint, obey};
use super::{App, change};
use crate::domain::dataset::{Dataset, Facts};
use crate::domain::event::What;
use crate::store::datasets;

const PERMISSION: &str = "organization.datasets.register";

/// What to register where.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) organization_id: OrganizationId,
    pub(crate) scope: Scope,
    pub(crate) facts: Facts,
    pub(crate) origin: Origin,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Registers it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { register(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn register(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let (organization_id, origin, registrant) = (command.organization_id, &command.origin, command.facts.registrant);
    let opened = change::open(app, tx, origin).await?;
    if !command.scope.includes_organization(organization_id) {
        return Err(Error::OrganizationNotFound);
    }
    opened.demand(tx, PERMISSION, organization_id).await?;
    if registrant != opened.actor.subject_id() {
        appoint(tx, &opened, organization_id, registrant).await?;
    }
    let dataset = Dataset {
        dataset_id: DatasetId::new(opened.now, app.entropy.as_ref()),
        organization_id,
        facts: command.facts.clone(),
        version: 1,
        created: opened.now,
        updated: opened.now,
    };
    datasets::insert(tx, &dataset).await?;
    let (dataset_id, name) = (dataset.dataset_id, dataset.facts.name.clone());
    let what = What::DatasetRegistered { dataset_id, name, registrant };
    opened.record(tx, registrant, organization_id, &what, origin).await?;
    app.tell(tx, origin, organization_id, opened.now, what).await?;
    Ok(Changed { dataset, old_registrant: registrant, revision: opened.revision, ended: Vec::new() })
}
