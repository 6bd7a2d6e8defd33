//! The Rust code of the contract, generated without `protoc`.

use std::fs;

use crate::contract;
use crate::files::Generated;

/// Messages with secrets; `crates/api/src/lib.rs` gives them a `Debug` that prints nothing.
const REDACTED: [&str; 29] = [
    ".rolecall.identity.v1.AcceptInvitationRequest",
    ".rolecall.identity.v1.AnswerChallengeRequest",
    ".rolecall.identity.v1.AnswerChallengeResponse",
    ".rolecall.identity.v1.BootstrapRequest",
    ".rolecall.identity.v1.Challenge",
    ".rolecall.identity.v1.ChangePasswordRequest",
    ".rolecall.identity.v1.ConfirmEmailChangeRequest",
    ".rolecall.identity.v1.ConfirmTotpRequest",
    ".rolecall.identity.v1.ConfirmTotpResponse",
    ".rolecall.identity.v1.CreateAccessTokenResponse",
    ".rolecall.identity.v1.CreateApiKeyResponse",
    ".rolecall.identity.v1.CreateUserResponse",
    ".rolecall.identity.v1.ExchangeApiKeyRequest",
    ".rolecall.identity.v1.ExchangeApiKeyResponse",
    ".rolecall.identity.v1.GetInvitationRequest",
    ".rolecall.identity.v1.ImportedHash",
    ".rolecall.identity.v1.InitialPassword",
    ".rolecall.identity.v1.IssuePasswordResetResponse",
    ".rolecall.identity.v1.LogInRequest",
    ".rolecall.identity.v1.NewPassword",
    ".rolecall.identity.v1.ReauthenticateRequest",
    ".rolecall.identity.v1.ReauthenticateResponse",
    ".rolecall.identity.v1.RefreshTokensRequest",
    ".rolecall.identity.v1.RegenerateRecoveryCodesResponse",
    ".rolecall.identity.v1.ResendInvitationResponse",
    ".rolecall.identity.v1.ResetPasswordRequest",
    ".rolecall.identity.v1.SetUserPasswordRequest",
    ".rolecall.identity.v1.Tokens",
    ".rolecall.identity.v1.TotpEnrollment",
];

/// Adds messages, clients, servers and the descriptor set.
pub(super) fn generate(generated: &mut Generated) -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let compiler = contract::compile()?;
    fs::write(out.path().join("descriptor.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .out_dir(out.path())
        .skip_debug(REDACTED)
        .compile_fds(compiler.file_descriptor_set())?;
    // Google's own types come from prost-types.
    let foreign = out.path().join("google.protobuf.rs");
    if foreign.exists() {
        fs::remove_file(foreign)?;
    }
    generated.add_folder("crates/api/src/gen", out.path())
}
