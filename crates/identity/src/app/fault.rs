//! Failures that no use case can do anything about.

use rolecall_db::Error as StoreError;

use super::signing_keys::SigningKeyError;
use crate::hashing::HashingError;
use crate::peers::PeerError;

/// Something that the work needs did not do its part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The database.
    #[error("the database did not do its part")]
    Store(#[from] StoreError),
    /// Another context.
    #[error("another context did not do its part")]
    Peer(#[from] PeerError),
    /// The hashing of passwords.
    #[error("passwords cannot be hashed now")]
    Hashing(#[from] HashingError),
    /// A rule of ours does not hold.
    #[error("{0}")]
    Defect(&'static str),
}

impl From<SigningKeyError> for Fault {
    fn from(error: SigningKeyError) -> Self {
        match error {
            SigningKeyError::Store(error) => Self::Store(error),
            SigningKeyError::WrongMasterKey | SigningKeyError::Malformed => {
                Self::Defect("a stored signing key is not usable")
            }
        }
    }
}

impl Fault {
    /// Whether a parallel run of the same request stored its answer first.
    pub(crate) fn is_repeat(&self) -> bool {
        matches!(self, Self::Store(error) if error.violates(rolecall_db::idempotency::CONSTRAINT))
    }

    /// Whether the database refused because of this unique constraint.
    pub(crate) fn violates(&self, constraint: &str) -> bool {
        matches!(self, Self::Store(error) if error.violates(constraint))
    }
}

/// Lets a use case's `Error::Fault` take every failure by `?`.
macro_rules! take_faults {
    ($error:ty) => {
        impl From<rolecall_db::Error> for $error {
            fn from(error: rolecall_db::Error) -> Self {
                Self::Fault(error.into())
            }
        }

        impl From<crate::peers::PeerError> for $error {
            fn from(error: crate::peers::PeerError) -> Self {
                Self::Fault(error.into())
            }
        }

        impl From<crate::hashing::HashingError> for $error {
            fn from(error: crate::hashing::HashingError) -> Self {
                Self::Fault(error.into())
            }
        }
    };
}

pub(crate) use take_faults;
