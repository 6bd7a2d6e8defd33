//! From a visitor to an account: registering, and proving the address.

use clap::Args;
use rolecall_api::identity::v1::registration_service_client::RegistrationServiceClient;
use rolecall_api::identity::v1::verify_email_request::Credential;
use rolecall_api::identity::v1::{ChosenPassword, RegisterRequest, ResendEmailVerificationRequest, VerifyEmailRequest};
use secrecy::ExposeSecret as _;

use super::NameArgs;
use super::users::USER;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Column, View};
use crate::secrets::Secrets;

const REGISTERED: &[Column] =
    &[Column("registration", "registrationId", ""), Column("the mailed code works until", "expireTime", "")];

/// Ask for an account in an organization that takes registrations
#[derive(Debug, Args)]
#[command(
    after_help = "The password is asked for, or read from standard input. A mail to the address carries a code; there
is no account before it is given to `rolecall verify-email`.

Examples:
  rolecall register ada@example.org --name \"Ada Lovelace\"
  rolecall register ada@example.org --name \"Ada Lovelace\" --institution \"Analytical Society\" --password-stdin < secret.txt"
)]
pub struct Register {
    /// Your e-mail address
    pub(crate) email: String,
    #[command(flatten)]
    pub(crate) names: NameArgs,
    /// Where you work
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) institution: String,
    /// Your web address, http or https
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) website: String,
    /// Id of the organization; the home organization when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) organization: String,
    /// Read the password from standard input, one line
    #[arg(long)]
    pub(crate) password_stdin: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

impl Register {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let secrets = Secrets::from_flag(self.password_stdin);
        let password = secrets.read_new("New password (15 characters or more)")?;
        let request = RegisterRequest {
            organization_id: self.organization,
            email: self.email,
            name: self.names.name,
            given_name: self.names.given_name,
            family_name: self.names.family_name,
            institution: self.institution,
            website: self.website,
            password: password.expose_secret().to_owned(),
            password_confirmation: password.expose_secret().to_owned(),
        };
        let mut client = RegistrationServiceClient::new(connection.public());
        let answer = client.register(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.RegisterResponse", &answer, View::One("", REGISTERED))
    }
}

/// Prove the address that you registered with by the code of the mail; makes the account
#[derive(Debug, Args)]
#[command(
    after_help = "The code and the password are asked for, or read from standard input in this order, one line each.
The password is the one that you registered with; with --new-password another one takes its place.

Examples:
  rolecall verify-email
  rolecall verify-email --new-password
  rolecall verify-email --password-stdin < secrets.txt
  rolecall verify-email --resend ada@example.org"
)]
pub struct VerifyEmail {
    /// Set another password than the one that you registered with, or that somebody else did
    #[arg(long = "new-password")]
    pub(crate) is_renewed: bool,
    /// Read the code and the password from standard input, one line each
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Only mail another code to this address, if it waits for one
    #[arg(long, value_name = "EMAIL", conflicts_with_all = ["is_renewed", "password_stdin"])]
    pub(crate) resend: Option<String>,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

impl VerifyEmail {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = RegistrationServiceClient::new(connection.public());
        if let Some(email) = self.resend {
            let request = ResendEmailVerificationRequest { email, ..Default::default() };
            client.resend_email_verification(request).await?;
            return Ok(Answer::sentence("if the address waits for a code, a mail with another one is on its way"));
        }
        let secrets = Secrets::from_flag(self.password_stdin);
        let code = secrets.read("Code from the mail")?.expose_secret().trim().to_owned();
        let credential = if self.is_renewed {
            let password = secrets.read_new("New password (15 characters or more)")?.expose_secret().to_owned();
            Credential::NewPassword(ChosenPassword { password_confirmation: password.clone(), password })
        } else {
            Credential::Password(secrets.read("Password that you registered with")?.expose_secret().to_owned())
        };
        let request = VerifyEmailRequest { code, credential: Some(credential) };
        let answer = client.verify_email(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.VerifyEmailResponse", &answer, View::One("user", USER))
    }
}
