//! Telling people something.

use clap::{Args, Subcommand};
use rolecall_api::notification::v1::notification_service_client::NotificationServiceClient;
use rolecall_api::notification::v1::recipient::Recipient as To;
use rolecall_api::notification::v1::{
    CancelNotificationRequest, Category, GetNotificationRequest, InlineText, ListNotificationsRequest, Recipient,
    SendNotificationRequest,
};

use super::preferences::Kind;
use super::{PageArgs, parse_time};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const NOTIFICATION: &[Column] = &[
    Column("notification", "notificationId", ""),
    Column("title", "title", ""),
    Column("template", "template", ""),
    Column("version of it", "templateVersion", ""),
    Column("category", "category", "CATEGORY_"),
    Column("recipients", "recipientCount", ""),
    Column("accepted", "createTime", ""),
    Column("scheduled", "scheduleTime", ""),
    Column("expires", "expireTime", ""),
    Column("taken back", "cancelTime", ""),
    Column("mails waiting", "deliveries.pending", ""),
    Column("mails sent", "deliveries.sent", ""),
    Column("mails parked", "deliveries.parked", ""),
    Column("mails expired", "deliveries.expired", ""),
    Column("mails not wanted", "deliveries.suppressed", ""),
];

const LIST: &[Column] = &[
    Column("NOTIFICATION", "notificationId", ""),
    Column("TITLE", "title", ""),
    Column("CATEGORY", "category", "CATEGORY_"),
    Column("RECIPIENTS", "recipientCount", ""),
    Column("ACCEPTED", "createTime", ""),
];

/// Tell people something, and see what became of it
#[derive(Debug, Args)]
pub struct Notify {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell people something, now or later
    #[command(after_help = "Examples:
  rolecall notify send --role OWNER --title Maintenance --text \"Down on Sunday.\" --kind announcement
  rolecall notify send --role OWNER --template spec_approved --set \"spec=Spec 7\" --kind workflow
  rolecall notify send --email eve@example.org --title Hello --text Hi --at 2027-01-31T12:00:00Z")]
    Send(SendArgs),
    /// Show a notification and what became of its mails
    #[command(after_help = "Examples:
  rolecall notify get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the notification
        notification_id: String,
    },
    /// List notifications, the newest first
    #[command(after_help = "Examples:
  rolecall notify list --organization -")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Take back what has not been sent yet
    #[command(after_help = "Examples:
  rolecall notify cancel 01890a5d-ac96-774b-bcce-b302099a8057")]
    Cancel {
        /// Id of the notification
        notification_id: String,
    },
}

/// What to tell whom.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Id of a person; may be repeated
    #[arg(long, value_name = "ID")]
    user: Vec<String>,
    /// Everybody who holds this role in the organization; may be repeated
    #[arg(long)]
    role: Vec<String>,
    /// An address; may be repeated
    #[arg(long)]
    email: Vec<String>,
    /// Id of the organization that it concerns; your own when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    organization: String,
    /// What it is about
    #[arg(long, value_enum, default_value = "message")]
    kind: Kind,
    /// The subject of the mail
    #[arg(long, required_unless_present = "template", conflicts_with = "template")]
    title: Option<String>,
    /// What it says
    #[arg(long, required_unless_present = "template", conflicts_with = "template")]
    text: Option<String>,
    /// The name of a template of the organization, instead of title and text
    #[arg(long)]
    template: Option<String>,
    /// The version of the template; the latest when absent
    #[arg(long, default_value_t = 0, hide_default_value = true, requires = "template")]
    version: i32,
    /// A value for the template; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_value, requires = "template")]
    set: Vec<(String, String)>,
    /// When to send it, such as 2027-01-31T12:00:00Z; at once when absent
    #[arg(long, value_parser = parse_time)]
    at: Option<prost_types::Timestamp>,
    /// After this it is not sent any more
    #[arg(long, value_parser = parse_time)]
    until: Option<prost_types::Timestamp>,
}

fn parse_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be written like name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl SendArgs {
    fn into_request(self) -> SendNotificationRequest {
        let recipients = self.user.into_iter().map(To::UserId);
        let recipients = recipients.chain(self.role.into_iter().map(To::Role));
        let recipients = recipients.chain(self.email.into_iter().map(To::Email));
        SendNotificationRequest {
            organization_id: self.organization,
            recipients: recipients.map(|recipient| Recipient { recipient: Some(recipient) }).collect(),
            category: Category::from(self.kind).into(),
            inline_text: self.title.zip(self.text).map(|(title, text)| InlineText { title, text }),
            template: self.template.unwrap_or_default(),
            template_version: self.version,
            data: self.set.into_iter().collect(),
            schedule_time: self.at,
            expire_time: self.until,
            ..Default::default()
        }
    }
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = NotificationServiceClient::new(connection.signed_in().await?);
        let one = View::One("notification", NOTIFICATION);
        match self {
            Self::Send(args) => {
                let answer = client.send_notification(args.into_request()).await?.into_inner();
                Answer::message("rolecall.notification.v1.SendNotificationResponse", &answer, one)
            }
            Self::Get { notification_id } => {
                let answer = client.get_notification(GetNotificationRequest { notification_id }).await?.into_inner();
                Answer::message("rolecall.notification.v1.GetNotificationResponse", &answer, one)
            }
            Self::List { organization: organization_id, page: PageArgs { page_size, page_token } } => {
                let request = ListNotificationsRequest { organization_id, page_size, page_token };
                let answer = client.list_notifications(request).await?.into_inner();
                let view = View::List("notifications", LIST);
                Answer::message("rolecall.notification.v1.ListNotificationsResponse", &answer, view)
            }
            Self::Cancel { notification_id } => {
                let request = CancelNotificationRequest { notification_id, ..Default::default() };
                let answer = client.cancel_notification(request).await?.into_inner();
                Answer::message("rolecall.notification.v1.CancelNotificationResponse", &answer, one)
            }
        }
    }
}
