//! The own second factors.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::{
    ConfirmTotpRequest, EnrollTotpRequest, ListFactorsRequest, RegenerateRecoveryCodesRequest, RemoveFactorRequest,
    TotpEnrollment,
};
use serde_json::json;

use super::codes::Code;
use super::login::{enrollment_text, recovery_code_list};
use crate::connection::{Connection, RemoteArgs, Wire};
use crate::failure::Failure;
use crate::output::{Answer, Column, View, to_json};
use crate::secrets::Secrets;

const LIST: &[Column] = &[
    Column("FACTOR", "factorId", ""),
    Column("KIND", "kind", "FACTOR_KIND_"),
    Column("NAME", "name", ""),
    Column("ADDED", "createTime", ""),
    Column("LAST USED", "lastUsedTime", ""),
];

const LEFT: &[Column] = &[Column("recovery codes left", "recoveryCodesLeft", "")];

/// Your second factors: authenticator apps and recovery codes
#[derive(Debug, Args)]
pub struct Factors {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List your authenticator apps and count the recovery codes that are left
    #[command(after_help = "Examples:
  rolecall factors list
  rolecall factors list --output json")]
    List,
    /// Begin to add an authenticator app; `factors confirm` ends it
    #[command(after_help = "Examples:
  rolecall factors add --name Phone
  rolecall factors add --name Phone --qr-file qr.png")]
    Add {
        /// What you call the app
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// Write the QR code that apps read into this file, a PNG image
        #[arg(long, value_name = "FILE")]
        qr_file: Option<PathBuf>,
    },
    /// Add the app whose code you give; all your other sessions end
    #[command(after_help = "The code is asked for, or read from standard input.

Examples:
  rolecall factors confirm 01890a5d-ac96-774b-bcce-b302099a8057
  rolecall factors confirm 01890a5d-ac96-774b-bcce-b302099a8057 --totp-stdin < digits.txt")]
    Confirm {
        /// Id of the factor, from `factors add`
        factor_id: String,
        /// Read the six digits from standard input, one line
        #[arg(long)]
        totp_stdin: bool,
    },
    /// Remove an authenticator app; all your other sessions end
    #[command(after_help = "Examples:
  rolecall factors remove 01890a5d-ac96-774b-bcce-b302099a8057")]
    Remove {
        /// Id of the factor
        factor_id: String,
    },
    /// Replace your recovery codes; the ones before end
    #[command(after_help = "Examples:
  rolecall factors recovery-codes")]
    RecoveryCodes,
}

impl Command {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = AccountServiceClient::new(connection.signed_in().await?);
        match self {
            Self::List => {
                let answer = client.list_factors(ListFactorsRequest {}).await?.into_inner();
                let view = View::Nested("", LEFT, "factors", LIST);
                Answer::message("rolecall.identity.v1.ListFactorsResponse", &answer, view)
            }
            Self::Add { name, qr_file } => add(client, name, qr_file.as_deref()).await,
            Self::Confirm { factor_id, totp_stdin } => {
                let code = Code::read_first(Secrets::from_flag(totp_stdin))?;
                let answer = client.confirm_totp(ConfirmTotpRequest { factor_id, code }).await?.into_inner();
                let value = to_json("rolecall.identity.v1.ConfirmTotpResponse", &answer)?;
                let codes = &answer.recovery_codes;
                let list = if codes.is_empty() { String::new() } else { format!("\n\n{}", recovery_code_list(codes)) };
                Ok(Answer::json(value, View::Sentence(format!("the app is added{list}"))))
            }
            Self::Remove { factor_id } => {
                client.remove_factor(RemoveFactorRequest { factor_id, ..Default::default() }).await?;
                Ok(Answer::sentence("the app is removed"))
            }
            Self::RecoveryCodes => {
                let answer = client.regenerate_recovery_codes(RegenerateRecoveryCodesRequest {}).await?.into_inner();
                let text = recovery_code_list(&answer.recovery_codes);
                Ok(Answer::json(json!({ "recoveryCodes": answer.recovery_codes }), View::Sentence(text)))
            }
        }
    }
}

async fn add(mut client: AccountServiceClient<Wire>, name: String, qr_file: Option<&Path>) -> Result<Answer, Failure> {
    let answer = client.enroll_totp(EnrollTotpRequest { name }).await?.into_inner();
    let enrollment = answer.enrollment.unwrap_or_default();
    if let Some(file) = qr_file {
        write_image(file, &enrollment)?;
    }
    let hint = format!("then run `rolecall factors confirm {}` within 10 minutes", enrollment.factor_id);
    let text = format!("{}\n{hint}", enrollment_text(&enrollment));
    let value = json!({
        "factorId": enrollment.factor_id,
        "otpauthUri": enrollment.otpauth_uri,
        "secret": enrollment.secret,
    });
    Ok(Answer::json(value, View::Sentence(text)))
}

/// Writes the image so that nobody else reads it: it holds the secret.
fn write_image(file: &Path, enrollment: &TotpEnrollment) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = opened.and_then(|mut opened| opened.write_all(&enrollment.qr_code_png));
    written.map_err(|error| Failure::local(format!("--qr-file {} cannot be written", file.display()), error))
}
