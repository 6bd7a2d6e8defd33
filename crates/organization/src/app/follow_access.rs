//! Makes this process obey the changes of access that others make.

use rolecall_authz::Scope;
use rolecall_db::Error;

use super::App;
use super::watch_access_changes::{self, Next};

/// Passes on what changed after `seen`, and returns how far it has come.
pub(crate) async fn run(app: &App, seen: Option<i64>) -> Result<i64, Error> {
    let Some(seen) = seen else {
        return begin_anew(app).await;
    };
    match watch_access_changes::after(app, &Scope::All, seen).await? {
        Next::Step(step) => {
            for subject in &step.subjects {
                app.access.invalidate(*subject, step.revision);
            }
            if step.everybody || !step.organizations.is_empty() {
                app.access.invalidate_all_before(step.revision);
            }
            if step.revision > seen {
                app.changed.send_replace(());
            }
            app.access.checkpoint(step.revision);
            Ok(step.revision)
        }
        Next::Gone => begin_anew(app).await,
    }
}

async fn begin_anew(app: &App) -> Result<i64, Error> {
    let head = watch_access_changes::head(app).await?;
    app.access.resync(head);
    Ok(head)
}
