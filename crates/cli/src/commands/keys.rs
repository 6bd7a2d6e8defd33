//! The keys that sign access tokens.

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::RotateSigningKeysRequest;
use rolecall_api::identity::v1::token_service_client::TokenServiceClient;

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const ROTATED: &[Column] = &[Column("key", "kid", ""), Column("signs from", "activeFromTime", "")];

/// Replace the keys that sign access tokens
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new signing key; no call fails while it takes over
    #[command(after_help = "It needs a login of the last five minutes.

Examples:
  rolecall keys rotate
  rolecall keys rotate --retire-previous")]
    Rotate {
        /// Somebody stole a key: end all keys before at once, with every token that they signed
        #[arg(long)]
        retire_previous: bool,
    },
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let Self::Rotate { retire_previous } = self;
        let mut client = TokenServiceClient::new(connection.signed_in().await?);
        let request = RotateSigningKeysRequest { request_id: String::new(), retire_previous };
        let answer = client.rotate_signing_keys(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.RotateSigningKeysResponse", &answer, View::One("", ROTATED))
    }
}
