//! Challenges and second factors as messages, and their codes as commands.

use rolecall_api::identity::v1 as wire;
use rolecall_kernel::text::PersonName;
use tonic::Status;

use super::convert::Fields;
use super::render;
use crate::app::challenge::Issued;
use crate::app::enrollment::Enrollment;
use crate::app::fault::Fault;
use crate::domain::challenge::Due;
use crate::domain::factor::{Factor, FactorCode};
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::totp::TotpCode;
use crate::qr_code;

/// What a factor is called that has no name.
const UNNAMED: &str = "Authenticator app";

/// Renders a challenge.
pub(super) fn challenge(issued: &Issued) -> Result<wire::Challenge, Status> {
    let kind = match issued.due {
        Due::Factor => wire::ChallengeKind::Factor,
        Due::EnrollFactor => wire::ChallengeKind::EnrollFactor,
        Due::ChangePassword => wire::ChallengeKind::ChangePassword,
    };
    Ok(wire::Challenge {
        challenge_token: issued.token.expose().to_owned(),
        expire_time: Some(render::time(issued.expires)),
        kind: kind.into(),
        totp_enrollment: issued.enrollment.as_ref().map(enrollment).transpose()?,
    })
}

/// Renders what an authenticator app needs.
pub(super) fn enrollment(enrollment: &Enrollment) -> Result<wire::TotpEnrollment, Status> {
    let image = qr_code::png(&enrollment.uri);
    Ok(wire::TotpEnrollment {
        factor_id: enrollment.factor_id.to_string(),
        otpauth_uri: enrollment.uri.to_string(),
        qr_code_png: image.ok_or_else(|| Fault::Defect("a QR code cannot be drawn").into_status())?,
        secret: enrollment.secret.to_base32().to_string(),
        expire_time: Some(render::time(enrollment.expires)),
    })
}

/// Renders a factor.
pub(super) fn factor(factor: &Factor) -> wire::Factor {
    wire::Factor {
        factor_id: factor.factor_id.to_string(),
        kind: wire::FactorKind::Totp.into(),
        name: factor.name.as_ref().map_or(UNNAMED, PersonName::as_str).to_owned(),
        create_time: factor.confirmed.map(render::time),
        last_used_time: factor.last_used.map(render::time),
    }
}

/// Renders recovery codes.
pub(super) fn recovery_codes(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(RecoveryCode::expose).collect()
}

impl Fields {
    /// Reads what an app shows.
    pub(super) fn totp_code(&mut self, field: &str, text: &str) -> Option<TotpCode> {
        let code = TotpCode::parse(text);
        if code.is_none() {
            self.violate(field, "CODE_MALFORMED", "must be the six digits that the app shows");
        }
        code
    }

    /// Reads a recovery code.
    pub(super) fn recovery_code(&mut self, field: &str, text: &str) -> Option<FactorCode> {
        let code = RecoveryCode::parse(text);
        if code.is_none() {
            self.violate(field, "CODE_MALFORMED", "must be a whole recovery code, letters and digits 2 to 7");
        }
        code.map(FactorCode::Recovery)
    }

    /// Reads what a person calls its app, which may be absent.
    pub(super) fn factor_name(&mut self, field: &str, text: &str) -> Option<PersonName> {
        if text.is_empty() { None } else { self.line(field, text, PersonName::parse) }
    }
}
