//! Addresses that get no mail.

use clap::{Args, Subcommand};
use rolecall_api::notification::v1::suppression_service_client::SuppressionServiceClient;
use rolecall_api::notification::v1::{CreateSuppressionRequest, DeleteSuppressionRequest, ListSuppressionsRequest};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const SUPPRESSION: &[Column] = &[
    Column("address", "email", ""),
    Column("why", "reason", "SUPPRESSION_REASON_"),
    Column("detail", "detail", ""),
    Column("since", "createTime", ""),
];

const LIST: &[Column] = &[
    Column("ADDRESS", "email", ""),
    Column("WHY", "reason", "SUPPRESSION_REASON_"),
    Column("DETAIL", "detail", ""),
    Column("SINCE", "createTime", ""),
];

/// Keep the addresses that get no mail
#[derive(Debug, Args)]
pub struct Suppressions {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the addresses, in alphabetical order
    #[command(after_help = "Examples:
  rolecall suppressions list")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Have an address get nothing that is not mandatory
    #[command(after_help = "Examples:
  rolecall suppressions create eve@example.org --detail \"asked by phone\"")]
    Create {
        /// The address
        email: String,
        /// Why, for others to read
        #[arg(long, default_value = "", hide_default_value = true)]
        detail: String,
    },
    /// Have an address get mail again
    #[command(after_help = "Examples:
  rolecall suppressions delete eve@example.org")]
    Delete {
        /// The address
        email: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = SuppressionServiceClient::new(connection.signed_in().await?);
        match self {
            Self::List { page: PageArgs { page_size, page_token } } => {
                let request = ListSuppressionsRequest { page_size, page_token, ..Default::default() };
                let answer = client.list_suppressions(request).await?.into_inner();
                let view = View::List("suppressions", LIST);
                Answer::message("rolecall.notification.v1.ListSuppressionsResponse", &answer, view)
            }
            Self::Create { email, detail } => {
                let request = CreateSuppressionRequest { email, detail, ..Default::default() };
                let answer = client.create_suppression(request).await?.into_inner();
                let view = View::One("suppression", SUPPRESSION);
                Answer::message("rolecall.notification.v1.CreateSuppressionResponse", &answer, view)
            }
            Self::Delete { email } => {
                let said = format!("{email} gets mail again");
                client.delete_suppression(DeleteSuppressionRequest { email, ..Default::default() }).await?;
                Ok(Answer::sentence(said))
            }
        }
    }
}
