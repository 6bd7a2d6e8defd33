//! The settings of this crate.

/// How access is decided; every value has a default.
#[derive(Debug, Clone)]
pub struct AccessConfig {
    /// How much memory the snapshot of all facts may take, in MiB. An installation with more facts is answered from the
    /// database.
    pub snapshot_mib: u32,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { snapshot_mib: 256 }
    }
}

impl AccessConfig {
    /// Returns the limit in bytes.
    pub(crate) fn limit(&self) -> usize {
        usize::try_from(self.snapshot_mib).unwrap_or(usize::MAX).saturating_mul(1024 * 1024)
    }
}
