//! What an account, an invitation, a session are, and how each may change: pure, time is an argument.

pub(crate) mod bootstrap;
pub(crate) mod event;
pub(crate) mod invitation;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod revocation;
pub(crate) mod saga;
pub(crate) mod service_account;
pub(crate) mod session;
pub(crate) mod throttle;
pub(crate) mod user;
