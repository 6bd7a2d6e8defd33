//! The own account.

use clap::{Args, Subcommand};

use super::{account_email, account_identities, profile};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::Answer;

/// Your own account
#[derive(Debug, Args)]
pub struct Account {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Profile(profile::Command),
    #[command(flatten)]
    Email(account_email::Command),
    #[command(flatten)]
    Identities(account_identities::Command),
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Profile(command) => command.run(connection).await,
            Self::Email(command) => command.run(connection).await,
            Self::Identities(command) => command.run(connection).await,
        }
    }
}
