//! Acting as somebody else.

use clap::Args;
use rolecall_api::identity::v1::ImpersonateUserRequest;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::impersonate_user_request::Target;

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const BEGUN: &[Column] = &[
    Column("access token", "accessToken", ""),
    Column("ends", "accessTokenExpireTime", ""),
    Column("session id", "sessionId", ""),
    Column("acts as", "subjectId", ""),
];

/// What `impersonate` takes.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true).args(["user", "guest_of"]))]
pub struct Impersonate {
    /// Id of the account to act as
    #[arg(long)]
    user: Option<String>,
    /// Id of the organization to look around in as a guest
    #[arg(long)]
    guest_of: Option<String>,
    /// Why; recorded, and told to the person by mail
    #[arg(long)]
    reason: String,
    /// For how long, 1 to 30 minutes
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=30))]
    minutes: i64,
    /// Also change what the person may change; asks for a proof of the last five minutes, see `rolecall reauthenticate`
    #[arg(long)]
    read_write: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

impl Impersonate {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let target = self.user.map(Target::UserId).or(self.guest_of.map(Target::GuestOfOrganizationId));
        let request = ImpersonateUserRequest {
            target,
            reason: self.reason,
            lifetime: Some(prost_types::Duration { seconds: self.minutes * 60, nanos: 0 }),
            read_write: self.read_write,
        };
        let wire = connection.signed_in().await?;
        let answer = AuthenticationServiceClient::new(wire).impersonate_user(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.ImpersonateUserResponse", &answer, View::One("", BEGUN))
    }
}
