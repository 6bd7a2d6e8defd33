//! The tables of identity: free functions by aggregate that speak domain types.

mod entity;
mod scope;
mod user_words;

pub(crate) mod access_tokens;
pub(crate) mod api_keys;
pub(crate) mod challenges;
pub(crate) mod codes;
pub(crate) mod credentials;
pub(crate) mod factors;
pub(crate) mod instance;
pub(crate) mod invitations;
pub(crate) mod login_failures;
pub(crate) mod mail_budgets;
pub(crate) mod migrations;
pub(crate) mod recovery_codes;
pub(crate) mod refresh_tokens;
pub(crate) mod revocations;
pub(crate) mod sagas;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
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

/// The unique constraints by name, which SQLite does not report.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "users_pkey" => "users", ["user_id"];
    "users_email_key" => "users", ["email_key"];
    "credentials_pkey" => "credentials", ["user_id"];
    "user_words_pkey" => "user_words", ["word", "user_id"];
    "one_time_codes_pkey" => "one_time_codes", ["code_hash"];
    "one_time_codes_open_key" => "one_time_codes", ["user_id", "purpose"];
    "invitations_code_hash_key" => "invitations", ["code_hash"];
    "refresh_tokens_pkey" => "refresh_tokens", ["token_hash"];
    "sagas_pkey" => "sagas", ["saga_id"];
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
