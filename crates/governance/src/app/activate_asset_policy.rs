//! Activates an asset policy.

use rolecall_db::once::{Answer, Repeat};

use super::App;
use super::change_asset_policy::{self, Changed, Error, Target, check_completeness};
use crate::domain::asset_policy::Beneficiary;
use crate::domain::event::What;

/// Which policy.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Activates it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    change_asset_policy::run(app, &command.target, command.repeat.as_ref(), |tx, before, now| async move {
        let mut after = before;
        if !after.activate(now)? {
            return Ok(None);
        }
        check_completeness(&tx, &after).await?;
        let beneficiaries = after.terms.beneficiaries.iter().filter_map(Beneficiary::user).collect();
        let (asset_policy_id, name) = (after.asset_policy_id, after.terms.name.clone());
        Ok(Some((after, What::AssetPolicyActivated { asset_policy_id, name, beneficiaries })))
    })
    .await
}
