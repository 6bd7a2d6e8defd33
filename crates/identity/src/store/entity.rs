//! The tables as the mapper sees them; nothing outside of `store` does.
#![expect(unreachable_pub, reason = "the derived types of the mapper are public; this module is not")]

pub(super) mod access_token;
pub(super) mod api_key;
pub(super) mod challenge;
pub(super) mod credential;
pub(super) mod factor;
pub(super) mod instance;
pub(super) mod invitation;
pub(super) mod login_failure;
pub(super) mod mail_budget;
pub(super) mod one_time_code;
pub(super) mod recovery_code;
pub(super) mod refresh_token;
pub(super) mod saga;
pub(super) mod service_account;
pub(super) mod session;
pub(super) mod signing_key;
pub(super) mod user;
pub(super) mod user_word;
