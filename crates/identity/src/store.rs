//! The tables of identity: free functions by aggregate that speak domain types.

mod entity;
mod scope;
mod user_words;

pub(crate) mod access_tokens;
pub(crate) mod api_keys;
pub(crate) mod awaited_passwords;
pub(crate) mod challenges;
pub(crate) mod codes;
pub(crate) mod credentials;
pub(crate) mod devices;
pub(crate) mod domains;
pub(crate) mod factors;
pub(crate) mod guests;
pub(crate) mod identity_providers;
pub(crate) mod instance;
pub(crate) mod instance_settings;
pub(crate) mod invitations;
pub(crate) mod linked_identities;
pub(crate) mod login_codes;
pub(crate) mod login_failures;
pub(crate) mod mail_budgets;
pub(crate) mod migrations;
pub(crate) mod organization_endings;
pub(crate) mod recovery_codes;
pub(crate) mod refresh_tokens;
pub(crate) mod registrations;
pub(crate) mod revocations;
pub(crate) mod sagas;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod sso_logins;
pub(crate) mod used_assertions;
pub(crate) mod user_list;
pub(crate) mod users;

use rolecall_db::{Error, UniqueConstraint, constraints};
use sea_orm::DbErr;

/// The unique constraint that decides whether an address is free.
pub(crate) const USERS_EMAIL_KEY: &str = "users_email_key";
/// The unique constraint that an account made twice violates.
pub(crate) const USERS_PKEY: &str = "users_pkey";

/// The unique constraint that a second piece of work on the same account violates.
pub(crate) const SAGAS_PKEY: &str = "sagas_pkey";

/// The unique constraint that a domain violates which its organization claimed before.
pub(crate) const DOMAINS_ORGANIZATION_KEY: &str = "domains_organization_key";
/// The unique constraint that a domain violates which another organization proved.
pub(crate) const DOMAINS_NAME_KEY: &str = "domains_name_key";
/// The unique constraint that decides whom a provider knows by a subject.
pub(crate) const LINKED_IDENTITIES_SUBJECT_KEY: &str = "linked_identities_subject_key";

/// The unique constraints by name, which SQLite does not report.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "users_pkey" => "users", ["user_id"];
    "users_email_key" => "users", ["email_key"];
    "credentials_pkey" => "credentials", ["user_id"];
    "user_words_pkey" => "user_words", ["word", "user_id"];
    "one_time_codes_pkey" => "one_time_codes", ["code_hash"];
    "one_time_codes_open_key" => "one_time_codes", ["user_id", "purpose"];
    "devices_pkey" => "devices", ["token_hash"];
    "login_codes_pkey" => "login_codes", ["user_id"];
    "login_codes_code_hash_key" => "login_codes", ["code_hash"];
    "invitations_code_hash_key" => "invitations", ["code_hash"];
    "registrations_email_key" => "registrations", ["email_key"];
    "registrations_code_hash_key" => "registrations", ["code_hash"];
    "registrations_claimed_user_key" => "registrations", ["claimed_user_id"];
    "refresh_tokens_pkey" => "refresh_tokens", ["token_hash"];
    "guests_pkey" => "guests", ["guest_id"];
    "guest_refresh_tokens_pkey" => "guest_refresh_tokens", ["token_hash"];
    "sagas_pkey" => "sagas", ["saga_id"];
    "domains_organization_key" => "domains", ["organization_id", "name"];
    "domains_name_key" => "domains", ["name"];
    "linked_identities_subject_key" => "linked_identities", ["issuer", "subject"];
    "sso_logins_pkey" => "sso_logins", ["token_hash"];
    "sso_logins_state_hash_key" => "sso_logins", ["state_hash"];
    "sso_sessions_pkey" => "sso_sessions", ["session_id"];
    "api_keys_key_hash_key" => "api_keys", ["key_hash"];
    "access_tokens_token_hash_key" => "access_tokens", ["token_hash"];
};

/// Reports a row that breaks a rule of the domain: somebody wrote to the tables by hand.
fn corrupt(what: &str) -> Error {
    Error::Internal(DbErr::Custom(format!("a stored {what} breaks its rules")))
}

/// Reads 32 stored bytes.
fn digest(bytes: Vec<u8>, what: &str) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| corrupt(what))
}
