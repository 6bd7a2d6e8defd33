//! Revokes an asset policy.

use rolecall_db::once::{Answer, Repeat};
use rolecall_kernel::text::Reason;

use super::App;
use super::change_asset_policy::{self, Changed, Error, Target};
use crate::domain::asset_policy::Beneficiary;
use crate::domain::event::What;

/// Which policy, and why.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) reason: Reason,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Revokes it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    change_asset_policy::run(app, &command.target, command.repeat.as_ref(), |_, before, now| async move {
        let mut after = before;
        after.revoke(&command.reason, now)?;
        let beneficiaries = after.terms.beneficiaries.iter().filter_map(Beneficiary::user).collect();
        let (asset_policy_id, name, reason) = (after.asset_policy_id, after.terms.name.clone(), command.reason.clone());
        Ok(Some((after, What::AssetPolicyRevoked { asset_policy_id, name, reason, beneficiaries })))
    })
    .await
}
