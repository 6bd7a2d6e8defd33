//! Deletes an asset policy.

use rolecall_authz::RowFacts;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};

use super::App;
use super::change_asset_policy::{Changed, Error, Target, obey, open, record};
use crate::domain::event::What;
use crate::store::asset_policies;

/// Which policy.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Deletes it, and returns how it was.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { delete(app, &tx, &command.target).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    if let Answer::Fresh(changed) = &answer {
        obey(app, changed);
    }
    Ok(answer)
}

async fn delete(app: &App, tx: &Tx, target: &Target) -> Result<Changed, Error> {
    let (policy, opened) = open(app, tx, target).await?;
    policy.deletable()?;
    let permit = target.scope.permit(RowFacts::of_organization(policy.organization_id)).ok_or(Error::NotFound)?;
    asset_policies::delete(tx, &permit, policy.asset_policy_id).await?;
    let what = What::AssetPolicyDeleted { asset_policy_id: policy.asset_policy_id, name: policy.terms.name.clone() };
    record(tx, &opened, &policy, &what, &target.origin).await?;
    app.tell(tx, &target.origin, policy.organization_id, opened.now, what).await?;
    Ok(Changed { policy, revision: opened.revision, now: opened.now, ended: Vec::new() })
}
