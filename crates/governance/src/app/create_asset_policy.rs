//! Creates an asset policy as a draft.

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::{AssetPolicyId, OrganizationId};
use rolecall_kernel::text::EmailAddress;
use rolecall_organization::ground::Origin;

use super::beneficiaries::{self, Asked};
use super::change_asset_policy::{Changed, Error, check_references, obey, record};
use super::{App, change};
use crate::domain::asset_policy::{AssetPolicy, MAX_POLICIES, State, Terms};
use crate::domain::event::What;
use crate::store::asset_policies;

const PERMISSION: &str = "organization.asset_policies.create";

/// What to create where.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) organization_id: OrganizationId,
    pub(crate) scope: Scope,
    pub(crate) terms: Terms,
    pub(crate) origin: Origin,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Creates it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let emails: Vec<EmailAddress> = command.terms.beneficiaries.iter().map(|known| known.email.clone()).collect();
    let asked = &beneficiaries::ask(app, &emails).await?;
    let work = |tx: Tx| async move { create(app, &tx, command, asked).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    if let Answer::Fresh(changed) = &answer {
        obey(app, changed);
    }
    Ok(answer)
}

async fn create(app: &App, tx: &Tx, command: &Command, asked: &Asked) -> Result<Changed, Error> {
    let (organization_id, origin) = (command.organization_id, &command.origin);
    let opened = change::open(app, tx, origin).await?;
    if !command.scope.includes_organization(organization_id) {
        return Err(Error::OrganizationNotFound);
    }
    opened.demand(tx, PERMISSION, organization_id).await?;
    if asset_policies::count(tx, organization_id).await? >= MAX_POLICIES {
        return Err(Error::LimitReached);
    }
    let mut terms = command.terms.clone();
    check_references(tx, organization_id, &terms).await?;
    let bound = asked.bind(app, tx, organization_id, &mut terms, opened.now).await?;
    let policy = AssetPolicy {
        asset_policy_id: AssetPolicyId::new(opened.now, app.entropy.as_ref()),
        organization_id,
        terms,
        state: State::Draft,
        version: 1,
        created: opened.now,
        updated: opened.now,
    };
    asset_policies::insert(tx, &policy, &app.addresses).await?;
    let (asset_policy_id, name) = (policy.asset_policy_id, policy.terms.name.clone());
    let what = What::AssetPolicyCreated { asset_policy_id, name, bound };
    record(tx, &opened, &policy, &what, origin).await?;
    app.tell(tx, origin, organization_id, opened.now, what).await?;
    Ok(Changed { policy, revision: opened.revision, now: opened.now, ended: Vec::new() })
}
