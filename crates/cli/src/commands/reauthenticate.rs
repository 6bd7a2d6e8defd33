//! Proving once more who works here.

use clap::Args;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::{ListFactorsRequest, ReauthenticateRequest};
use secrecy::ExposeSecret as _;

use super::codes::Code;
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::Answer;
use crate::secrets::Secrets;

/// What `reauthenticate` takes.
#[derive(Debug, Args)]
pub struct Reauthenticate {
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
    /// Read the code of the second factor from standard input, one line after the password
    #[arg(long)]
    totp_stdin: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

impl Reauthenticate {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let wire = connection.signed_in().await?;
        let listed = AccountServiceClient::new(wire.clone()).list_factors(ListFactorsRequest {}).await?.into_inner();
        let password = Secrets::from_flag(self.password_stdin).read("Password")?;
        let factor = if listed.factors.is_empty() {
            None
        } else {
            Some(Code::read(Secrets::from_flag(self.totp_stdin))?.into())
        };
        let request = ReauthenticateRequest { password: password.expose_secret().to_owned(), factor };
        let answer = AuthenticationServiceClient::new(wire).reauthenticate(request).await?.into_inner();
        connection.keep_access(answer.access_token, answer.access_token_expire_time)?;
        Ok(Answer::sentence("Proved; what asks for it is open for five minutes."))
    }
}
