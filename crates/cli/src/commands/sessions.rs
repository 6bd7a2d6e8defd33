//! Login sessions: one's own, and those of others.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::identity::v1::{
    ListSessionsRequest, ListUserSessionsRequest, RevokeSessionsRequest, RevokeUserSessionsRequest,
};

use super::PageArgs;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const LIST: &[Column] = &[
    Column("SESSION ID", "sessionId", ""),
    Column("LOGGED IN", "authTime", ""),
    Column("BY", "authenticationMethods", ""),
    Column("LAST USED", "lastUsedTime", ""),
    Column("ENDS UNLESS USED", "idleExpireTime", ""),
    Column("ACTED BY", "impersonatorId", ""),
    Column("THIS ONE", "current", ""),
];

const COUNT: &[Column] = &[Column("sessions ended", "revokedCount", "")];

/// See and end login sessions
#[derive(Debug, Args)]
pub struct Sessions {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the sessions that go on, newest first
    #[command(after_help = "Examples:
  rolecall sessions list
  rolecall sessions list --user 01890a5d-ac96-774b-bcce-b302099a8057")]
    List {
        /// Id of the account; your own when absent
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// End sessions, at once and everywhere
    #[command(after_help = "Examples:
  rolecall sessions revoke 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall sessions revoke --all-others
  rolecall sessions revoke --user 01890a5d-ac96-774b-bcce-b302099a8057 --all")]
    Revoke(Revoke),
}

/// What `sessions revoke` takes.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["session_ids", "all_others", "all"]))]
pub(crate) struct Revoke {
    /// Ids of the sessions, 100 at most
    session_ids: Vec<String>,
    /// End all of your sessions but this one
    #[arg(long, conflicts_with = "user")]
    all_others: bool,
    /// End all sessions of the account
    #[arg(long, requires = "user")]
    all: bool,
    /// Id of the account; your own when absent
    #[arg(long)]
    user: Option<String>,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::List { user, page } => list(user, page, connection).await,
            Self::Revoke(revoke) => revoke.run(connection).await,
        }
    }
}

async fn list(user: Option<String>, page: PageArgs, connection: &Connection) -> Result<Answer, Failure> {
    let PageArgs { page_size, page_token } = page;
    let wire = connection.signed_in().await?;
    let view = View::List("sessions", LIST);
    let Some(user_id) = user else {
        let request = ListSessionsRequest { page_size, page_token };
        let answer = AccountServiceClient::new(wire).list_sessions(request).await?.into_inner();
        return Answer::message("rolecall.identity.v1.ListSessionsResponse", &answer, view);
    };
    let request = ListUserSessionsRequest { user_id, page_size, page_token };
    let answer = UserServiceClient::new(wire).list_user_sessions(request).await?.into_inner();
    Answer::message("rolecall.identity.v1.ListUserSessionsResponse", &answer, view)
}

impl Revoke {
    async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let wire = connection.signed_in().await?;
        let (session_ids, view) = (self.session_ids, View::One("", COUNT));
        let Some(user_id) = self.user else {
            let request = RevokeSessionsRequest { session_ids, all_others: self.all_others, ..Default::default() };
            let answer = AccountServiceClient::new(wire).revoke_sessions(request).await?.into_inner();
            return Answer::message("rolecall.identity.v1.RevokeSessionsResponse", &answer, view);
        };
        let request = RevokeUserSessionsRequest { user_id, session_ids, ..Default::default() };
        let answer = UserServiceClient::new(wire).revoke_user_sessions(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.RevokeUserSessionsResponse", &answer, view)
    }
}
