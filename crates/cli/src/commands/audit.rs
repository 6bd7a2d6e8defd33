//! The audit log.

mod export;
mod lines;
mod offline;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use rolecall_api::organization::v1::audit_service_client::AuditServiceClient;
use rolecall_api::organization::v1::{GetAuditEventRequest, ListAuditEventsRequest};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const EVENTS: &[Column] = &[
    Column("TIME", "occurredTime", ""),
    Column("TOPIC", "topic", ""),
    Column("ACTOR", "actorId", ""),
    Column("TARGET", "targetId", ""),
    Column("DETAILS", "details", ""),
];

const EVENT: &[Column] = &[
    Column("id", "eventId", ""),
    Column("time", "occurredTime", ""),
    Column("topic", "topic", ""),
    Column("actor", "actorId", ""),
    Column("on behalf of", "onBehalfOfId", ""),
    Column("organization", "organizationId", ""),
    Column("target", "targetId", ""),
    Column("request", "requestId", ""),
    Column("details", "details", ""),
    Column("erased", "isErased", ""),
    Column("number", "sequence", ""),
    Column("hash", "hash", ""),
];

/// Read, export and verify the audit log
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what happened, the newest first
    #[command(after_help = "Examples:
  rolecall audit list
  rolecall audit list --organization - --topic organization.member_blocked
  rolecall audit list --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z
  rolecall audit list --target 01890a5d-ac96-774b-bcce-b302099a8057 --output json")]
    List(List),
    /// Show one event
    #[command(after_help = "Examples:
  rolecall audit get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the event
        event_id: String,
    },
    /// Write the log as JSON lines, chain by chain, with its signed checkpoints
    #[command(after_help = "Examples:
  rolecall audit export > audit.jsonl
  rolecall audit export --resume TOKEN >> audit.jsonl")]
    Export(export::Export),
    /// Verify the log on the server, or an exported file without it; exits with 1 when it was tampered with
    #[command(after_help = "Examples:
  rolecall audit verify --keep checkpoints.jsonl
  rolecall audit verify --known checkpoints.jsonl
  rolecall audit verify --file audit.jsonl --public-key 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    Verify(verify::Verify),
}

/// What `audit list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id of the organization; your own when absent, `-` for all that you may see
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    organization: String,
    /// Only what happened to this subject
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID", conflicts_with_all = ["actor", "topic"])]
    target: String,
    /// Only what this subject did
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID", conflicts_with = "topic")]
    actor: String,
    /// Only events of this topic
    #[arg(long, default_value = "", hide_default_value = true)]
    topic: String,
    /// Only what happened at this time or later, such as 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    #[command(flatten)]
    page: PageArgs,
}

impl Audit {
    pub(crate) async fn run(self) -> Result<(Answer, ExitCode), Failure> {
        let connect = || Connection::new(&self.remote);
        let answer = match self.command {
            Command::List(list) => list.run(&connect()?).await,
            Command::Get { event_id } => get(event_id, &connect()?).await,
            Command::Export(export) => export.run(&connect()?).await,
            Command::Verify(verify) => return verify.run(&self.remote).await,
        };
        Ok((answer?, ExitCode::SUCCESS))
    }
}

async fn get(event_id: String, connection: &Connection) -> Result<Answer, Failure> {
    let mut client = AuditServiceClient::new(connection.signed_in().await?);
    let answer = client.get_audit_event(GetAuditEventRequest { event_id }).await?.into_inner();
    Answer::message("rolecall.organization.v1.GetAuditEventResponse", &answer, View::One("auditEvent", EVENT))
}

impl List {
    async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = AuditServiceClient::new(connection.signed_in().await?);
        let request = ListAuditEventsRequest {
            organization_id: self.organization,
            target_id: self.target,
            actor_id: self.actor,
            topic: self.topic,
            page_size: self.page.page_size,
            page_token: self.page.page_token,
            start_time: self.since,
            end_time: self.until,
        };
        let answer = client.list_audit_events(request).await?.into_inner();
        let view = View::List("auditEvents", EVENTS);
        Answer::message("rolecall.organization.v1.ListAuditEventsResponse", &answer, view)
    }
}
