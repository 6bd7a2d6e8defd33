//! Gives a model another name or description.

use rolecall_db::once::{Answer, Repeat};
use rolecall_kernel::text::{Description, ResourceName};

use super::App;
use super::change_model::{self, Changed, Error, Target};
use crate::domain::event::What;

/// What a model is called and does; what is absent stays.
#[derive(Debug)]
#[expect(clippy::option_option, reason = "a description stays, or is taken away, or becomes another")]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: Option<ResourceName>,
    pub(crate) description: Option<Option<Description>>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Changes it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    change_model::run(app, &command.target, command.repeat.as_ref(), |model, opened| {
        let name = command.name.clone().unwrap_or_else(|| model.name.clone());
        let description = command.description.clone().unwrap_or_else(|| model.description.clone());
        if model.name == name && model.description == description {
            return Ok(None);
        }
        let (model_id, old) = (model.model_id, std::mem::replace(&mut model.name, name.clone()));
        model.description = description;
        model.touch(opened.now);
        Ok(Some(What::ModelUpdated { model_id, old, new: name }))
    })
    .await
}
