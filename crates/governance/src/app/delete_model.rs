//! Deletes a model with all its versions.

use rolecall_authz::RowFacts;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};

use super::App;
use super::change_model::{Changed, Error, Target, obey, open, record};
use crate::domain::event::What;
use crate::store::{asset_policies, compute_specs, models};

/// Which model.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Deletes it, and returns how it was.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { delete(app, &tx, &command.target).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    if let Answer::Fresh(changed) = &answer {
        obey(app, changed);
    }
    Ok(answer)
}

async fn delete(app: &App, tx: &Tx, target: &Target) -> Result<Changed, Error> {
    let (model, opened) = open(app, tx, target).await?;
    let (id, named) = (model.model_id, asset_policies::is_model_named(tx, model.model_id).await?);
    if named || compute_specs::is_model_named(tx, id).await? {
        return Err(Error::InUse);
    }
    let permit = target.scope.permit(RowFacts::of_organization(model.organization_id)).ok_or(Error::NotFound)?;
    models::delete(tx, &permit, model.model_id).await?;
    let what = What::ModelDeleted { model_id: model.model_id, name: model.name.clone() };
    record(tx, &opened, &model, &what, &target.origin).await?;
    app.tell(tx, &target.origin, model.organization_id, opened.now, what).await?;
    Ok(Changed { model, revision: opened.revision })
}
