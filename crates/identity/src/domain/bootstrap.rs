//! The installation's one beginning.

use rolecall_kernel::id::{OrganizationId, UserId};
use subtle::ConstantTimeEq as _;

/// What every setup secret begins with that was not chosen.
pub(crate) const PREFIX: &str = "rcs_";

/// How far the installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody has used the setup secret.
    Fresh,
    /// Somebody did; these identifiers are taken again when the same call comes back.
    Claimed {
        /// What was asked for, recognisable but not readable.
        fingerprint: [u8; 32],
        /// The first administrator.
        user_id: UserId,
        /// The home organization.
        organization_id: OrganizationId,
    },
    /// The first administrator exists.
    Done,
}

/// The installation.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    /// How far it is.
    pub(crate) stage: Stage,
    /// SHA-256 of the setup secret; gone once it was used.
    pub(crate) setup_secret_hash: Option<[u8; 32]>,
}

/// Why a bootstrap may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is done already.
    Done,
    /// The secret is wrong.
    WrongSecret,
    /// One with other content was begun.
    OtherContent,
}

impl Instance {
    /// Decides whether a bootstrap may go on, and under which identifiers it was begun.
    pub(crate) fn admit(
        &self,
        secret: Option<&[u8; 32]>,
        content: &[u8; 32],
    ) -> Result<Option<(UserId, OrganizationId)>, Refusal> {
        if self.stage == Stage::Done {
            return Err(Refusal::Done);
        }
        let known = match (secret, &self.setup_secret_hash) {
            (Some(given), Some(stored)) => bool::from(given.ct_eq(stored)),
            _ => false,
        };
        if !known {
            return Err(Refusal::WrongSecret);
        }
        match &self.stage {
            Stage::Claimed { fingerprint, user_id, organization_id } if fingerprint == content => {
                Ok(Some((*user_id, *organization_id)))
            }
            Stage::Claimed { .. } => Err(Refusal::OtherContent),
            Stage::Fresh | Stage::Done => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::time::Timestamp;

    use super::*;

    #[test]
    fn a_bootstrap_goes_on_only_with_the_same_secret_and_content() {
        let now = Timestamp::from_seconds(1);
        let (user_id, organization_id) = (UserId::new(now, &SystemEntropy), OrganizationId::new(now, &SystemEntropy));
        let claimed = Stage::Claimed { fingerprint: [7; 32], user_id, organization_id };
        let instance = |stage| Instance { stage, setup_secret_hash: Some([1; 32]) };
        assert_eq!(instance(Stage::Fresh).admit(Some(&[1; 32]), &[7; 32]), Ok(None));
        assert_eq!(instance(Stage::Fresh).admit(Some(&[2; 32]), &[7; 32]), Err(Refusal::WrongSecret));
        assert_eq!(instance(Stage::Fresh).admit(None, &[7; 32]), Err(Refusal::WrongSecret));
        let resumed = instance(claimed.clone()).admit(Some(&[1; 32]), &[7; 32]);
        assert_eq!(resumed, Ok(Some((user_id, organization_id))));
        assert_eq!(instance(claimed).admit(Some(&[1; 32]), &[8; 32]), Err(Refusal::OtherContent));
        assert_eq!(instance(Stage::Done).admit(Some(&[1; 32]), &[7; 32]), Err(Refusal::Done));
        let without = Instance { stage: Stage::Fresh, setup_secret_hash: None };
        assert_eq!(without.admit(Some(&[1; 32]), &[7; 32]), Err(Refusal::WrongSecret));
    }
}
