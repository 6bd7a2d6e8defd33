//! Errors about how organizations want to be run.

use rolecall_api::organization::v1::ErrorReason;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{invalid, not_entitled, organization_not_found, peer_unavailable, refusal, request_id_reused, store};
use crate::app::read_organizations::DirectoryError;
use crate::app::update_settings;
use crate::domain::settings::Misfit;

pub(in crate::grpc) fn update_settings(error: update_settings::Error) -> Status {
    use update_settings::Error as E;
    match error {
        E::NotFound => organization_not_found(),
        E::NotEntitled => not_entitled(),
        E::Misfits(misfits) => {
            let mut violations = Violations::default();
            for misfit in misfits {
                note_misfit(&mut violations, misfit);
            }
            invalid(violations)
        }
        E::EtagMismatch { current } => {
            let message = format!("The settings have changed to {current}; read them again and repeat.");
            refusal(ErrorReason::EtagMismatch, &message).metadata("etag", current).build()
        }
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}

fn note_misfit(violations: &mut Violations, misfit: Misfit) {
    match misfit {
        Misfit::PasswordsTooShort(least) => {
            let description = format!("must be at least {least}, or 0, where no second factor is required");
            violations.push("settings.password_policy.min_characters", "OUT_OF_RANGE", description);
        }
        Misfit::IdleBeyondAbsolute => {
            let description = "must be no longer than session_limits.absolute";
            violations.push("settings.session_limits.idle", "OUT_OF_RANGE", description);
        }
    }
}

pub(in crate::grpc) fn directory(error: DirectoryError) -> Status {
    match error {
        DirectoryError::Peer(_) => peer_unavailable(),
        DirectoryError::Store(error) => store(error),
    }
}
