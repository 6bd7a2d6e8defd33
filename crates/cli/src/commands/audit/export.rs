//! Writes the log to standard output while it comes.

use std::io::Write as _;

use clap::Args;
use rolecall_api::organization::v1::ExportAuditEventsRequest;
use rolecall_api::organization::v1::audit_service_client::AuditServiceClient;

use super::lines;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::Answer;

/// Progress is told after so many events.
const STEP: usize = 10_000;

/// What `audit export` takes.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Id of the organization; your own when absent, `-` for all that you may see
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    organization: String,
    /// Go on after an export that ended or broke, with the token that it told
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TOKEN", allow_hyphen_values = true)]
    resume: String,
}

impl Export {
    pub(super) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = AuditServiceClient::new(connection.signed_in().await?);
        let mut resume_token = self.resume.clone();
        let request = ExportAuditEventsRequest { organization_id: self.organization, resume_token: self.resume };
        let mut stream = client.export_audit_events(request).await?.into_inner();
        let (mut count, mut told) = (0, 0);
        let ended = loop {
            let message = match stream.message().await {
                Ok(Some(message)) => message,
                Ok(None) => break Ok(()),
                Err(status) => break Err(status),
            };
            let mut text = String::new();
            for event in &message.audit_events {
                text.push_str(&lines::event(event)?);
            }
            for checkpoint in &message.checkpoints {
                text.push_str(&lines::checkpoint(checkpoint)?);
            }
            // A part is written whole or its token is not told.
            let cannot = |error| Failure::local("standard output", error);
            std::io::stdout().lock().write_all(text.as_bytes()).map_err(cannot)?;
            resume_token = message.resume_token;
            count += message.audit_events.len();
            if count - told >= STEP {
                told = count;
                eprintln!("{count} events");
            }
        };
        if !resume_token.is_empty() {
            eprintln!("{count} events; go on later with --resume {resume_token}");
        }
        ended?;
        Ok(Answer::silent())
    }
}
