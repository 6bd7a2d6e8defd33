//! Tells whose access changed after a revision.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::{OrganizationId, SubjectId};

use super::App;
use crate::store::access::{self, Concerned};

/// How many changes one step tells at most.
const BATCH: u64 = 500;

/// The newest changes, as far as they are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) subjects: Vec<SubjectId>,
    /// Everybody who belongs to these is concerned.
    pub(crate) organizations: Vec<OrganizationId>,
    /// Everybody is concerned, whatever the organization.
    pub(crate) everybody: bool,
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
        return Ok(Next::Step(Step::up_to(revision)));
    }
    let changes = access::list_after(&reader, scope, revision, head.revision, BATCH).await?;
    let told = match changes.last() {
        Some((last, _)) if changes.len() as u64 == BATCH => *last,
        _ => head.revision,
    };
    let mut step = Step::up_to(told);
    for (_, concerned) in changes {
        match concerned {
            Concerned::Subject(subject) => push_new(&mut step.subjects, subject),
            Concerned::Organization(organization) => push_new(&mut step.organizations, organization),
            Concerned::Everybody => step.everybody = true,
        }
    }
    Ok(Next::Step(step))
}

impl Step {
    /// Makes a step that tells of nobody.
    const fn up_to(revision: i64) -> Self {
        Self { subjects: Vec::new(), organizations: Vec::new(), everybody: false, revision }
    }

    /// Tells whether nobody's access changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.organizations.is_empty() && !self.everybody
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, new: T) {
    if !list.contains(&new) {
        list.push(new);
    }
}
