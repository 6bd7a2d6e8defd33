//! Verifies the log on the server, or a file without it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use rolecall_api::organization::v1::audit_service_client::AuditServiceClient;
use rolecall_api::organization::v1::{AuditCheckpoint, VerifyAuditLogRequest, VerifyAuditLogResponse};

use super::{lines, offline};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View, to_json};

const FINDINGS: &[Column] = &[
    Column("KIND", "kind", "AUDIT_FINDING_KIND_"),
    Column("ORGANIZATION", "organizationId", ""),
    Column("NUMBER", "sequence", ""),
    Column("EVENT", "eventId", ""),
    Column("WHAT", "description", ""),
];

/// What `audit verify` takes.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Id of the organization; your own when absent, `-` for all that you may see
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true, conflicts_with = "file")]
    organization: String,
    /// Checkpoints that were kept before: what they say has to be in the log
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Add fresh checkpoints to this file, to be kept elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    keep: Option<PathBuf>,
    /// Verify this exported file, without a server
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The key that has to have signed, in base64, for `--file`
    #[arg(long, value_name = "KEY", requires = "file")]
    public_key: Option<String>,
}

impl Verify {
    pub(super) async fn run(self, remote: &RemoteArgs) -> Result<(Answer, ExitCode), Failure> {
        let known = self.known.as_deref().map(lines::read_checkpoints).transpose()?.unwrap_or_default();
        let total = match &self.file {
            Some(file) => {
                let key = self.public_key.as_deref().map(|key| STANDARD.decode(key)).transpose();
                let key = key.map_err(|error| Failure::Usage(format!("--public-key is no base64: {error}")))?;
                offline::verify(file, known, key.as_deref())?
            }
            None => on_server(self.organization, known, &Connection::new(remote)?).await?,
        };
        if let Some(keep) = &self.keep {
            append(keep, &total.checkpoints)?;
        }
        let is_whole = total.findings.is_empty();
        let (count, erased, checked) = (total.verified_count, total.erased_count, total.checkpoint_count);
        eprintln!("{count} entries, {erased} of them erased, {checked} checkpoints");
        let name = "rolecall.organization.v1.VerifyAuditLogResponse";
        let (view, code) = if is_whole {
            (View::Sentence("the audit log is whole".to_owned()), ExitCode::SUCCESS)
        } else {
            (View::List("findings", FINDINGS), ExitCode::FAILURE)
        };
        Ok((Answer::json(to_json(name, &total)?, view), code))
    }
}

/// Verifies part by part, and adds up what was found.
async fn on_server(
    organization_id: String,
    known: Vec<AuditCheckpoint>,
    connection: &Connection,
) -> Result<VerifyAuditLogResponse, Failure> {
    let mut client = AuditServiceClient::new(connection.signed_in().await?);
    let mut request = VerifyAuditLogRequest { organization_id, known_checkpoints: known, page_token: String::new() };
    let mut total = VerifyAuditLogResponse::default();
    loop {
        let part = client.verify_audit_log(request.clone()).await?.into_inner();
        total.verified_count += part.verified_count;
        total.erased_count += part.erased_count;
        total.checkpoint_count += part.checkpoint_count;
        total.findings.extend(part.findings);
        total.checkpoints.extend(part.checkpoints);
        if part.next_page_token.is_empty() {
            return Ok(total);
        }
        eprintln!("{} entries", total.verified_count);
        request.page_token = part.next_page_token;
    }
}

fn append(path: &std::path::Path, checkpoints: &[AuditCheckpoint]) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut text = String::new();
    for checkpoint in checkpoints {
        let _ = write!(text, "{}", lines::checkpoint(checkpoint)?);
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::local(path.display(), error))
}
