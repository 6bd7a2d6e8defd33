//! Who knocks: a device that logged in before, somebody with a mailed code, or a stranger.

use rolecall_db::{Connection, Error, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::text::EmailAddress;

use super::Resources;
use super::login_failure::{Counter, Stranger};
use crate::domain::user::User;
use crate::store::{devices, login_codes};

/// What somebody shows beside a password.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// The token of a device.
    pub(crate) device: Option<OpaqueToken>,
    /// The code of a mail about failed logins.
    pub(crate) code: Option<OpaqueToken>,
}

/// Who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A device that logged in before, by the hash of its token.
    Device([u8; 32]),
    /// Somebody who reads the mail of the account, by the hash of the code.
    Code([u8; 32]),
    /// Nobody knows.
    Stranger,
}

impl Standing {
    /// Returns the counter of its failures; of somebody known there is an account.
    pub(crate) fn counter<'a>(
        self,
        resources: &Resources,
        stranger: Stranger<'_>,
        user: Option<&'a User>,
    ) -> Counter<'a> {
        match (self, user) {
            (Self::Device(hash), Some(user)) => Counter::of_device(resources, user, &hash),
            (Self::Code(hash), Some(user)) => Counter::of_login_code(resources, user, &hash),
            (Self::Stranger, _) | (_, None) => Counter::of_stranger(resources, stranger, user),
        }
    }

    /// Returns the device that is known.
    pub(crate) const fn device(self) -> Option<[u8; 32]> {
        match self {
            Self::Device(hash) => Some(hash),
            Self::Code(_) | Self::Stranger => None,
        }
    }
}

/// Finds who knocks at an account; the same is asked whether there is one or not.
pub(crate) async fn recognise<C: Connection>(
    resources: &Resources,
    connection: &C,
    shown: &Shown,
    email: &EmailAddress,
    user: Option<&User>,
) -> Result<Standing, Error> {
    let (now, user_id) = (resources.now(), user.map(|user| user.user_id));
    if let Some(hash) = shown.device.as_ref().map(OpaqueToken::digest) {
        let owner = devices::find(connection, &hash, now).await?;
        if owner.is_some() && owner == user_id {
            return Ok(Standing::Device(hash));
        }
    }
    if let Some(hash) = shown.code.as_ref().map(OpaqueToken::digest) {
        let owner = login_codes::find(connection, &hash, &address(resources, email), now).await?;
        if owner.is_some() && owner == user_id {
            return Ok(Standing::Code(hash));
        }
    }
    Ok(Standing::Stranger)
}

/// Where a code was mailed, recognisable only with the key outside the database.
pub(crate) fn address(resources: &Resources, email: &EmailAddress) -> [u8; 32] {
    resources.fingerprints.hash(&[b"login code of", email.key().as_bytes()])
}

/// Makes strangers of all devices of a person, because somebody else than their user set what they log in with.
pub(crate) async fn forget_all(resources: &Resources, tx: &Tx, user: &User) -> Result<(), Error> {
    Counter::of(resources, user).forget(tx).await?;
    login_codes::end_all(tx, user.user_id).await?;
    devices::end_all(tx, user.user_id).await
}
