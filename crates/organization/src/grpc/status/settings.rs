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
        E::ProviderMissing => {
            let message = "No identity provider of the organization serves; connect one and switch it on first.";
            refusal(ErrorReason::ProviderMissing, message).build()
        }
        E::BreakGlassUnfit => {
            let message = "The break-glass owner has to be an owner of the organization who can act and has a second \
                           factor here; name another, or let it set an authenticator app up.";
            refusal(ErrorReason::BreakGlassUnfit, message).build()
        }
        E::AdminAmongMembers => {
            let message = "Administrators of the instance are members, and no identity provider speaks for them; only \
                           the break-glass owner may be one.";
            refusal(ErrorReason::AdminAmongMembers, message).build()
        }
        E::Peer(_) => peer_unavailable(),
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
        Misfit::RegistrationWithoutPasswords => {
            let description = "must be REGISTRATION_MODE_MANUAL where login_policy is LOGIN_POLICY_SSO";
            violations.push("settings.registration_mode", "MISFIT", description);
        }
        Misfit::BreakGlassMissing => {
            let description = "must name an owner where login_policy is LOGIN_POLICY_SSO";
            violations.push("settings.break_glass_user_id", "REQUIRED", description);
        }
        Misfit::BreakGlassWithPasswords => {
            let description = "must be empty where login_policy is LOGIN_POLICY_MANAGED";
            violations.push("settings.break_glass_user_id", "MISFIT", description);
        }
    }
}

pub(in crate::grpc) fn directory(error: DirectoryError) -> Status {
    match error {
        DirectoryError::Peer(_) => peer_unavailable(),
        DirectoryError::Store(error) => store(error),
    }
}
