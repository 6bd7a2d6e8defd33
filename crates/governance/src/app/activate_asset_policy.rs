//! Activates an asset policy.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat};
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground;

use super::App;
use super::change_asset_policy::{self, Changed, Error, Target, check_completeness};
use crate::domain::asset_policy::{AssetPolicy, Beneficiary, Undisclosed};
use crate::domain::event::What;
use crate::store::{asset_policies, disclosures};

/// Which policy.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Activates it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let done = change_asset_policy::run(app, &command.target, command.repeat.as_ref(), |tx, before, now| async move {
        let mut after = before;
        if !after.activate(now)? {
            return Ok(None);
        }
        check_completeness(&tx, &after).await?;
        disclose(&tx, &after, now).await?;
        let beneficiaries = after.terms.beneficiaries.iter().filter_map(Beneficiary::user).collect();
        let (asset_policy_id, name) = (after.asset_policy_id, after.terms.name.clone());
        Ok(Some((after, What::AssetPolicyActivated { asset_policy_id, name, beneficiaries })))
    })
    .await;
    if let Err(Error::Undisclosed(Undisclosed { used_up: used_up @ 1.., .. })) = &done {
        use_up(app, command, *used_up).await?;
    }
    done
}

/// Counts the accounts of others that the organization learns of.
async fn disclose(tx: &Tx, policy: &AssetPolicy, now: Timestamp) -> Result<(), Error> {
    let known = disclosures::find(tx, policy.organization_id, now).await?;
    let amount = known.spend(policy, now)?;
    note(tx, policy.organization_id, amount, now).await
}

/// What was refused was rolled back, and counts nevertheless.
async fn use_up(app: &App, command: &Command, amount: u64) -> Result<(), Error> {
    let now = app.now();
    app.database
        .write(|tx| async move {
            ground::advance(&tx).await?;
            let Target { scope, asset_policy_id, .. } = &command.target;
            let policy = asset_policies::find_locked(&tx, scope, *asset_policy_id).await?.ok_or(Error::NotFound)?;
            note(&tx, policy.organization_id, amount, now).await
        })
        .await
}

/// Under the newest revision, which the transaction has drawn.
async fn note(tx: &Tx, organization: OrganizationId, amount: u64, now: Timestamp) -> Result<(), Error> {
    if amount == 0 {
        return Ok(());
    }
    let revision = ground::head(tx).await?.revision;
    Ok(disclosures::insert(tx, organization, revision, amount, now).await?)
}
