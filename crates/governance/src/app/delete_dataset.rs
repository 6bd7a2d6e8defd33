//! Deletes a dataset; the data itself stays where it is.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};

use super::App;
use super::change_dataset::{Changed, Error, Target, obey, open};
use super::end_compute_specs::follow_dataset;
use crate::domain::event::What;
use crate::store::datasets;

/// Which dataset.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Deletes it, and returns how it was.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { delete(app, &tx, &command.target).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn delete(app: &App, tx: &Tx, target: &Target) -> Result<Changed, Error> {
    let (dataset, permit, opened) = open(app, tx, target).await?;
    datasets::delete(tx, &permit, dataset.dataset_id).await?;
    let (organization, registrant) = (dataset.organization_id, dataset.facts.registrant);
    let (dataset_id, name) = (dataset.dataset_id, dataset.facts.name.clone());
    let what = What::DatasetDeleted { dataset_id, name, registrant };
    opened.record(tx, registrant, organization, &what, &target.origin).await?;
    app.tell(tx, &target.origin, organization, opened.now, what).await?;
    let ended = follow_dataset(app, tx, dataset.dataset_id, &target.origin, opened.now).await?;
    let revision = ended.last().map_or(opened.revision, |(_, last)| *last);
    Ok(Changed { dataset, old_registrant: registrant, revision, ended })
}
