//! Registers a model.

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::{ModelId, OrganizationId};
use rolecall_kernel::text::{Description, ResourceName};
use rolecall_organization::ground::Origin;

use super::change_model::{Changed, Error, obey, record};
use super::{App, change};
use crate::domain::event::What;
use crate::domain::model::Model;
use crate::store::models;

const PERMISSION: &str = "organization.models.register";

/// What to register where.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) organization_id: OrganizationId,
    pub(crate) scope: Scope,
    pub(crate) name: ResourceName,
    pub(crate) description: Option<Description>,
    pub(crate) origin: Origin,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Registers it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { register(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    if let Answer::Fresh(changed) = &answer {
        obey(app, changed);
    }
    Ok(answer)
}

async fn register(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let (organization_id, origin) = (command.organization_id, &command.origin);
    let opened = change::open(app, tx, origin).await?;
    if !command.scope.includes_organization(organization_id) {
        return Err(Error::OrganizationNotFound);
    }
    opened.demand(tx, PERMISSION, organization_id).await?;
    let model = Model {
        model_id: ModelId::new(opened.now, app.entropy.as_ref()),
        organization_id,
        name: command.name.clone(),
        description: command.description.clone(),
        versions: Vec::new(),
        version: 1,
        created: opened.now,
        updated: opened.now,
    };
    models::insert(tx, &model).await?;
    let what = What::ModelRegistered { model_id: model.model_id, name: model.name.clone() };
    record(tx, &opened, &model, &what, origin).await?;
    app.tell(tx, origin, organization_id, opened.now, what).await?;
    Ok(Changed { model, revision: opened.revision })
}
