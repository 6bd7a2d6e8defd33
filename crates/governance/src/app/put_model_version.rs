//! Adds a version to a model as a draft, or replaces a draft.

use rolecall_db::once::{Answer, Repeat};

use super::App;
use super::change_model::{self, Changed, Error, Target};
use crate::domain::event::What;
use crate::domain::model::Draft;

/// The version as it is to be.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) draft: Draft,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Adds or replaces it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    change_model::run(app, &command.target, command.repeat.as_ref(), |model, opened| {
        let (model_id, version) = (model.model_id, command.draft.name.clone());
        let has_changed = model.put(&command.draft, opened.now)?;
        Ok(has_changed.then_some(What::ModelVersionPut { model_id, version }))
    })
    .await
}
