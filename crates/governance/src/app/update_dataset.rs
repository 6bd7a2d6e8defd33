//! Changes a dataset.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::text::{Description, ResourceName};
use rolecall_organization::ground;

use super::App;
use super::change::Opened;
use super::change_dataset::{Changed, Error, Target, appoint, obey, open};
use crate::domain::dataset::{Dataset, Facts};
use crate::domain::event::What;
use crate::store::datasets;

/// What becomes of a dataset; what is absent stays.
#[derive(Debug)]
#[expect(clippy::option_option, reason = "a description stays, or is taken away, or becomes another")]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: Option<ResourceName>,
    pub(crate) description: Option<Option<Description>>,
    pub(crate) registrant: Option<SubjectId>,
    pub(crate) storage_uri: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

impl Command {
    fn applied(&self, facts: &Facts) -> Facts {
        Facts {
            name: self.name.clone().unwrap_or_else(|| facts.name.clone()),
            description: self.description.clone().unwrap_or_else(|| facts.description.clone()),
            registrant: self.registrant.unwrap_or(facts.registrant),
            storage_uri: self.storage_uri.clone().unwrap_or_else(|| facts.storage_uri.clone()),
            format: self.format.clone().unwrap_or_else(|| facts.format.clone()),
        }
    }
}

/// Changes it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { update(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn update(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let target = &command.target;
    let (before, permit, opened) = open(app, tx, target).await?;
    let (facts, old_registrant) = (command.applied(&before.facts), before.facts.registrant);
    let fields = facts.differences(&before.facts);
    if fields.is_empty() {
        return Ok(Changed { dataset: before, old_registrant, revision: opened.revision, ended: Vec::new() });
    }
    let new = facts.registrant;
    if new != old_registrant {
        appoint(tx, &opened, before.organization_id, new).await?;
    }
    let dataset = Dataset { facts, version: before.version + 1, updated: opened.now, ..before };
    datasets::update(tx, &permit, &dataset).await?;
    let (dataset_id, name) = (dataset.dataset_id, dataset.facts.name.clone());
    let what = What::DatasetUpdated { dataset_id, name, fields, old: old_registrant, new };
    let revision = hand_over(tx, &opened, &dataset, old_registrant, &what, target).await?;
    app.tell(tx, &target.origin, dataset.organization_id, opened.now, what).await?;
    Ok(Changed { dataset, old_registrant, revision, ended: Vec::new() })
}

/// Writes down whose access changed when another manages the dataset: two revisions, one of each; returns the last.
async fn hand_over(
    tx: &Tx,
    opened: &Opened,
    dataset: &Dataset,
    old: SubjectId,
    what: &What,
    target: &Target,
) -> Result<i64, Error> {
    let (new, organization) = (dataset.facts.registrant, dataset.organization_id);
    if new == old {
        return Ok(opened.revision);
    }
    opened.record(tx, old, organization, what, &target.origin).await?;
    let next = Opened { revision: ground::advance(tx).await?, ..opened.clone() };
    next.record(tx, new, organization, what, &target.origin).await?;
    Ok(next.revision)
}
