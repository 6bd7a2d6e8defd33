//! The audit log.

use clap::{Args, Subcommand};
use rolecall_api::organization::v1::ListAuditEventsRequest;
use rolecall_api::organization::v1::audit_service_client::AuditServiceClient;

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

/// Read the audit log
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
  rolecall audit list --target 01890a5d-ac96-774b-bcce-b302099a8057 --output json")]
    List(List),
}

/// What `audit list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id of the organization; your own when absent, `-` for all that you may see
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    organization: String,
    /// Only what happened to this subject
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    target: String,
    /// Only what this subject did
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    actor: String,
    /// Only events of this topic
    #[arg(long, default_value = "", hide_default_value = true)]
    topic: String,
    #[command(flatten)]
    page: PageArgs,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let Self::List(list) = self;
        let mut client = AuditServiceClient::new(connection.signed_in().await?);
        let request = ListAuditEventsRequest {
            organization_id: list.organization,
            target_id: list.target,
            actor_id: list.actor,
            topic: list.topic,
            page_size: list.page.page_size,
            page_token: list.page.page_token,
            ..Default::default()
        };
        let answer = client.list_audit_events(request).await?.into_inner();
        let view = View::List("auditEvents", EVENTS);
        Answer::message("rolecall.organization.v1.ListAuditEventsResponse", &answer, view)
    }
}
