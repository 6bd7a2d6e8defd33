//! Tells whose access changed after a revision.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::SubjectId;

use super::App;
use crate::store::access;

/// How many changes one step tells at most.
const BATCH: u64 = 500;

/// The newest changes, as far as they are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) subjects: Vec<SubjectId>,
    /// Everything up to this revision has been told.
    pub(crate) revision: i64,
}

/// What became of the wish to go on after a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// These are the changes after it.
    Step(Step),
    /// Changes after it are no longer kept, or it has not been reached: the watcher starts anew.
    Gone,
}

/// Returns the newest revision.
pub(crate) async fn head(app: &App) -> Result<i64, Error> {
    Ok(access::head(&app.database.reader()).await?.revision)
}

/// Reads the changes after a revision within the scope.
pub(crate) async fn after(app: &App, scope: &Scope, revision: i64) -> Result<Next, Error> {
    let reader = app.database.reader();
    let head = access::head(&reader).await?;
    // A revision of the future was drawn before the database was restored to an older state.
    if revision < head.trimmed || revision > head.revision {
        return Ok(Next::Gone);
    }
    if revision == head.revision {
        return Ok(Next::Step(Step { subjects: Vec::new(), revision }));
    }
    let changes = access::list_after(&reader, scope, revision, head.revision, BATCH).await?;
    let told = match changes.last() {
        Some((last, _)) if changes.len() as u64 == BATCH => *last,
        _ => head.revision,
    };
    let mut subjects: Vec<SubjectId> = Vec::new();
    for (_, subject) in changes {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(Next::Step(Step { subjects, revision: told }))
}
