//! Certificates of a local authority, to try TLS and to run it inside a closed network.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rolecall_kernel::time::{Clock as _, SystemClock};

use crate::failure::Failure;
use crate::output::Answer;

const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const AUTHORITY_YEARS: i32 = 10;
const SERVER_YEARS: i32 = 1;

/// Make certificates
#[derive(Debug, Args)]
pub struct Certs {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a local certificate authority and a server certificate for localhost and the given hosts
    #[command(
        after_help = "Writes ca.pem, ca.key, server.pem and server.key; the keys are readable by their owner only.
The authority lasts 10 years, the server certificate 1 year. Keep ca.key off the servers.

Examples:
  rolecall certs init --dir certs
  rolecall certs init --dir certs --host rolecall.internal --host 10.0.0.7"
    )]
    Init {
        /// Folder to write into; made when it is not there
        #[arg(long)]
        dir: PathBuf,
        /// A further name or address of the server; may be repeated
        #[arg(long = "host")]
        hosts: Vec<String>,
    },
}

impl Command {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let Self::Init { dir, hosts } = self;
        let files = ["ca.pem", "ca.key", "server.pem", "server.key"].map(|name| dir.join(name));
        if let Some(file) = files.iter().find(|file| file.exists()) {
            return Err(Failure::Local(format!("{} exists; nothing was changed", file.display())));
        }
        let failed = |error: &dyn std::fmt::Display| Failure::local("the certificates cannot be made", error);
        std::fs::create_dir_all(&dir).map_err(|error| failed(&error))?;
        let made = make(&hosts).map_err(|error| failed(&error))?;
        for (file, (text, mode)) in files.iter().zip(made) {
            write_new(file, &text, mode).map_err(|error| Failure::local(file.display(), error))?;
        }
        let [authority, _, certificate, key] = files.map(|file| file.display().to_string());
        Ok(Answer::sentence(format!(
            "made {authority} and {certificate}\n\nin the configuration of the server:\n  [server.tls]\n  \
             cert_file = \"{certificate}\"\n  key_file = \"{key}\"\n\nfor clients:\n  rolecall whoami --server \
             https://localhost:50051 --ca-file {authority}"
        )))
    }
}

/// Makes authority and server, each a certificate and a key, with the modes of their files.
fn make(hosts: &[String]) -> Result<[(String, u32); 4], rcgen::Error> {
    let mut authority = params(&[], "Rolecall local authority", AUTHORITY_YEARS)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;

    let names = LOCAL_NAMES.iter().map(ToString::to_string).chain(hosts.iter().cloned()).collect::<Vec<_>>();
    let mut server = params(&names, "Rolecall server", SERVER_YEARS)?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let server_key = KeyPair::generate()?;
    let authority_pem = authority_key.serialize_pem();
    let server_certificate = server.signed_by(&server_key, &Issuer::new(authority, authority_key))?;
    Ok([
        (authority_certificate.pem(), 0o644),
        (authority_pem, 0o600),
        (server_certificate.pem(), 0o644),
        (server_key.serialize_pem(), 0o600),
    ])
}

fn params(names: &[String], common_name: &str, years: i32) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    let (year, month, day) = today();
    params.not_before = date_time_ymd(year, month, day);
    params.not_after = date_time_ymd(year + years, month, day);
    Ok(params)
}

/// Returns the date; after the 28th it says the 28th, which every month of every year has.
fn today() -> (i32, u8, u8) {
    let text = Timestamp { seconds: SystemClock.now().as_seconds(), nanos: 0 }.to_string();
    let mut parts = text.split(['-', 'T']);
    let mut next = || parts.next().unwrap_or_default();
    let (year, month, day) = (next().parse(), next().parse(), next().parse::<u8>());
    (year.unwrap_or(1970), month.unwrap_or(1), day.unwrap_or(1).min(28))
}

/// Writes a file that must not exist, with its mode from the first byte on.
fn write_new(file: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn asvs_v13_3_2_keys_are_for_their_owner_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = folder.path().join("certs");
        let init = || Command::Init { dir: dir.clone(), hosts: vec!["rolecall.internal".to_owned()] };
        init().run().expect("made");
        let mode = |name| std::fs::metadata(dir.join(name)).expect("there").permissions().mode() & 0o777;
        assert_eq!([mode("ca.key"), mode("server.key")], [0o600, 0o600]);
        let before = std::fs::read(dir.join("ca.pem")).expect("read");
        assert!(init().run().is_err());
        assert_eq!(std::fs::read(dir.join("ca.pem")).expect("read"), before);
    }

    #[test]
    fn a_host_that_is_no_name_is_refused() {
        assert!(make(&["ä ö".to_owned()]).is_err());
    }
}
