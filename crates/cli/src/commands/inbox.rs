//! Your own inbox.

mod watch;

use clap::{Args, Subcommand};
use rolecall_api::notification::v1::inbox_service_client::InboxServiceClient;
use rolecall_api::notification::v1::{
    DeleteMessagesRequest, ListMessagesRequest, MarkMessagesRequest, ReplyToMessageRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const LIST: &[Column] = &[
    Column("MESSAGE", "messageId", ""),
    Column("CAME", "createTime", ""),
    Column("READ", "readTime", ""),
    Column("TITLE", "title", ""),
    Column("TEXT", "text", ""),
];

const MESSAGE: &[Column] = &[
    Column("message", "messageId", ""),
    Column("answers", "replyToId", ""),
    Column("title", "title", ""),
    Column("text", "text", ""),
];

const SUMMARY: &[Column] = &[Column("messages", "messageCount", ""), Column("unread", "unreadCount", "")];

/// Read, mark and answer your messages
#[derive(Debug, Args)]
pub struct Inbox {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List your messages, the newest first
    #[command(after_help = "Examples:
  rolecall inbox list
  rolecall inbox list --unread")]
    List {
        /// Only messages that are unread
        #[arg(long)]
        unread: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Write messages as they come, each as a line of JSON
    #[command(after_help = "Examples:
  rolecall inbox watch
  rolecall inbox watch --count 1
  rolecall inbox watch --resume TOKEN")]
    Watch(watch::Watch),
    /// Mark messages as read, or as unread
    #[command(after_help = "Examples:
  rolecall inbox mark 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall inbox mark --unread 01890a5d-ac96-774b-bcce-b302099a8057")]
    Mark {
        /// Ids of the messages
        #[arg(required = true)]
        message_ids: Vec<String>,
        /// Mark them as unread
        #[arg(long)]
        unread: bool,
    },
    /// Delete messages
    #[command(after_help = "Examples:
  rolecall inbox delete 01890a5d-ac96-774b-bcce-b302099a8057")]
    Delete {
        /// Ids of the messages
        #[arg(required = true)]
        message_ids: Vec<String>,
    },
    /// Answer whoever sent a message
    #[command(after_help = "Examples:
  rolecall inbox reply 01890a5d-ac96-774b-bcce-b302099a8057 --text \"Thank you.\"")]
    Reply {
        /// Id of the message
        message_id: String,
        /// What you answer
        #[arg(long)]
        text: String,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = InboxServiceClient::new(connection.signed_in().await?);
        match self {
            Self::List { unread: unread_only, page: PageArgs { page_size, page_token } } => {
                let request = ListMessagesRequest { unread_only, page_size, page_token };
                let answer = client.list_messages(request).await?.into_inner();
                let view = View::List("messages", LIST);
                Answer::message("rolecall.notification.v1.ListMessagesResponse", &answer, view)
            }
            Self::Watch(watch) => watch.run(connection).await,
            Self::Mark { message_ids, unread } => {
                let request = MarkMessagesRequest { message_ids, unread, ..Default::default() };
                let answer = client.mark_messages(request).await?.into_inner();
                let view = View::One("summary", SUMMARY);
                Answer::message("rolecall.notification.v1.MarkMessagesResponse", &answer, view)
            }
            Self::Delete { message_ids } => {
                let request = DeleteMessagesRequest { message_ids, ..Default::default() };
                let answer = client.delete_messages(request).await?.into_inner();
                let view = View::One("summary", SUMMARY);
                Answer::message("rolecall.notification.v1.DeleteMessagesResponse", &answer, view)
            }
            Self::Reply { message_id, text } => {
                let request = ReplyToMessageRequest { message_id, text, ..Default::default() };
                let answer = client.reply_to_message(request).await?.into_inner();
                let view = View::One("message", MESSAGE);
                Answer::message("rolecall.notification.v1.ReplyToMessageResponse", &answer, view)
            }
        }
    }
}
