//! Exchanges the key of a service account for an access token.

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{ServiceAccountId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::fault::{Fault, take_faults};
use super::{Resources, tokens};
use crate::store::api_keys;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The key is unknown or ended, or its account may not act.
    #[error("the key does not open an account")]
    CredentialsRefused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// An access token of a service account.
pub(crate) struct Exchanged {
    /// The token.
    pub(crate) access_token: String,
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// The account.
    pub(crate) service_account_id: ServiceAccountId,
}

/// Exchanges a key; 256 bits are not guessed, so failures are not counted.
pub(crate) async fn run(resources: &Resources, key: &OpaqueToken) -> Result<Exchanged, Error> {
    // Taken first: a deletion that comes later ends this token.
    let now = resources.now();
    let found = api_keys::find_by_hash(&resources.db.reader(), &key.digest(), now).await?;
    let key = found.ok_or(Error::CredentialsRefused)?;
    let subject = SubjectId::from(key.service_account_id);
    if !resources.organization.access(subject).await?.active {
        return Err(Error::CredentialsRefused);
    }
    let (access_token, expires) = tokens::of_service_account(resources, subject, now);
    Ok(Exchanged { access_token, expires, service_account_id: key.service_account_id })
}
