//! Changes what an asset policy says.

use rolecall_db::once::{Answer, Repeat};
use rolecall_kernel::id::UserId;

use super::change_asset_policy::{self, Changed, Error, Target, check_references};
use super::{App, beneficiaries};
use crate::domain::asset_policy::{AssetPolicy, Beneficiary, Change, State, Terms};
use crate::domain::event::What;

/// Which policy is to say what.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) change: Change,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Changes it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let emails = command.change.beneficiaries.as_deref().unwrap_or_default();
    let asked = &beneficiaries::ask(app, emails).await?;
    change_asset_policy::run(app, &command.target, command.repeat.as_ref(), |tx, before, now| async move {
        let mut after = before.clone();
        let fields = after.change(&command.change, now)?;
        if fields.is_empty() {
            return Ok(None);
        }
        // An active policy names nothing new, and does what it can with what is left.
        if after.state == State::Draft {
            check_references(&tx, after.organization_id, &after.terms).await?;
        }
        let bound = asked.bind(app, &tx, after.organization_id, &mut after.terms, now).await?;
        let what = told(&before, &after, fields, bound);
        Ok(Some((after, what)))
    })
    .await
}

fn told(before: &AssetPolicy, after: &AssetPolicy, fields: Vec<&'static str>, bound: Vec<UserId>) -> What {
    let is_active = matches!(after.state, State::Active { .. });
    // Nobody was told of a draft.
    let removed = if is_active { removed(&before.terms, &after.terms) } else { Vec::new() };
    let name = after.terms.name.clone();
    What::AssetPolicyUpdated { asset_policy_id: after.asset_policy_id, name, fields, bound, removed }
}

fn removed(before: &Terms, after: &Terms) -> Vec<UserId> {
    let gone = before.beneficiaries.iter().filter(|known| !after.holds(&known.email));
    gone.filter_map(Beneficiary::user).collect()
}
