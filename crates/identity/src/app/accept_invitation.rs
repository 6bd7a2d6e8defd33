//! Makes an invited account active: claimed here, activated in organization, completed here.

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SagaId, UserId};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::fault::{Fault, take_faults};
use super::get_invitation::open;
use super::password_rules::{self, PasswordRules};
use super::{Resources, proven_address, saga};
use crate::domain::event::Event;
use crate::domain::invitation::InvitationState;
use crate::domain::password::{Password, PasswordError};
use crate::domain::user::{Membership, User, UserState, UserView};
use crate::events::publish::{about, by_user};
use crate::peers::{PeerError, Refusal};
use crate::store::invitations::Claimed;
use crate::store::{credentials, invitations, users};

/// Which invitation, and the new password.
#[derive(Debug)]
pub(crate) struct Command {
    /// The code from the mail.
    pub(crate) code: OpaqueToken,
    /// The new password.
    pub(crate) password: Password,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why the account is not active.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The code is unknown, used, replaced or ended.
    #[error("no such invitation")]
    InvitationNotFound,
    /// The inviter may no longer invite.
    #[error("the inviter may no longer invite")]
    InvitationVoid,
    /// The organization is suspended; the invitation waits until it is resumed.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// The organization logs in at its identity provider alone.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// The password is not good enough.
    #[error("the password {0}")]
    PasswordRefused(PasswordError),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Accepts an invitation.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<UserView, Error> {
    let (invitation, user) = open(resources, &command.code).await?.ok_or(Error::InvitationNotFound)?;
    // The invitation may be on its way while the creation of the account is still being finished.
    saga::finish_if_left(resources, SagaId::from_uuid(user.user_id.as_uuid())).await?;
    let PasswordRules { policy, context, is_sso } = password_rules::find(resources, &user).await?;
    if is_sso {
        return Err(Error::SsoRequired);
    }
    let hash = resources.hashing.check_and_hash(policy, command.password, context, command.deadline).await?;
    let hash = &hash.map_err(Error::PasswordRefused)?;
    let code = &command.code.digest();
    let now = resources.now();
    let until = now.plus(resources.config.saga_lease);
    let user_id = user.user_id;
    let claimed = resources
        .db
        .write(|tx| async move {
            let is_invited = lock_invited(&tx, user_id).await?.is_some();
            Ok::<_, StoreError>(is_invited && invitations::claim(&tx, code, hash, until, now).await?)
        })
        .await?;
    if !claimed {
        return Err(Error::InvitationNotFound);
    }
    rolecall_db::fault::point("accept.after_claim");
    let claimed = Claimed { invitation, password_hash: hash.clone() };
    let membership = carry_through(resources, &claimed, &user).await?;
    let user = users::find(&resources.db.reader(), user.user_id).await?;
    let user = user.ok_or(Fault::Defect("an accepted account is gone"))?;
    Ok(UserView { user, membership, password_change_required: false })
}

/// Accepts the invitation of somebody whose address a provider vouches for, where nobody has a password; `false` when
/// none waits.
pub(crate) async fn run_by_provider(resources: &Resources, user: &User) -> Result<bool, Error> {
    saga::finish_if_left(resources, SagaId::from_uuid(user.user_id.as_uuid())).await?;
    let mark = Claimed::mark(OpaqueToken::new("", resources.entropy.as_ref()).expose());
    let (mark, now) = (&mark, resources.now());
    let until = now.plus(resources.config.saga_lease);
    let claimed = resources
        .db
        .write(|tx| async move {
            // The provider vouches for the address that the account was found by, and for no other.
            let same = |locked: &User| locked.email.key() == user.email.key();
            match lock_invited(&tx, user.user_id).await?.filter(same) {
                Some(user) => invitations::claim_of(&tx, user.user_id, mark, until, now).await,
                None => Ok(None),
            }
        })
        .await?;
    let Some(invitation) = claimed else { return Ok(false) };
    rolecall_db::fault::point("accept.after_claim");
    carry_through(resources, &Claimed { invitation, password_hash: mark.clone() }, user).await?;
    Ok(true)
}

/// Holds the account until the transaction ends, before its invitations as everybody does; none when it is not invited.
async fn lock_invited(tx: &Tx, user_id: UserId) -> Result<Option<User>, StoreError> {
    Ok(users::lock(tx, user_id).await?.filter(|user| user.state == UserState::Invited))
}

/// Activates and completes; what cannot be decided now is opened again for the next try.
async fn carry_through(resources: &Resources, claimed: &Claimed, user: &User) -> Result<Membership, Error> {
    let invitation = &claimed.invitation;
    match resources.organization.activate_member(invitation.user_id, invitation.inviter_id).await {
        Ok(membership) => {
            rolecall_db::fault::point("accept.after_activate");
            complete(resources, claimed, user).await?;
            rolecall_db::fault::point("accept.after_commit");
            Ok(membership)
        }
        Err(PeerError::Refused(Refusal::InviterNotEntitled)) => {
            void(resources, claimed, user).await?;
            Err(Error::InvitationVoid)
        }
        // The account is being deleted.
        Err(PeerError::Refused(Refusal::NotFound)) => {
            void(resources, claimed, user).await?;
            Err(Error::InvitationNotFound)
        }
        Err(error) => {
            // Activating is repeatable, and nobody logs in without a password, so opening it again is safe.
            let reopened = InvitationState::Pending;
            resources.db.write(|tx| async move { invitations::settle(&tx, claimed, reopened).await }).await?;
            Err(match error {
                PeerError::Refused(Refusal::OrganizationSuspended) => Error::OrganizationSuspended,
                error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => error.into(),
            })
        }
    }
}

/// Stores the password and makes the account active, once.
async fn complete(resources: &Resources, claimed: &Claimed, user: &User) -> Result<(), Error> {
    let now = resources.now();
    let is_ours = resources
        .db
        .write(|tx| async move {
            let Some(invited) = lock_invited(&tx, user.user_id).await? else {
                // The recovery completed the same, or another acceptance made the account active.
                end(resources, &tx, claimed, user, now).await?;
                let stored = credentials::find(&tx, user.user_id).await?;
                let is_same = claimed.is_by_provider() || stored.as_ref() == Some(&claimed.password_hash);
                return Ok::<_, StoreError>(is_same);
            };
            if !invitations::settle(&tx, claimed, InvitationState::Accepted).await? {
                // Opened again by the recovery, and no longer ours.
                return Ok(false);
            }
            let proves_address = claimed.invitation.mailed || claimed.is_by_provider();
            users::activate(&tx, user.user_id, proves_address, now).await?;
            if !claimed.is_by_provider() {
                credentials::insert(&tx, user.user_id, &claimed.password_hash, false, now).await?;
            }
            let event = Event::InvitationAccepted(claimed.invitation.invitation_id);
            resources.publisher.append(&tx, &by_user(user, now, event)).await?;
            if proves_address {
                proven_address::tell(resources, &tx, &invited, now).await?;
            }
            Ok(true)
        })
        .await?;
    if is_ours { Ok(()) } else { Err(Error::InvitationNotFound) }
}

async fn void(resources: &Resources, claimed: &Claimed, user: &User) -> Result<(), Fault> {
    let now = resources.now();
    Ok(resources.db.write(|tx| async move { end(resources, &tx, claimed, user, now).await }).await?)
}

/// Makes an invitation void, if this claim still holds it.
async fn end(resources: &Resources, tx: &Tx, claimed: &Claimed, user: &User, now: Timestamp) -> Result<(), StoreError> {
    if !invitations::settle(tx, claimed, InvitationState::Void).await? {
        return Ok(());
    }
    let event = Event::InvitationVoided(claimed.invitation.invitation_id);
    let happened = about(None, Some(user.organization_id), Some(user.user_id.into()), now, event);
    resources.publisher.append(tx, &happened).await
}

/// Carries acceptances through whose worker is gone; returns how many were decided.
pub(crate) async fn recover(resources: &Resources) -> Result<usize, Fault> {
    let mut decided = 0;
    for claimed in invitations::list_abandoned(&resources.db.reader(), resources.now(), 100).await? {
        if !take_over(resources, &claimed, resources.now()).await? {
            continue;
        }
        let Some(user) = users::find(&resources.db.reader(), claimed.invitation.user_id).await? else {
            continue;
        };
        match carry_through(resources, &claimed, &user).await {
            Ok(_) | Err(Error::InvitationVoid | Error::InvitationNotFound) => decided += 1,
            Err(error) => tracing::warn!(%error, "an acceptance could not be carried through"),
        }
    }
    Ok(decided)
}

async fn take_over(resources: &Resources, claimed: &Claimed, now: Timestamp) -> Result<bool, Fault> {
    let (id, until) = (claimed.invitation.invitation_id, now.plus(resources.config.saga_lease));
    Ok(resources.db.write(|tx| async move { invitations::take_over(&tx, id, now, until).await }).await?)
}
