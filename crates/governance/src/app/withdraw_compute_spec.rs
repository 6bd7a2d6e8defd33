//! Withdraws a compute spec.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};

use super::App;
use super::change_compute_spec::{Changed, Error, Target, changed, created, demand_creator, finish, obey, open};
use crate::domain::event::What;

/// Which spec.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Withdraws it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { withdraw(app, &tx, &command.target).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn withdraw(app: &App, tx: &Tx, target: &Target) -> Result<Changed, Error> {
    let (before, view, opened) = open(app, tx, target).await?;
    demand_creator(tx, &opened, &before, target.permission).await?;
    let (mut after, now, origin) = (before.clone(), opened.now, &target.origin);
    if !after.withdraw(now)? {
        return changed(tx, before, view, opened.revision, now).await;
    }
    let (compute_spec_id, name) = (after.compute_spec_id, after.name.clone());
    let what = What::ComputeSpecWithdrawn { compute_spec_id, name };
    let told = vec![(origin.clone(), after.organization_id, what)];
    finish(app, tx, &opened, created(&after), (&before, &after), origin, told).await?;
    changed(tx, after, view, opened.revision, now).await
}
