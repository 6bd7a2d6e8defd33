//! Mails, and what became of them.

use clap::{Args, Subcommand, ValueEnum};
use rolecall_api::notification::v1::delivery_service_client::DeliveryServiceClient;
use rolecall_api::notification::v1::{
    DeliveryState, GetDeliveryRequest, ListDeliveriesRequest, RetryDeliveriesRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const DELIVERY: &[Column] = &[
    Column("delivery", "deliveryId", ""),
    Column("recipient", "recipientId", ""),
    Column("template", "template", ""),
    Column("channel", "channel", ""),
    Column("state", "state", "DELIVERY_STATE_"),
    Column("accepted", "createTime", ""),
    Column("next attempt", "nextAttemptTime", ""),
    Column("sent", "sentTime", ""),
];

const ATTEMPTS: &[Column] =
    &[Column("STARTED", "startTime", ""), Column("OUTCOME", "outcome", ""), Column("DETAIL", "detail", "")];

const LIST: &[Column] = &[
    Column("DELIVERY", "deliveryId", ""),
    Column("TEMPLATE", "template", ""),
    Column("RECIPIENT", "recipientId", ""),
    Column("STATE", "state", "DELIVERY_STATE_"),
    Column("ATTEMPTS", "attemptCount", ""),
    Column("ACCEPTED", "createTime", ""),
];

/// See which mails were sent, and take parked ones up again
#[derive(Debug, Args)]
pub struct Deliveries {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum State {
    /// It waits for its next attempt.
    Pending,
    /// The channel took it.
    Sent,
    /// It needs somebody's eyes.
    Parked,
    /// It was of no use any more.
    Expired,
}

impl From<State> for DeliveryState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Sent => Self::Sent,
            State::Parked => Self::Parked,
            State::Expired => Self::Expired,
        }
    }
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List deliveries, the newest first
    #[command(after_help = "Examples:
  rolecall deliveries list
  rolecall deliveries list --organization - --state parked")]
    List {
        /// Id of the organization; your own when absent, `-` for all that you may see
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        organization: String,
        /// Only deliveries in this state
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Only deliveries for this account
        #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
        recipient: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a delivery with its attempts
    #[command(after_help = "Examples:
  rolecall deliveries get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Id of the delivery
        delivery_id: String,
    },
    /// Take parked deliveries up again, at once
    #[command(after_help = "Examples:
  rolecall deliveries retry 01890a5d-ac96-774b-bcce-b302099a8057")]
    Retry {
        /// Ids of the deliveries
        #[arg(required = true)]
        delivery_ids: Vec<String>,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = DeliveryServiceClient::new(connection.signed_in().await?);
        match self {
            Self::List { organization, state, recipient, page: PageArgs { page_size, page_token } } => {
                let state = state.map_or(DeliveryState::Unspecified, DeliveryState::from).into();
                let (organization_id, recipient_id) = (organization, recipient);
                let request = ListDeliveriesRequest { organization_id, state, recipient_id, page_size, page_token };
                let answer = client.list_deliveries(request).await?.into_inner();
                let view = View::List("deliveries", LIST);
                Answer::message("rolecall.notification.v1.ListDeliveriesResponse", &answer, view)
            }
            Self::Get { delivery_id } => {
                let answer = client.get_delivery(GetDeliveryRequest { delivery_id }).await?.into_inner();
                let view = View::Nested("delivery", DELIVERY, "attempts", ATTEMPTS);
                Answer::message("rolecall.notification.v1.GetDeliveryResponse", &answer, view)
            }
            Self::Retry { delivery_ids } => {
                let request = RetryDeliveriesRequest { request_id: String::new(), delivery_ids };
                let answer = client.retry_deliveries(request).await?.into_inner();
                let view = View::List("deliveries", LIST);
                Answer::message("rolecall.notification.v1.RetryDeliveriesResponse", &answer, view)
            }
        }
    }
}
