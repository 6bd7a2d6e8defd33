//! Use cases, one a file: a command goes in, an outcome that the caller can act on comes out.
//!
//! A use case speaks of domain, store and peers, never of messages. Passwords are hashed and other
//! contexts are called before or after a transaction, never inside.

pub(crate) mod accept_invitation;
pub(crate) mod access_tokens;
pub(crate) mod answer_challenge;
pub(crate) mod bootstrap;
pub(crate) mod challenge;
pub(crate) mod change_email;
pub(crate) mod change_password;
pub(crate) mod check_session;
pub(crate) mod check_single_sign_on;
pub(crate) mod codes;
pub(crate) mod confirm_email_change;
pub(crate) mod confirm_totp;
pub(crate) mod create_access_token;
pub(crate) mod create_api_key;
pub(crate) mod create_service_account;
pub(crate) mod create_user;
pub(crate) mod delete_api_key;
pub(crate) mod delete_service_account;
pub(crate) mod delete_user;
pub(crate) mod delivery;
pub(crate) mod device;
pub(crate) mod end_codes_of_changed;
pub(crate) mod end_organization;
pub(crate) mod end_sessions_of_blocked;
pub(crate) mod enroll_totp;
pub(crate) mod enrollment;
pub(crate) mod equals;
pub(crate) mod exchange_api_key;
pub(crate) mod fault;
pub(crate) mod get_code;
pub(crate) mod get_invitation;
pub(crate) mod get_registration;
pub(crate) mod impersonate_user;
pub(crate) mod instance_settings;
pub(crate) mod introspect_token;
pub(crate) mod invite;
pub(crate) mod invite_first_owner;
pub(crate) mod issue_password_reset;
pub(crate) mod last_used;
pub(crate) mod list_factors;
pub(crate) mod list_invitations;
pub(crate) mod log_in;
pub(crate) mod log_in_as_guest;
pub(crate) mod log_out;
pub(crate) mod log_out_guest;
pub(crate) mod login_code;
pub(crate) mod login_failure;
pub(crate) mod login_options;
pub(crate) mod mail_budget;
pub(crate) mod once;
pub(crate) mod open_session;
pub(crate) mod password_rules;
pub(crate) mod proven_address;
pub(crate) mod read_access_tokens;
pub(crate) mod read_contacts;
pub(crate) mod read_service_accounts;
pub(crate) mod read_sessions;
pub(crate) mod read_users;
pub(crate) mod reauthenticate;
pub(crate) mod recovery_codes;
pub(crate) mod refresh_guest;
pub(crate) mod refresh_tokens;
pub(crate) mod regenerate_recovery_codes;
pub(crate) mod register;
pub(crate) mod registration_codes;
pub(crate) mod registration_limit;
pub(crate) mod remove_factor;
pub(crate) mod request_password_reset;
pub(crate) mod require_sso;
pub(crate) mod resend_invitation;
pub(crate) mod resend_verification;
pub(crate) mod reset_password;
pub(crate) mod reset_user_factors;
pub(crate) mod revoke;
pub(crate) mod revoke_access_token;
pub(crate) mod revoke_invitation;
pub(crate) mod revoke_sessions;
pub(crate) mod rotate_signing_keys;
pub(crate) mod saga;
pub(crate) mod second_factor;
pub(crate) mod set_user_password;
pub(crate) mod setup_secret;
pub(crate) mod signing_keys;
pub(crate) mod sso;
pub(crate) mod taken_addresses;
pub(crate) mod tokens;
pub(crate) mod update_service_account;
pub(crate) mod update_user;
pub(crate) mod verify_email;
pub(crate) mod watch_revocations;
pub(crate) mod write_refusals;
pub(crate) mod yield_address;

use std::sync::Arc;

use rolecall_authz::{Revocations, Verifier};
use rolecall_db::Database;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::{KeyedHash, Sealer};
use rolecall_kernel::time::{Clock, Timestamp};

use self::last_used::LastUsed;
use self::signing_keys::KeyRing;
use crate::config::IdentityConfig;
use crate::domain::password::PasswordPolicy;
use crate::events::publish::Publisher;
use crate::hashing::Hashing;
use crate::oidc::Oidc;
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
    /// What signs access tokens, and the keys that this process trusts.
    pub(crate) signer: KeyRing,
    /// What examines the tokens that others ask about.
    pub(crate) verifier: Verifier,
    /// When keys and personal access tokens were last used.
    pub(crate) last_used: LastUsed,
    /// Derives successors of refresh tokens.
    pub(crate) successors: KeyedHash,
    /// Seals the secrets of second factors.
    pub(crate) factor_secrets: Sealer,
    /// Speaks with identity providers.
    pub(crate) oidc: Oidc,
    /// Seals the secrets of identity providers, and of logins that are under way there.
    pub(crate) provider_secrets: Sealer,
    /// Hashes what is stored of requests and of strangers' addresses.
    pub(crate) fingerprints: KeyedHash,
    /// Hashes addresses that persons proved.
    pub(crate) proofs: KeyedHash,
    /// Where requests for a new password wait for their turn.
    pub(crate) resets: request_password_reset::Queue,
    /// Where mails of login codes wait for theirs.
    pub(crate) login_codes: request_password_reset::Queue,
    /// What a new password must satisfy.
    pub(crate) password_policy: PasswordPolicy,
    /// What the installation is called.
    pub(crate) instance_name: instance_settings::Name,
    /// Lifetimes and limits.
    pub(crate) config: IdentityConfig,
}

impl Resources {
    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
