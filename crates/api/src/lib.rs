//! The contract of Rolecall in Rust: generated messages, clients and servers.
//!
//! Everything under `gen/` is written by `cargo xtask codegen` from `proto/` and checked in, so
//! that building needs no tools. Change the proto, run the task, commit both.

/// Options of methods and error reasons.
pub mod authz {
    /// Version 1.
    pub mod v1 {
        include!("gen/rolecall.authz.v1.rs");
    }
}

/// Accounts, login, sessions, tokens.
pub mod identity {
    /// Version 1.
    pub mod v1 {
        include!("gen/rolecall.identity.v1.rs");
    }
}

/// Organizations, members, roles, access, audit.
pub mod organization {
    /// Version 1.
    pub mod v1 {
        include!("gen/rolecall.organization.v1.rs");
    }
}

/// Mails and what became of them.
pub mod notification {
    /// Version 1.
    pub mod v1 {
        include!("gen/rolecall.notification.v1.rs");
    }
}

/// The encoded `FileDescriptorSet` of all files, their options and comments kept.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptor.bin");

/// Messages that carry secrets are never printed, whoever formats them.
macro_rules! redacted {
    ($($message:path),* $(,)?) => {$(
        impl std::fmt::Debug for $message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($message), "(redacted)"))
            }
        }
    )*};
}

redacted! {
    identity::v1::AcceptInvitationRequest,
    identity::v1::AnswerChallengeRequest,
    identity::v1::AnswerChallengeResponse,
    identity::v1::BootstrapRequest,
    identity::v1::Challenge,
    identity::v1::ChangePasswordRequest,
    identity::v1::ConfirmEmailChangeRequest,
    identity::v1::ConfirmTotpRequest,
    identity::v1::ConfirmTotpResponse,
    identity::v1::CreateAccessTokenResponse,
    identity::v1::CreateApiKeyResponse,
    identity::v1::CreateUserResponse,
    identity::v1::ExchangeApiKeyRequest,
    identity::v1::ExchangeApiKeyResponse,
    identity::v1::GetInvitationRequest,
    identity::v1::ImportedHash,
    identity::v1::InitialPassword,
    identity::v1::IssuePasswordResetResponse,
    identity::v1::LogInRequest,
    identity::v1::NewPassword,
    identity::v1::ReauthenticateRequest,
    identity::v1::ReauthenticateResponse,
    identity::v1::RefreshTokensRequest,
    identity::v1::RegenerateRecoveryCodesResponse,
    identity::v1::ResendInvitationResponse,
    identity::v1::ResetPasswordRequest,
    identity::v1::SetUserPasswordRequest,
    identity::v1::Tokens,
    identity::v1::TotpEnrollment,
}
