//! Publishes a version of a model.

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

/// Publishes it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    change_model::run(app, &command.target, command.repeat.as_ref(), |model, opened| {
        let (model_id, version) = (model.model_id, command.version.clone());
        let published = model.publish(&command.version, opened.now)?;
        let artifact_digest = published.map(|published| published.artifact_digest.clone());
        Ok(artifact_digest.map(|artifact_digest| What::ModelVersionPublished { model_id, version, artifact_digest }))
    })
    .await
}
