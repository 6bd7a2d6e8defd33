//! Decides questions, all at one revision.

use std::sync::Arc;

use rolecall_authz::Scope;

use super::App;
use super::world::{Error, Wanted, about};
use crate::domain::decide::{Decision, Question, Silent, decide};
use crate::domain::snapshot::Snapshot;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Command {
    /// Where the asker may ask about subjects and resources.
    pub(crate) sees: Scope,
    pub(crate) questions: Vec<Question>,
    pub(crate) wanted: Wanted,
}

/// The decisions in the order of asking, and the facts that they were made of.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) world: Arc<Snapshot>,
}

/// Decides.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Checked, Error> {
    let ids: Vec<u128> =
        command.questions.iter().flat_map(|question| [question.subject, question.resource.key]).collect();
    let world = about(app, &command.wanted, &ids).await?;
    // One time for all, after the facts: none of them is of the future.
    let now = app.now();
    let decided = |question: &Question| decide(&world, &command.sees, question, now, &mut Silent);
    let decisions = command.questions.iter().map(decided).collect();
    Ok(Checked { decisions, world })
}
