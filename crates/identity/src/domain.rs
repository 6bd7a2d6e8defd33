//! What an account, an invitation, a session are, and how each may change: pure, time is an argument.

pub(crate) mod access_token;
pub(crate) mod bootstrap;
pub(crate) mod challenge;
pub(crate) mod code;
pub(crate) mod event;
pub(crate) mod factor;
pub(crate) mod fold;
pub(crate) mod invitation;
pub(crate) mod mail_budget;
pub(crate) mod password;
pub(crate) mod recovery_code;
pub(crate) mod refresh;
pub(crate) mod revocation;
pub(crate) mod saga;
pub(crate) mod service_account;
pub(crate) mod session;
pub(crate) mod throttle;
pub(crate) mod totp;
pub(crate) mod user;
pub(crate) mod user_change;
pub(crate) mod user_list;
