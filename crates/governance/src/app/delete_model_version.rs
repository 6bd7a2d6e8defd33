//! Deletes a draft of a version of a model.

use rolecall_db::once::{Answer, Repeat};

use super::App;
use super::change_model::{self, Changed, Error, Target};
use crate::domain::event::What;
use crate::domain::model::VersionName;

/// Which version.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) version: VersionName,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Deletes it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    change_model::run(app, &command.target, command.repeat.as_ref(), |model, opened| {
        model.remove(&command.version, opened.now)?;
        Ok(Some(What::ModelVersionDeleted { model_id: model.model_id, version: command.version.clone() }))
    })
    .await
}
