//! Who stands behind the addresses of beneficiaries.
//!
//! An address stands for the first account that proves it. A proof is committed by identity together with an event;
//! the event is taken here in a transaction that draws a revision ([`take_proof`]). A policy that names an address asks
//! identity before its own transaction ([`ask`]), which draws a revision as well ([`Asked::bind`]). Nobody is missed:
//!
//! - What was proven before identity was asked is in its answer.
//! - What was proven afterwards is told by an event that is taken after the head was read in [`ask`]: its transaction
//!   comes either before that of the policy, which then finds the note with a revision beyond that head; or after it,
//!   and then finds the address waiting in the policy.
//!
//! There is no third possibility, because revisions are drawn under one lock that is held until the commit. The note of
//! a proof is kept much longer than any request goes on. An account that is deleted in between has no member any more
//! when the transaction looks, under the same lock; one that is deleted later takes its bond with it.

use std::collections::HashMap;
use std::time::Duration;

use rolecall_db::{Error, Tx, inbox};
use rolecall_kernel::id::{EventId, OrganizationId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, AccessChange, Origin};

use super::App;
use crate::domain::asset_policy::{Beneficiary, Bond, Terms};
use crate::domain::event::What;
use crate::peers::identity::IdentityUnavailable;
use crate::store::beneficiaries::{self, Waiting};

/// How long the note of a proof is kept.
const KEPT: Duration = Duration::from_hours(24);
/// Under which name events are remembered; the audit log remembers the same ones for itself.
const SOURCE: &str = "identity/proofs";

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Identity does not answer.
    #[error(transparent)]
    Unavailable(#[from] IdentityUnavailable),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What identity said of addresses.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The head of all access before identity was asked.
    head: i64,
    /// Who holds and proved what, by canonical address.
    holders: HashMap<String, UserId>,
}

/// Asks identity which of the addresses are proven; outside of any transaction.
pub(crate) async fn ask(app: &App, emails: &[EmailAddress]) -> Result<Asked, AskError> {
    // Read first, so that a proof that identity does not know yet is noted beyond it.
    let head = ground::head(&app.database.reader()).await?.revision;
    let holders = if emails.is_empty() { HashMap::new() } else { app.identity.resolve_proven(emails).await? };
    Ok(Asked { head, holders })
}

impl Asked {
    /// Binds who waits and is known, in a transaction that has drawn a revision; returns who was bound that belongs to
    /// the organization itself, which alone may be told before the policy is active.
    pub(super) async fn bind(
        &self,
        app: &App,
        tx: &Tx,
        organization: OrganizationId,
        terms: &mut Terms,
        now: Timestamp,
    ) -> Result<Vec<UserId>, Error> {
        let mut waiting: Vec<(&mut Beneficiary, String)> = terms
            .beneficiaries
            .iter_mut()
            .filter(|known| known.bond.is_none())
            .map(|known| (app.addresses.address(&known.email), known))
            .map(|(hash, known)| (known, hash))
            .collect();
        let hashes: Vec<&str> = waiting.iter().map(|(_, hash)| hash.as_str()).collect();
        let noted = beneficiaries::list_proofs_after(tx, &hashes, self.head).await?;
        let users: Vec<UserId> = self.holders.values().chain(noted.values()).copied().collect();
        let living = beneficiaries::list_organizations_of(tx, &users).await?;
        let mut bound = Vec::new();
        for (known, hash) in &mut waiting {
            let mut candidates = [self.holders.get(known.email.key()), noted.get(hash)].into_iter().flatten();
            let Some((user_id, home)) = candidates.find_map(|user| Some((*user, *living.get(user)?))) else {
                continue;
            };
            known.bond = Some(Bond { user_id, bound: now, organization_id: Some(home) });
            bound.extend((home == organization).then_some(user_id));
        }
        Ok(bound)
    }
}

/// An account proved an address.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) event_id: EventId,
    pub(crate) address_hash: String,
    pub(crate) user_id: UserId,
}

/// Binds an account wherever its address is waited for; once, however often it is told.
pub(crate) async fn take_proof(app: &App, proof: &Proof) -> Result<(), Error> {
    let now = app.now();
    let revision = app.database.write(|tx| async move { take(app, &tx, proof, now).await }).await?;
    if let Some(revision) = revision {
        app.announce(proof.user_id.into(), revision);
    }
    Ok(())
}

/// Returns the revision if anything was opened by it.
async fn take(app: &App, tx: &Tx, proof: &Proof, now: Timestamp) -> Result<Option<i64>, Error> {
    let (user, hash) = (proof.user_id, proof.address_hash.as_str());
    let revision = ground::advance(tx).await?;
    if !inbox::accept(tx, SOURCE, proof.event_id, now).await? {
        return Ok(None);
    }
    beneficiaries::forget_proofs(tx, now.minus(KEPT)).await?;
    // Deleted before the proof was told.
    let Some(organization) = beneficiaries::find_organization_of(tx, user).await? else { return Ok(None) };
    beneficiaries::note_proof(tx, revision, hash, user, now).await?;
    // A draft tells nobody whom it found, and opens nothing; its activation does both.
    let active = beneficiaries::list_waiting(tx, hash).await?;
    beneficiaries::bind(tx, hash, user, now).await?;
    if active.is_empty() {
        return Ok(None);
    }
    for Waiting { asset_policy_id, organization_id, name, ends } in active {
        let opens = ends.is_none_or(|ends| now < ends);
        let what = What::AssetPolicyBeneficiaryBound { asset_policy_id, user_id: user, name, opens };
        app.tell(tx, &Origin::default(), organization_id, now, what).await?;
    }
    let (what, subject_id) = (What::BENEFICIARY_BOUND, user.into());
    let change = AccessChange { revision, subject_id, organization_id: Some(organization), what, occurred: now };
    ground::record(tx, &change, &Origin::default()).await?;
    Ok(Some(revision))
}
