//! The tables of identity: free functions by aggregate that speak domain types.

mod entity;
mod scope;

pub(crate) mod api_keys;
pub(crate) mod credentials;
pub(crate) mod instance;
pub(crate) mod invitations;
pub(crate) mod login_failures;
pub(crate) mod migrations;
pub(crate) mod refresh_tokens;
pub(crate) mod revocations;
pub(crate) mod sagas;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod users;

use rolecall_db::{Error, UniqueConstraint, constraints};
use sea_orm::DbErr;

/// The unique constraint that decides whether an address is free.
pub(crate) const USERS_EMAIL_KEY: &str = "users_email_key";
/// The unique constraint that an account made twice violates.
pub(crate) const USERS_PKEY: &str = "users_pkey";

/// The unique constraints by name, which SQLite does not report.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "users_pkey" => "users", ["user_id"];
    "users_email_key" => "users", ["email_key"];
    "credentials_pkey" => "credentials", ["user_id"];
    "invitations_code_hash_key" => "invitations", ["code_hash"];
    "refresh_tokens_pkey" => "refresh_tokens", ["token_hash"];
    "sagas_pkey" => "sagas", ["saga_id"];
    "api_keys_key_hash_key" => "api_keys", ["key_hash"];
};

/// Reports a row that breaks a rule of the domain: somebody wrote to the tables by hand.
fn corrupt(what: &str) -> Error {
    Error::Internal(DbErr::Custom(format!("a stored {what} breaks its rules")))
}

/// Reads 32 stored bytes.
fn digest(bytes: Vec<u8>, what: &str) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| corrupt(what))
}
