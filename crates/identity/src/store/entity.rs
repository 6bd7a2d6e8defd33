//! The tables as the mapper sees them; nothing outside of `store` does.
#![expect(unreachable_pub, reason = "the derived types of the mapper are public; this module is not")]

pub(super) mod access_token;
pub(super) mod api_key;
pub(super) mod awaited_password;
pub(super) mod challenge;
pub(super) mod credential;
pub(super) mod device;
pub(super) mod domain;
pub(super) mod factor;
pub(super) mod guest;
pub(super) mod guest_refresh_token;
pub(super) mod identity_provider;
pub(super) mod instance;
pub(super) mod instance_settings;
pub(super) mod invitation;
pub(super) mod linked_identity;
pub(super) mod login_code;
pub(super) mod login_failure;
pub(super) mod mail_budget;
pub(super) mod one_time_code;
pub(super) mod organization_ending;
pub(super) mod recovery_code;
pub(super) mod refresh_token;
pub(super) mod registration;
pub(super) mod saga;
pub(super) mod service_account;
pub(super) mod session;
pub(super) mod signing_key;
pub(super) mod sso_login;
pub(super) mod sso_session;
pub(super) mod used_assertion;
pub(super) mod user;
pub(super) mod user_word;
