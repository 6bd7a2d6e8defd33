//! Devices that logged in before: they do not wait for what strangers did.

use std::time::Duration;

/// What every device token begins with.
pub(crate) const PREFIX: &str = "rcd_";

/// How long a device is known after its last login.
pub(crate) const LIFETIME: Duration = Duration::from_hours(90 * 24);

/// The most devices of one person; the one that logged in longest ago gives way.
pub(crate) const MOST: u64 = 20;

/// What every code begins with by which a device logs in that nobody knows.
pub(crate) const CODE_PREFIX: &str = "rcl_";

/// How long such a code works: a day, so that one mail a day suffices whatever strangers do.
pub(crate) const CODE_LIFETIME: Duration = Duration::from_hours(24);

/// What a login carries along from its first call to its session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Carried {
    /// The hash of the token of a device that is known.
    pub(crate) device: Option<[u8; 32]>,
    /// Whose failures are forgotten once the whole login passed, not before.
    pub(crate) counted: Vec<[u8; 32]>,
    /// For whom the access tokens are; none for Rolecall itself.
    pub(crate) audience: Option<String>,
}
