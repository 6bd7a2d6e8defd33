//! The identity section of the configuration.

mod pages;

use std::time::Duration;

use argon2::Params;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_outbound::OutboundConfig;
use serde::Deserialize;

use crate::domain::session::{AuthMethods, Lifetimes};

pub use pages::{PageLinks, PagesConfig};

/// How identity works; every field has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// What the installation is called, before anybody logged in.
    pub server_name: String,
    /// The version that `GetServerInfo` tells.
    #[serde(skip)]
    pub server_version: String,
    /// The `iss` of access tokens.
    pub issuer: String,
    /// The `aud` of access tokens for Rolecall itself.
    pub audience: String,
    /// Whether service accounts may have keys that are secrets; without them programs sign assertions.
    pub secret_keys: bool,
    /// Other backends for which access tokens are issued; Rolecall refuses those tokens.
    pub audiences: Vec<String>,
    /// Where browsers may be sent after a single sign-on, beside programs on the person's own machine.
    pub sso_return_urls: Vec<String>,
    /// How identity providers and name servers are reached; set from `[outbound]`.
    #[serde(skip)]
    pub outbound: OutboundConfig,
    /// How passwords are hashed.
    pub hashing: HashingConfig,
    /// The pages that mails link to; set from `[pages]` and `[server]`.
    #[serde(skip)]
    pub pages: PagesConfig,
    /// Life of an access token.
    #[serde(with = "humantime_serde")]
    pub access_token_lifetime: Duration,
    /// A session ends when its refresh token is not used for this long.
    #[serde(with = "humantime_serde")]
    pub session_idle: Duration,
    /// A session ends this long after the login.
    #[serde(with = "humantime_serde")]
    pub session_absolute: Duration,
    /// The same as `session_idle`, for a login with a second factor.
    #[serde(with = "humantime_serde")]
    pub mfa_session_idle: Duration,
    /// The same as `session_absolute`, for a login with a second factor.
    #[serde(with = "humantime_serde")]
    pub mfa_session_absolute: Duration,
    /// The most sessions of one person; the oldest gives way.
    pub max_sessions: u64,
    /// How many guests one network may begin in an hour, and five times as many in a day.
    pub guests_per_network: u32,
    /// The most guests of one organization at a time.
    pub max_guests: u32,
    /// How long an invitation can be accepted.
    #[serde(with = "humantime_serde")]
    pub invitation_lifetime: Duration,
    /// The most registrations from one network within an hour, and five times as many within a day; 0 means no limit.
    pub registrations_per_network: u32,
    /// How long a deleted account is kept, and its address reserved.
    #[serde(with = "humantime_serde")]
    pub deleted_retention: Duration,
    /// How long a new signing key is published before it signs; the longest for which a verifier may remember keys.
    #[serde(with = "humantime_serde")]
    pub key_publication: Duration,
    /// How long a signing key signs before a new one is made.
    #[serde(with = "humantime_serde")]
    pub key_lifetime: Duration,
    /// How long unfinished work is left to the process that began it.
    #[serde(with = "humantime_serde")]
    pub saga_lease: Duration,
    /// The setup secret of a new installation, where the operator chose it.
    #[serde(skip)]
    pub setup_secret: Option<OpaqueToken>,
}

/// How passwords are hashed (Argon2id, RFC 9106).
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashingConfig {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// How many are computed at once; 0 means one a processor.
    pub workers: usize,
    /// How many may wait; more are refused at once.
    pub queue: usize,
    /// Lets tests hash cheaply.
    #[serde(skip)]
    #[doc(hidden)]
    pub weak_for_tests: bool,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            server_name: "Rolecall".to_owned(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            issuer: "rolecall".to_owned(),
            audience: "rolecall".to_owned(),
            secret_keys: true,
            audiences: Vec::new(),
            sso_return_urls: Vec::new(),
            outbound: OutboundConfig::default(),
            hashing: HashingConfig::default(),
            pages: PagesConfig::default(),
            access_token_lifetime: Duration::from_mins(5),
            session_idle: day,
            session_absolute: day * 7,
            // NIST SP 800-63B-4, section 2.2.3.
            mfa_session_idle: Duration::from_hours(1),
            mfa_session_absolute: Duration::from_hours(12),
            max_sessions: 20,
            guests_per_network: 20,
            max_guests: 1_000,
            invitation_lifetime: day * 7,
            registrations_per_network: 20,
            key_publication: Duration::from_mins(5),
            key_lifetime: day * 90,
            deleted_retention: day * 30,
            // Longer than the 15 s for which a call to another context is waited for, so that work
            // is not taken over while its worker may still be answered.
            saga_lease: Duration::from_secs(20),
            setup_secret: None,
        }
    }
}

impl Default for HashingConfig {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1, workers: 0, queue: 64, weak_for_tests: false }
    }
}

impl IdentityConfig {
    /// Reports everything that is wrong, each with what to write instead.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut problems = self.hashing.problems();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("identity.{problem}"));
            }
        };
        check(!self.server_name.trim().is_empty(), "server_name must not be empty");
        check(!self.issuer.is_empty() && !self.audience.is_empty(), "issuer and identity.audience must not be empty");
        let is_plain = |audience: &String| !audience.is_empty() && audience.chars().all(|c| c.is_ascii_graphic());
        let others = &self.audiences;
        check(others.iter().all(is_plain), "audiences must be of printable characters without spaces");
        check(!others.contains(&self.audience), "audiences must not name identity.audience");
        let access = self.access_token_lifetime;
        let accepted = Duration::from_secs(10)..=rolecall_authz::MAX_ACCESS_LIFETIME;
        check(accepted.contains(&access), "access_token_lifetime must lie between 10s and 30min");
        check(self.session_idle >= access, "session_idle must not be shorter than access_token_lifetime");
        check(self.session_absolute >= self.session_idle, "session_absolute must not be shorter than session_idle");
        let (idle, absolute) = (self.mfa_session_idle, self.mfa_session_absolute);
        check(idle >= access, "mfa_session_idle must not be shorter than access_token_lifetime");
        check(absolute >= idle, "mfa_session_absolute must not be shorter than mfa_session_idle");
        check(self.max_sessions >= 1, "max_sessions must be 1 or more");
        check(!self.invitation_lifetime.is_zero(), "invitation_lifetime must be longer than zero");
        check(self.deleted_retention >= access, "deleted_retention must not be shorter than access_token_lifetime");
        let publication = Duration::from_secs(10)..=Duration::from_hours(24);
        check(publication.contains(&self.key_publication), "key_publication must lie between 10s and 1day");
        let longest_wait = self.key_publication + access;
        check(self.key_lifetime >= longest_wait * 2, "key_lifetime must be twice key_publication and more");
        check(self.saga_lease >= Duration::from_millis(100), "saga_lease must be 100ms or more");
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// How long others may remember the published keys: well below the time for which a new one is published first.
    pub(crate) fn key_max_age(&self) -> Duration {
        (self.key_publication / 2).min(Duration::from_mins(1))
    }

    /// How long a session lives that was opened by these methods.
    pub(crate) const fn lifetimes(&self, methods: AuthMethods) -> Lifetimes {
        let is_multiple =
            methods.includes(AuthMethods::ONE_TIME_CODE) || methods.includes(AuthMethods::FEDERATED_MULTIPLE);
        let (idle, absolute) = if is_multiple {
            (self.mfa_session_idle, self.mfa_session_absolute)
        } else {
            (self.session_idle, self.session_absolute)
        };
        Lifetimes { access: self.access_token_lifetime, idle, absolute, grace: Self::refresh_grace() }
    }

    /// For how long a repeated refresh gets the same successor.
    pub(crate) const fn refresh_grace() -> Duration {
        Duration::from_secs(30)
    }
}

impl HashingConfig {
    /// Parameters that make a test run short; never accepted from a file.
    #[doc(hidden)]
    pub fn weak_for_tests() -> Self {
        Self { memory_kib: 64, iterations: 1, weak_for_tests: true, ..Self::default() }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        // OWASP's two equivalent floors: 19 MiB with two passes, 46 MiB with one.
        let strong = (self.memory_kib >= 19_456 && self.iterations >= 2) || self.memory_kib >= 47_104;
        if !strong && !self.weak_for_tests {
            problems.push("identity.hashing must use at least memory_kib = 19456 with iterations = 2".to_owned());
        }
        if Params::new(self.memory_kib, self.iterations, self.parallelism, Some(32)).is_err() {
            problems.push("identity.hashing does not fit together: raise memory_kib or lower parallelism".to_owned());
        }
        if self.queue == 0 {
            problems.push("identity.hashing.queue must be 1 or more".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(IdentityConfig::default().validate(), Ok(()));
    }

    #[test]
    fn asvs_v11_4_2_weaker_hashing_is_refused_and_all_problems_are_reported() {
        let hashing = HashingConfig { memory_kib: 19_455, queue: 0, ..HashingConfig::default() };
        let config = IdentityConfig { hashing, max_sessions: 0, ..IdentityConfig::default() };
        assert_eq!(config.validate().expect_err("refused").len(), 3);
        let one_pass = HashingConfig { memory_kib: 47_104, iterations: 1, ..HashingConfig::default() };
        assert!(one_pass.problems().is_empty());
    }
}
