//! The own profile.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::{GetAccountRequest, UpdateAccountRequest, User};

use super::users::USER;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Answer, View};

/// The commands about the profile.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show your account
    #[command(after_help = "Examples:
  rolecall account show
  rolecall account show --output json")]
    Show,
    /// Change your profile; only what you name changes
    #[command(after_help = "Examples:
  rolecall account update --institution \"Royal Society\" --website https://example.org/ada
  rolecall account update --institution \"\"")]
    Update {
        #[command(flatten)]
        profile: ProfileArgs,
        /// Change nothing unless this still is the version of the account, as `account show --output json` tells it
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
}

/// What changes of a profile; an empty text takes a value away.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// Full name as it is shown
    #[arg(long)]
    name: Option<String>,
    /// Given name
    #[arg(long)]
    given_name: Option<String>,
    /// Family name
    #[arg(long)]
    family_name: Option<String>,
    /// Where the person works
    #[arg(long)]
    institution: Option<String>,
    /// Web address of the person
    #[arg(long)]
    website: Option<String>,
}

impl ProfileArgs {
    /// Returns the new values, and the mask that names them.
    pub(crate) fn into_user(self) -> (User, FieldMask) {
        let mut user = User::default();
        let given = [
            ("name", self.name, &mut user.name),
            ("given_name", self.given_name, &mut user.given_name),
            ("family_name", self.family_name, &mut user.family_name),
            ("institution", self.institution, &mut user.institution),
            ("website", self.website, &mut user.website),
        ];
        let mut paths = Vec::new();
        for (path, value, field) in given {
            if let Some(value) = value {
                paths.push(path.to_owned());
                *field = value;
            }
        }
        (user, FieldMask { paths })
    }
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = AccountServiceClient::new(connection.signed_in().await?);
        match self {
            Self::Show => {
                let answer = client.get_account(GetAccountRequest {}).await?.into_inner();
                Answer::message("rolecall.identity.v1.GetAccountResponse", &answer, View::One("user", USER))
            }
            Self::Update { profile, etag } => {
                let (user, mask) = profile.into_user();
                let user = Some(User { etag, ..user });
                let request = UpdateAccountRequest { user, update_mask: Some(mask), ..Default::default() };
                let answer = client.update_account(request).await?.into_inner();
                Answer::message("rolecall.identity.v1.UpdateAccountResponse", &answer, View::One("user", USER))
            }
        }
    }
}
