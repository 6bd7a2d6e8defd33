//! Whether an organization can do without passwords: asked when it wants to, and when another owner is to keep one.

use rolecall_db::Tx;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;

use super::App;
use super::update_settings::{Command, Error};
use crate::domain::role::Role;
use crate::domain::settings::{Settings, StoredSettings};
use crate::peers::identity::SingleSignOn;
use crate::store::{members, settings};

/// Who is to keep a password, and what identity says of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    break_glass: UserId,
    standing: SingleSignOn,
}

/// Returns who is newly to be the only one with a password.
fn new_break_glass(old: &Settings, new: &Settings) -> Option<UserId> {
    new.break_glass_owner().filter(|_| new.break_glass_owner() != old.break_glass_owner())
}

/// Asks identity, if the change takes passwords away; no transaction waits for the answer.
pub(super) async fn ask(app: &App, command: &Command) -> Result<Option<Asked>, Error> {
    let stored = settings::find(&app.database.reader(), &command.scope, command.organization_id).await?;
    let Some(stored) = stored else { return Ok(None) };
    let new = command.change.apply(&stored.settings);
    match new_break_glass(&stored.settings, &new).filter(|_| new.misfits().is_empty()) {
        None => Ok(None),
        Some(break_glass) => {
            let standing = app.identity.check_single_sign_on(stored.organization_id, break_glass).await?;
            Ok(Some(Asked { break_glass, standing }))
        }
    }
}

/// Refuses to take passwords away where somebody would be locked out; returns who keeps one, if that is new.
pub(super) async fn check(
    tx: &Tx,
    stored: &StoredSettings,
    new: &Settings,
    asked: Option<Asked>,
    now: Timestamp,
) -> Result<Option<UserId>, Error> {
    let Some(break_glass) = new_break_glass(&stored.settings, new) else { return Ok(None) };
    // The settings changed since identity was asked about somebody else.
    let asked = asked.filter(|asked| asked.break_glass == break_glass).ok_or(rolecall_db::Error::Conflict)?;
    let organization = stored.organization_id;
    let (member, _) = members::find_even_hidden(tx, break_glass).await?.ok_or(Error::BreakGlassUnfit)?;
    let is_fit = member.organization_id == organization && member.acts_as(Role::Owner, now);
    if !is_fit || !asked.standing.has_factor {
        return Err(Error::BreakGlassUnfit);
    }
    if members::has_other_admins(tx, organization, break_glass).await? {
        return Err(Error::AdminAmongMembers);
    }
    if asked.standing.has_provider { Ok(Some(break_glass)) } else { Err(Error::ProviderMissing) }
}
