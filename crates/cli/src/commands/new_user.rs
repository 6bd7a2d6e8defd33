//! `users create` and `users set-password`: how the person will log in.

use clap::{Args, ValueEnum};
use rolecall_api::identity::v1::create_user_request::Credential;
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::identity::v1::{
    CodeDelivery, CreateUserRequest, ImportedHash, InitialPassword, InvitationCredential, PasswordChange, ReturnCode,
    SetUserPasswordRequest, SsoOnlyCredential, code_delivery,
};
use secrecy::ExposeSecret as _;

use super::NameArgs;
use super::users::USER;
use crate::connection::Wire;
use crate::failure::Failure;
use crate::output::{Answer, Column, View};
use crate::secrets::Secrets;

/// What is shown of a new account whose code is passed on by hand.
const WITH_CODE: &[Column] = &[
    Column("user id", "user.userId", ""),
    Column("e-mail", "user.email", ""),
    Column("ends", "invitation.expireTime", ""),
    Column("code", "invitationCode", ""),
];

/// What `users create` takes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Id of the organization; your own when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    organization: String,
    /// E-mail address
    #[arg(long)]
    email: String,
    #[command(flatten)]
    name: NameArgs,
    /// Where the person works
    #[arg(long, default_value = "", hide_default_value = true)]
    institution: String,
    /// Web address of the person
    #[arg(long, default_value = "", hide_default_value = true)]
    website: String,
    /// A role to hold: OWNER, `DATA_STEWARD`, `DATA_SCIENTIST` or GUEST; may be repeated
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    #[command(flatten)]
    credential: CredentialArgs,
    /// Check everything and change nothing
    #[arg(long)]
    validate_only: bool,
}

/// How the person will log in; invited by mail when nothing is chosen.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line, and one excludes the others")]
struct CredentialArgs {
    /// Invite the person by mail (the default)
    #[arg(long, group = "credential")]
    invite: bool,
    /// Show the code of the invitation instead of mailing it, for you to pass on
    #[arg(long = "return-code", group = "credential")]
    returned: bool,
    /// Read a first password from standard input, one line; the account is active at once
    #[arg(long, group = "credential")]
    password_stdin: bool,
    /// Read the hash of the password that the person has elsewhere from standard input: a PHC or bcrypt string
    #[arg(long, group = "credential")]
    hash_stdin: bool,
    /// The person logs in at the identity provider of the organization alone; told by mail
    #[arg(long, group = "credential")]
    sso_only: bool,
    /// What becomes of the first password
    #[arg(long, value_enum, default_value_t = Change::Required, requires = "password_stdin")]
    change: Change,
}

/// What becomes of a password that you choose for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Change {
    /// The next login demands a new one.
    Required,
    /// The person may keep it.
    Advised,
}

impl From<Change> for PasswordChange {
    fn from(change: Change) -> Self {
        match change {
            Change::Required => Self::Required,
            Change::Advised => Self::Advised,
        }
    }
}

/// Gives the code to the caller instead of mailing it.
pub(crate) fn delivery(returned: bool) -> Option<CodeDelivery> {
    let delivery = code_delivery::Delivery::Return(ReturnCode {});
    returned.then_some(CodeDelivery { delivery: Some(delivery) })
}

impl CredentialArgs {
    fn read(&self) -> Result<Option<Credential>, Failure> {
        if self.password_stdin {
            let password = Secrets::StandardInput.read_new("First password")?.expose_secret().to_owned();
            let (password_confirmation, change) = (password.clone(), PasswordChange::from(self.change).into());
            let initial = InitialPassword { password, password_confirmation, change };
            return Ok(Some(Credential::InitialPassword(initial)));
        }
        if self.hash_stdin {
            let hash = Secrets::StandardInput.read("Hash")?.expose_secret().trim().to_owned();
            return Ok(Some(Credential::ImportedHash(ImportedHash { hash })));
        }
        if self.sso_only {
            return Ok(Some(Credential::SsoOnly(SsoOnlyCredential {})));
        }
        let invitation = InvitationCredential { delivery: delivery(self.returned) };
        Ok(self.returned.then_some(Credential::Invitation(invitation)))
    }
}

impl Create {
    pub(crate) async fn run(self, client: &mut UserServiceClient<Wire>) -> Result<Answer, Failure> {
        let view = if self.credential.returned && !self.validate_only {
            View::One("", WITH_CODE)
        } else {
            View::One("user", USER)
        };
        let request = CreateUserRequest {
            request_id: String::new(),
            credential: self.credential.read()?,
            organization_id: self.organization,
            email: self.email,
            name: self.name.name,
            given_name: self.name.given_name,
            family_name: self.name.family_name,
            institution: self.institution,
            website: self.website,
            roles: self.roles,
            validate_only: self.validate_only,
        };
        let answer = client.create_user(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.CreateUserResponse", &answer, view)
    }
}

/// What `users set-password` takes.
#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    /// Id of the account
    user_id: String,
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
    /// What becomes of the password
    #[arg(long, value_enum, default_value_t = Change::Required)]
    change: Change,
}

impl SetPassword {
    pub(crate) async fn run(self, client: &mut UserServiceClient<Wire>) -> Result<Answer, Failure> {
        let password = Secrets::from_flag(self.password_stdin).read_new("New password of the person")?;
        let request = SetUserPasswordRequest {
            request_id: String::new(),
            user_id: self.user_id,
            password: password.expose_secret().to_owned(),
            password_confirmation: password.expose_secret().to_owned(),
            change: PasswordChange::from(self.change).into(),
        };
        let answer = client.set_user_password(request).await?.into_inner();
        Answer::message("rolecall.identity.v1.SetUserPasswordResponse", &answer, View::One("user", USER))
    }
}
