//! What a start prints: where the server is, and how to go on.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::Service;
use crate::config::schema::Config;
use crate::{VERSION, settings};

/// Where the installation stands on its way to a first administrator.
pub(crate) enum Setup {
    /// This secret was made right now and is shown once.
    Secret(String),
    /// The secret is the one that the configuration names.
    Chosen,
    /// A secret was printed by an earlier start.
    Waiting,
    /// There is nothing to say.
    Done,
}

/// Returns what is printed when the server serves.
pub(crate) fn banner(config: &Config, address: SocketAddr, data_dir: &Path, setup: &Setup) -> String {
    let services = config.server.services.iter().map(|service| service.name()).collect::<Vec<_>>().join(", ");
    let url = url(config, address);
    let mut text = format!("Rolecall {VERSION} serves {services} on {url}\n");
    // Writing to a String does not fail.
    let _ = writeln!(text, "data folder: {}", data_dir.display());
    let hosts_mail = config.server.services.contains(&Service::Notification);
    if hosts_mail && config.notification.smtp.host.is_none() {
        let folder = settings::mail_folder(data_dir);
        let _ = writeln!(text, "mails: no mail server is configured; they go to {}", folder.display());
        let _ = writeln!(text, "       rolecall mail list --data-dir {}", data_dir.display());
    }
    text.push_str(&going_on(config, address, &url, setup));
    text
}

fn going_on(config: &Config, address: SocketAddr, url: &str, setup: &Setup) -> String {
    match setup {
        Setup::Done => String::new(),
        Setup::Waiting => {
            "\nThere is no administrator yet. If the setup secret that an earlier start printed is lost, \
            make a new one:\n\n  rolecall setup-secret --renew\n"
                .to_owned()
        }
        Setup::Chosen => {
            first_steps(config, address, url, " is the one that the configuration names.", "<setup secret>")
        }
        Setup::Secret(secret) => {
            first_steps(config, address, url, &format!(", shown only this once:\n\n  {secret}"), secret)
        }
    }
}

fn first_steps(config: &Config, address: SocketAddr, url: &str, which: &str, secret: &str) -> String {
    let authority = config.server.tls.cert_file.is_some();
    let (for_rolecall, for_grpcurl) =
        if authority { (" --ca-file ca.pem", "-cacert ca.pem") } else { ("", "-plaintext") };
    format!(
        "\nThere is no administrator yet. The setup secret{which}\n\n\
         Make the first administrator (the secret and a new password are asked for):\n\n  \
         rolecall bootstrap --server {url}{for_rolecall} --organization \"Example Institute\" \
         --email ada@example.org --given-name Ada --family-name Lovelace\n  \
         rolecall login --server {url}{for_rolecall} --email ada@example.org\n\n\
         The same with grpcurl:\n\n  \
         grpcurl {for_grpcurl} -d @ {address} rolecall.identity.v1.InstanceService/Bootstrap <<'JSON'\n  \
         {{\"setup_secret\": \"{secret}\", \"organization_name\": \"Example Institute\", \"email\": \"ada@example.org\",\n   \
         \"given_name\": \"Ada\", \"family_name\": \"Lovelace\", \"password\": \"<15 characters or more>\"}}\n  JSON\n"
    )
}

/// Returns the address that a client on this machine uses.
fn url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.server.tls.cert_file.is_some() { "https" } else { "http" };
    if address.ip().is_unspecified() {
        return format!("{scheme}://localhost:{}", address.port());
    }
    format!("{scheme}://{address}")
}
