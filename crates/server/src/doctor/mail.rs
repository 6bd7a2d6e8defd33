//! Whether mails can leave.

use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use super::{Finding, PATIENCE};
use crate::config::SmtpEncryption;
use crate::config::schema::{Config, Smtp};
use crate::settings;

/// Greets the mail server as a mail would (EHLO, and TLS where it is configured), and sends nothing.
pub(super) async fn check(config: &Config) -> Finding {
    let Some(host) = config.notification.smtp.host.as_deref() else {
        let folder = settings::mail_folder(&config.server.data_dir);
        let folder = folder.display();
        return Finding::Warn(format!("mail: no mail server is configured (notification.smtp); mails go to {folder}"));
    };
    let transport = match transport(&config.notification.smtp, host) {
        Ok(transport) => transport,
        Err(error) => return Finding::Fail(format!("mail: {error}; correct notification.smtp")),
    };
    match tokio::time::timeout(PATIENCE, transport.test_connection()).await {
        Ok(Ok(true)) => Finding::Ok(format!("mail: {host} answers")),
        Ok(Ok(false)) => Finding::Fail(format!("mail: {host} hung up; look at the log of the mail server")),
        Ok(Err(error)) => {
            Finding::Fail(format!("mail: {host} cannot be used ({}); correct notification.smtp", innermost(&error)))
        }
        Err(_) => Finding::Fail(format!("mail: {host} does not answer within 5 s; correct notification.smtp")),
    }
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

fn transport(section: &Smtp, host: &str) -> Result<Transport, Box<dyn std::error::Error>> {
    let usual = match section.tls {
        SmtpEncryption::Implicit => 465,
        SmtpEncryption::StartTls => 587,
        SmtpEncryption::None => 25,
    };
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(file) = &section.ca_file {
        parameters = parameters
            .add_root_certificate(lettre::transport::smtp::client::Certificate::from_pem(&std::fs::read(file)?)?);
    }
    let tls = match section.tls {
        SmtpEncryption::Implicit => Tls::Wrapper(parameters.build()?),
        SmtpEncryption::StartTls => Tls::Required(parameters.build()?),
        SmtpEncryption::None => Tls::None,
    };
    let builder =
        Transport::builder_dangerous(host).port(section.port.unwrap_or(usual)).tls(tls).timeout(Some(PATIENCE));
    Ok(builder.build())
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.last().unwrap_or(error).to_string()
}
