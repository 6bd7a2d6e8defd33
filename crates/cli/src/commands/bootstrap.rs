//! The first administrator.

use clap::Args;
use rolecall_api::identity::v1::instance_service_client::InstanceServiceClient;
use rolecall_api::identity::v1::{BootstrapRequest, MfaPolicy};
use secrecy::ExposeSecret as _;

use super::users::USER;
use super::{Mfa, NameArgs};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, View};
use crate::secrets::Secrets;

/// Make the home organization and its first administrator, once, with the setup secret of the first start
#[derive(Debug, Args)]
#[command(
    after_help = "The setup secret and the new password are asked for, or read from standard input in this order,
one line each. `rolecall setup-secret --renew` on the server makes a new setup secret.

A second factor is demanded of every login unless `--mfa optional` is written out.

Examples:
  rolecall bootstrap --organization \"Example Institute\" --email ada@example.org --given-name Ada --family-name Lovelace
  rolecall bootstrap --organization Example --email ada@example.org --name \"Ada Lovelace\" --mfa optional --password-stdin < secrets.txt"
)]
pub struct Bootstrap {
    /// Name of the home organization
    #[arg(long)]
    organization: String,
    /// E-mail address of the first administrator
    #[arg(long)]
    email: String,
    #[command(flatten)]
    name: NameArgs,
    /// What the organization demands of the logins of its members
    #[arg(long, value_enum, default_value_t = Mfa::Required)]
    mfa: Mfa,
    /// Read the setup secret and the password from standard input, one line each
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

impl Bootstrap {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let secrets = Secrets::from_flag(self.password_stdin);
        let setup_secret = secrets.read("Setup secret")?;
        let least = match self.mfa {
            Mfa::Required => 12,
            Mfa::Optional => 15,
        };
        let password = secrets.read_new(&format!("New password ({least} characters or more)"))?;
        let request = BootstrapRequest {
            setup_secret: setup_secret.expose_secret().trim().to_owned(),
            organization_name: self.organization,
            email: self.email,
            name: self.name.name,
            given_name: self.name.given_name,
            family_name: self.name.family_name,
            password: password.expose_secret().to_owned(),
            password_confirmation: password.expose_secret().to_owned(),
            mfa_policy: match self.mfa {
                Mfa::Required => MfaPolicy::Required,
                Mfa::Optional => MfaPolicy::Optional,
            }
            .into(),
        };
        let answer = InstanceServiceClient::new(connection.public()).bootstrap(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.BootstrapResponse", &answer, View::One("user", USER))
    }
}
