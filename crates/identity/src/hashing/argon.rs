//! Argon2id (RFC 9106) in memory that is kept from one hash to the next.
//!
//! Memory of this size, allocated anew for each hash, costs a page fault for every 4 KiB of it, and
//! the allocator goes on holding it for every thread that ever hashed.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::HashingError;
use crate::config::HashingConfig;

/// Bytes of a hash.
const OUTPUT: usize = 32;

/// Makes and compares hashes; clones share the memory.
#[derive(Clone)]
pub(super) struct Argon {
    argon2: Argon2<'static>,
    /// Memory that nobody uses just now: never more pieces than hashes were ever made at once.
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Argon {
    /// Takes the parameters of new hashes.
    pub(super) fn new(config: &HashingConfig) -> Result<Self, HashingError> {
        let params = Params::new(config.memory_kib, config.iterations, config.parallelism, Some(OUTPUT))
            .map_err(|_| HashingError::Broken)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { argon2, spare: Arc::default() })
    }

    /// Hashes a password into a PHC string.
    pub(super) fn hash(&self, password: &[u8], salt: &[u8]) -> Result<String, HashingError> {
        let broken = |_| HashingError::Broken;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(self.argon2.params()).map_err(|_| HashingError::Broken)?,
            salt: Some(Salt::new(salt).map_err(broken)?),
            hash: Some(self.compute(password, salt).ok_or(HashingError::Broken)?),
        };
        Ok(hash.to_string())
    }

    /// Compares a password with a hash, whatever parameters that one was made with.
    pub(super) fn verify(&self, password: &[u8], stored: &PasswordHash) -> bool {
        match (&stored.salt, &stored.hash) {
            // Outputs are compared in constant time.
            (Some(salt), Some(expected)) if self.is_like_ours(stored) => {
                self.compute(password, salt).is_some_and(|computed| computed == *expected)
            }
            _ => self.argon2.verify_password(password, stored).is_ok(),
        }
    }

    /// Whether a hash was made as new ones are.
    pub(super) fn is_like_ours(&self, stored: &PasswordHash) -> bool {
        let ours = self.argon2.params();
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        stored.algorithm == Algorithm::Argon2id.ident()
            && stored.version == Some(Version::V0x13.into())
            && stored.hash.as_ref().is_some_and(|hash| hash.len() == OUTPUT)
            && Params::try_from(stored).is_ok_and(|theirs| costs(&theirs) == costs(ours))
    }

    /// Gives back the memory that nobody uses just now, which the next hashes take anew.
    pub(super) fn release(&self) {
        self.pieces().clear();
    }

    fn compute(&self, password: &[u8], salt: &[u8]) -> Option<Output> {
        let spare = self.pieces().pop();
        let mut memory = spare.unwrap_or_else(|| vec![Block::new(); self.argon2.params().block_count()]);
        let mut output = [0; OUTPUT];
        let done = self.argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory);
        self.pieces().push(memory);
        done.ok().and_then(|()| Output::new(&output).ok())
    }

    fn pieces(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
