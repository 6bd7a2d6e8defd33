//! Every way to be refused here, and its status.
//!
//! A status says what to do and carries `ErrorInfo` with a reason of `rolecall.authz.v1.ErrorReason`.
//! Why exactly a token is not good is told to nobody: the difference helps only who forges one.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::layer::CallId;
use crate::policy::{Permission, STEP_UP_MAX_AGE};

/// The `ErrorInfo.domain` of everything that is refused here.
pub const DOMAIN: &str = "authz.rolecall";

/// When to repeat a call that could not be confirmed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No credentials were sent.
    CredentialsMissing,
    /// The token is not good.
    TokenInvalid,
    /// The session of the token has ended.
    SessionEnded,
    /// The subject is unknown, blocked, or of a suspended organization.
    SubjectInactive,
    /// The caller holds none of these permissions anywhere.
    PermissionMissing(Vec<Permission>),
    /// The method is closed to this kind of caller.
    CallerKindRefused(&'static str),
    /// The caller proved too long ago who it is.
    StepUpRequired,
    /// The caller acts as somebody else, and the method is closed to that.
    ImpersonationRefused,
    /// The token only reads, and the method changes something.
    ReadOnly,
    /// No such method.
    MethodUnknown(String),
    /// It cannot be confirmed at present that the caller may.
    AccessUnconfirmed,
    /// A metadata value cannot be read.
    MetadataInvalid {
        /// The name of the value.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The server itself is at fault.
    Internal,
}

impl Refusal {
    /// Refuses a method that does not exist; what the caller made up is repeated only in part.
    pub(crate) fn unknown_method(path: &str) -> Self {
        Self::MethodUnknown(path.chars().take(200).collect())
    }

    /// Returns the reason, a value of `rolecall.authz.v1.ErrorReason` without its prefix.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::CredentialsMissing => "CREDENTIALS_MISSING",
            Self::TokenInvalid => "TOKEN_INVALID",
            Self::SessionEnded => "SESSION_ENDED",
            Self::SubjectInactive => "SUBJECT_INACTIVE",
            Self::PermissionMissing(_) => "PERMISSION_MISSING",
            Self::CallerKindRefused(_) => "CALLER_KIND_REFUSED",
            Self::StepUpRequired => "STEP_UP_REQUIRED",
            Self::ImpersonationRefused => "IMPERSONATION_REFUSED",
            Self::ReadOnly => "READ_ONLY",
            Self::MethodUnknown(_) => "METHOD_UNKNOWN",
            Self::AccessUnconfirmed => "ACCESS_UNCONFIRMED",
            Self::MetadataInvalid { .. } => "METADATA_INVALID",
            Self::Internal => "INTERNAL",
        }
    }

    /// Returns the gRPC code of the reason.
    pub const fn code(&self) -> Code {
        match self {
            Self::CredentialsMissing
            | Self::TokenInvalid
            | Self::SessionEnded
            | Self::SubjectInactive
            | Self::StepUpRequired => Code::Unauthenticated,
            Self::PermissionMissing(_)
            | Self::CallerKindRefused(_)
            | Self::ImpersonationRefused
            | Self::ReadOnly
            | Self::MethodUnknown(_) => Code::PermissionDenied,
            Self::AccessUnconfirmed => Code::Unavailable,
            Self::MetadataInvalid { .. } => Code::InvalidArgument,
            Self::Internal => Code::Internal,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::CredentialsMissing => {
                "This method needs credentials; log in and send the access token as `authorization: Bearer <token>`."
                    .into()
            }
            Self::TokenInvalid => "The token is not valid here or has expired; refresh it, or log in again.".into(),
            Self::SessionEnded => "The session has ended; log in again.".into(),
            Self::SubjectInactive => {
                "This account or its organization is not active; ask an administrator of the organization.".into()
            }
            Self::PermissionMissing(permissions) => format!(
                "This method needs the permission `{}`; ask an administrator for a role that holds it.",
                permissions.join("` or `")
            ),
            Self::CallerKindRefused(open_to) => format!("This method is open to {open_to} only; call it as one."),
            Self::StepUpRequired => format!(
                "This method needs a login of the last {} seconds; call `Reauthenticate` and repeat with its token.",
                STEP_UP_MAX_AGE.as_secs()
            ),
            Self::ImpersonationRefused => {
                "This method is closed to whoever acts as somebody else; call it with a token of your own.".into()
            }
            Self::ReadOnly => {
                "This token only reads; call `ImpersonateUser` again and ask for a token that also changes.".into()
            }
            Self::MethodUnknown(path) => format!("No method `{path}` is served here; check its name and the address."),
            Self::AccessUnconfirmed => "Your access cannot be confirmed right now; repeat the call later.".into(),
            Self::MetadataInvalid { key, expected } => format!("The metadata value `{key}` must be {expected}."),
            Self::Internal => "The server failed; report the request id to its operator.".into(),
        }
    }

    /// Every value that the message mentions.
    fn metadata(&self) -> HashMap<String, String> {
        let named = |name: &str, value: String| HashMap::from([(name.to_owned(), value)]);
        match self {
            Self::PermissionMissing(permissions) => named("permission", permissions.join(",")),
            Self::CallerKindRefused(open_to) => named("open_to", (*open_to).to_owned()),
            Self::StepUpRequired => named("max_age", STEP_UP_MAX_AGE.as_secs().to_string()),
            Self::MethodUnknown(path) => named("method", path.clone()),
            Self::MetadataInvalid { key, .. } => named("key", (*key).to_owned()),
            Self::CredentialsMissing
            | Self::TokenInvalid
            | Self::SessionEnded
            | Self::SubjectInactive
            | Self::ImpersonationRefused
            | Self::ReadOnly
            | Self::AccessUnconfirmed
            | Self::Internal => HashMap::new(),
        }
    }

    /// Makes the status, with the request id if the call has one.
    pub fn into_status(self, call: Option<&CallId>) -> Status {
        let mut details = ErrorDetails::with_error_info(self.reason(), DOMAIN, self.metadata());
        if self == Self::AccessUnconfirmed {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        if let Some(CallId(id)) = call {
            details.set_request_info(&**id, "");
        }
        Status::with_error_details(self.code(), self.message(), details)
    }
}
