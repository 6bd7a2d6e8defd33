//! Decides a question, and tells what the decision stands on.

use std::sync::Arc;

use rolecall_authz::Scope;

use super::App;
use super::world::{Error, Wanted, about};
use crate::domain::decide::Question;
use crate::domain::explain::{Explanation, explain};
use crate::domain::snapshot::Snapshot;

/// Explains.
pub(crate) async fn run(
    app: &App,
    sees: &Scope,
    question: &Question,
    wanted: &Wanted,
) -> Result<(Explanation, Arc<Snapshot>), Error> {
    let world = about(app, wanted, &[question.subject, question.resource.key]).await?;
    Ok((explain(&world, sees, question, app.now()), world))
}
