//! Lets a stranger look around in an organization that allows guests.

use std::time::Duration;

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::network::Network;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::Fault;
use super::tokens::{self, Tokens};
use crate::domain::event::Event;
use crate::domain::guest::{ABSOLUTE, GuestSession, HOURS, IDLE};
use crate::domain::mail_budget::Limits;
use crate::domain::refresh;
use crate::events::publish::about;
use crate::peers::{PeerError, Refusal};
use crate::store::{guests, mail_budgets};

/// Who looks around where.
#[derive(Debug)]
pub(crate) struct Command {
    /// None means the home organization.
    pub(crate) organization: Option<OrganizationId>,
    /// Where the call comes from, as far as that is known.
    pub(crate) network: Option<Network>,
}

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The organization allows none, or there is none: strangers do not learn which.
    #[error("there are no guests there")]
    GuestsNotAllowed,
    /// Too many came from the same network, or are there already; when the next one may come at the earliest.
    #[error("there are too many guests")]
    LimitReached(Duration),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::GuestsNotAllowed) => Self::GuestsNotAllowed,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

/// Begins a guest, and returns where it looks around.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(Tokens, OrganizationId), Error> {
    let now = resources.now();
    spend(resources, command.network, now).await?;
    let entropy = resources.entropy.as_ref();
    let guest_id = SubjectId::new(now, entropy);
    let organization = &resources.organization;
    let organization_id = organization.add_guest(guest_id, command.organization, now.plus(ABSOLUTE), None).await?;
    let guest = GuestSession::begin(guest_id, organization_id, now);
    let token = OpaqueToken::new(refresh::PREFIX, entropy);
    let (stored, hash) = (&guest, &token.digest());
    let done = resources.db.write(|tx| async move { store(resources, &tx, stored, hash).await }).await;
    if let Err(error) = done {
        // Nobody has its token, so it can do no harm until it ends by itself.
        if let Err(error) = organization.remove_guest(guest_id).await {
            tracing::warn!(%error, %guest_id, "a guest that nobody is ends later");
        }
        return Err(error);
    }
    Ok((tokens::of_guest(resources, &guest, token, now), organization_id))
}

/// Takes one guest from the budget of a network, and commits that; a caller whose network nobody knows, such as one on
/// this machine, is not limited.
async fn spend(resources: &Resources, network: Option<Network>, now: Timestamp) -> Result<(), Error> {
    let Some(network) = network else { return Ok(()) };
    let an_hour = usize::try_from(resources.config.guests_per_network).unwrap_or(usize::MAX);
    let limits = Limits { an_hour, a_day: an_hour.saturating_mul(HOURS) };
    let key = &resources.fingerprints.hash(&[b"guests from", &network.to_bytes()]);
    resources
        .db
        .write(|tx| async move {
            match mail_budgets::lock_or_insert(&tx, key, now).await?.spend_within(limits, now) {
                Ok(after) => Ok(mail_budgets::update(&tx, key, &after, now).await?),
                Err(wait) => Err(Error::LimitReached(wait)),
            }
        })
        .await
}

async fn store(resources: &Resources, tx: &Tx, guest: &GuestSession, hash: &[u8; 32]) -> Result<(), Error> {
    let (organization_id, now) = (guest.organization_id, guest.began);
    // Guests of one organization begin one after the other, so that none is counted too late.
    let turn = resources.fingerprints.hash(&[b"guests of", organization_id.as_uuid().as_bytes()]);
    mail_budgets::lock_or_insert(tx, &turn, now).await?;
    if guests::count_alive(tx, organization_id, now).await? >= u64::from(resources.config.max_guests) {
        return Err(Error::LimitReached(IDLE / 60));
    }
    guests::insert(tx, guest).await?;
    guests::insert_token(tx, hash, guest.guest_id, 0).await?;
    let (subject, event) = (Some(guest.guest_id), Event::GuestLoggedIn { expires: guest.absolute_expires });
    resources.publisher.append(tx, &about(subject, Some(organization_id), subject, now, event)).await?;
    Ok(())
}
