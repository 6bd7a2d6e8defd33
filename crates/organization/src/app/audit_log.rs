//! The audit log as a hash chain: numbering, sealing, signing, reading, verifying.

pub(crate) mod chain;
pub(crate) mod checkpoints;
pub(crate) mod details;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod lag;
pub(crate) mod verify;
pub(crate) mod walk;

use std::sync::Arc;

use rolecall_kernel::audit::CheckpointSigner;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::{MasterKey, Purpose, Sealer};
use tokio::sync::Notify;
use uuid::Uuid;

/// What the log is kept with.
#[derive(Debug)]
pub(crate) struct AuditLog {
    /// Seals the keys of subjects.
    pub(crate) subjects: Sealer,
    /// Signs checkpoints.
    pub(crate) signer: CheckpointSigner,
    /// This process, among those that want to number.
    pub(crate) holder: Uuid,
    /// Told when entries were taken that have no number yet.
    pub(crate) taken: Arc<Notify>,
}

impl AuditLog {
    /// Derives its keys from the master key.
    pub(crate) fn new(master_key: &MasterKey, entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self {
            subjects: master_key.sealer(Purpose::AuditSubject),
            signer: CheckpointSigner::from_seed(&master_key.derive(Purpose::AuditCheckpoint)),
            holder: Uuid::from_bytes(random),
            taken: Arc::default(),
        }
    }
}
