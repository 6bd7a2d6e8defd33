//! Use cases, one a file: a command goes in, an outcome that the caller can act on comes out.
//!
//! A use case speaks of domain, store and peers, never of messages. Passwords are hashed and other
//! contexts are called before or after a transaction, never inside.

pub(crate) mod accept_invitation;
pub(crate) mod bootstrap;
pub(crate) mod change_password;
pub(crate) mod check_session;
pub(crate) mod create_api_key;
pub(crate) mod create_service_account;
pub(crate) mod create_user;
pub(crate) mod delete_api_key;
pub(crate) mod delete_service_account;
pub(crate) mod end_sessions_of_blocked;
pub(crate) mod exchange_api_key;
pub(crate) mod fault;
pub(crate) mod get_invitation;
pub(crate) mod invite;
pub(crate) mod invite_first_owner;
pub(crate) mod log_in;
pub(crate) mod log_out;
pub(crate) mod login_failure;
pub(crate) mod once;
pub(crate) mod read_contacts;
pub(crate) mod read_service_accounts;
pub(crate) mod read_users;
pub(crate) mod refresh_tokens;
pub(crate) mod resend_invitation;
pub(crate) mod revoke;
pub(crate) mod saga;
pub(crate) mod setup_secret;
pub(crate) mod signing_keys;
pub(crate) mod tokens;
pub(crate) mod watch_revocations;

use std::sync::Arc;

use rolecall_authz::{Revocations, TokenSigner};
use rolecall_db::Database;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::time::{Clock, Timestamp};

use crate::config::IdentityConfig;
use crate::domain::password::PasswordPolicy;
use crate::events::publish::Publisher;
use crate::hashing::Hashing;
use crate::peers::Organization;

/// What use cases work with; one for the life of the process.
#[derive(Debug)]
pub(crate) struct Resources {
    /// The tables.
    pub(crate) db: Database,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Where passwords are hashed.
    pub(crate) hashing: Hashing,
    /// The organization context.
    pub(crate) organization: Organization,
    /// The way into the outbox.
    pub(crate) publisher: Publisher,
    /// Ended tokens, as this process knows them.
    pub(crate) revocations: Revocations,
    /// What signs access tokens.
    pub(crate) signer: TokenSigner,
    /// Derives successors of refresh tokens.
    pub(crate) successors: KeyedHash,
    /// Hashes what is stored of requests and of strangers' addresses.
    pub(crate) fingerprints: KeyedHash,
    /// What a new password must satisfy.
    pub(crate) password_policy: PasswordPolicy,
    /// Lifetimes and limits.
    pub(crate) config: IdentityConfig,
}

impl Resources {
    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
