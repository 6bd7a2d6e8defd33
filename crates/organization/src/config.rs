//! The configuration section of this context.

use std::time::Duration;

use serde::Deserialize;

/// How organization works; every value has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizationConfig {
    /// How long work that spans contexts is left to the process that began it.
    #[serde(with = "humantime_serde")]
    pub saga_lease: Duration,
    /// How long changes of access are kept for watchers that come back.
    #[serde(with = "humantime_serde")]
    pub access_changes_retention: Duration,
}

impl Default for OrganizationConfig {
    fn default() -> Self {
        // Longer than an answer of another context may take, so that nobody takes work over that is still being done.
        Self { saga_lease: Duration::from_secs(20), access_changes_retention: Duration::from_hours(7 * 24) }
    }
}

impl OrganizationConfig {
    /// Returns everything that is wrong with the values.
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(Duration::from_secs(1)..=Duration::from_mins(5)).contains(&self.saga_lease) {
            problems.push("organization.saga_lease must be between 1s and 5m".to_owned());
        }
        if self.access_changes_retention < Duration::from_mins(1) {
            problems.push("organization.access_changes_retention must be at least 1m".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use rolecall_rpc::channel::RemoteConfig;

    use super::*;

    #[test]
    fn work_is_taken_over_only_when_no_answer_can_come_any_more() {
        let peer = RemoteConfig::new("http://identity.example:50051");
        assert!(OrganizationConfig::default().saga_lease > peer.answer_timeout);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        assert!(OrganizationConfig::default().validate().is_empty());
        let wrong = OrganizationConfig { saga_lease: Duration::ZERO, access_changes_retention: Duration::ZERO };
        assert_eq!(wrong.validate().len(), 2);
    }
}
