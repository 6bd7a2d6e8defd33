//! Single sign-on: the identity providers and the mail domains of an organization.

mod domains;
mod providers;

use clap::{Args, Subcommand};

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::Answer;

/// Connect identity providers of an organization, and prove its mail domains
#[derive(Debug, Args)]
pub struct Sso {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The groups of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect, change and try identity providers (OpenID Connect)
    #[command(subcommand)]
    Providers(providers::Command),
    /// Claim mail domains and prove them by DNS
    #[command(subcommand)]
    Domains(domains::Command),
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        match self {
            Self::Providers(command) => command.run(connection).await,
            Self::Domains(command) => command.run(connection).await,
        }
    }
}
