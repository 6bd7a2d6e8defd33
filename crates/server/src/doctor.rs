//! What is wrong with an installation, and what to do about it.

mod mail;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use rolecall_db::SchemaState;
use rolecall_rpc::channel::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::Service;
use crate::config::schema::Config;
use crate::{command, data_dir, databases, settings};

/// How long a check may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One line of the report.
pub(crate) enum Finding {
    /// All is well.
    Ok(String),
    /// It works, but somebody should look.
    Warn(String),
    /// It does not work.
    Fail(String),
}

/// Checks everything and prints a line for each thing checked.
pub(crate) async fn run(config: Result<Config>) -> ExitCode {
    let findings = match config {
        Ok(config) => examine(&config).await,
        Err(problems) => vec![Finding::Fail(format!("{problems:#}"))],
    };
    for finding in &findings {
        let (mark, text) = match finding {
            Finding::Ok(text) => ("ok  ", text),
            Finding::Warn(text) => ("warn", text),
            Finding::Fail(text) => ("fail", text),
        };
        command::print(&format!("{mark}  {text}\n"));
    }
    let is_sick = findings.iter().any(|finding| matches!(finding, Finding::Fail(_)));
    if is_sick { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::Ok("configuration: complete and without contradictions".to_owned())];
    findings.extend(files(config));
    findings.push(key(config));
    for service in &config.server.services {
        findings.push(database(config, *service).await);
    }
    if config.server.services.contains(&Service::Notification) {
        findings.push(mail::check(config).await);
    }
    for service in Service::ALL.iter().filter(|service| !config.server.services.contains(service)) {
        findings.push(peer(config, *service).await);
    }
    findings
}

/// Looks at the modes of the files that hold secrets.
fn files(config: &Config) -> Vec<Finding> {
    let secrets = [
        &config.keys.master_key,
        &config.database.url,
        &config.database.identity.url,
        &config.database.organization.url,
        &config.database.notification.url,
        &config.notification.smtp.password,
    ];
    let files =
        secrets.into_iter().filter_map(|secret| secret.file.as_ref()).chain(config.server.tls.key_file.as_ref());
    files.map(|file| secret_file(file)).collect()
}

fn secret_file(file: &Path) -> Finding {
    let name = file.display();
    match data_dir::open_to_others(file) {
        Ok(0) => Finding::Ok(format!("secret file {name}: only its owner can read it")),
        Ok(_) => Finding::Warn(format!("secret file {name}: others can read it; run `chmod 600 {name}`")),
        Err(error) => Finding::Fail(format!("secret file {name}: cannot be read ({error}); correct its name or mode")),
    }
}

fn key(config: &Config) -> Finding {
    if config.keys.master_key.value.is_some() {
        return Finding::Ok("master key: given".to_owned());
    }
    let file = config.server.data_dir.join(data_dir::KEY_FILE);
    match data_dir::open_to_others(&file) {
        Ok(0) => Finding::Ok(format!("master key: {} is there and only its owner can read it", file.display())),
        Ok(_) => Finding::Fail(format!("master key: others can read it; run `chmod 600 {}`", file.display())),
        Err(_) if !config.server.data_dir.join("identity.db").exists() => {
            Finding::Ok("master key: the first start makes it".to_owned())
        }
        Err(error) => Finding::Fail(format!("master key: {} ({error}); restore it from your backup", file.display())),
    }
}

async fn database(config: &Config, service: Service) -> Finding {
    let name = service.name();
    let folder = std::path::absolute(&config.server.data_dir).unwrap_or_else(|_| PathBuf::from("."));
    if settings::is_sqlite(config, service) && !folder.is_dir() {
        return Finding::Ok(format!("database of {name}: the first start makes it in {}", folder.display()));
    }
    let state = async {
        let database = databases::open(config, service, &folder).await?;
        let state = databases::schema(&database, service).await;
        database.close().await;
        state
    };
    match tokio::time::timeout(PATIENCE, state).await {
        Ok(Ok(SchemaState::Current)) => Finding::Ok(format!("database of {name}: reachable, schema current")),
        Ok(Ok(SchemaState::Behind(steps))) if settings::is_sqlite(config, service) => {
            Finding::Ok(format!("database of {name}: {steps} steps behind; the next start applies them"))
        }
        Ok(Ok(SchemaState::Behind(steps))) => {
            Finding::Fail(format!("database of {name}: {steps} steps behind; run `rolecall migrate`"))
        }
        Ok(Ok(SchemaState::Newer(step))) => {
            Finding::Fail(format!("database of {name}: made by a newer version (step {step}); start that version"))
        }
        Ok(Err(error)) => Finding::Fail(format!("database of {name}: {error:#}")),
        Err(_) => Finding::Fail(format!("database of {name}: no answer within 5 s; check the address and the network")),
    }
}

async fn peer(config: &Config, service: Service) -> Finding {
    let name = service.name();
    let address = settings::peer_address(config, service).unwrap_or_default();
    let channel = match Channel::remote(&settings::peer(config, address)) {
        Ok(channel) => channel,
        Err(error) => return Finding::Fail(format!("peer {name}: {error}")),
    };
    let request = HealthCheckRequest { service: String::new() };
    match tokio::time::timeout(PATIENCE, HealthClient::new(channel).check(request)).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => {
            Finding::Ok(format!("peer {name}: serves at {address}"))
        }
        Ok(Ok(_)) => Finding::Warn(format!("peer {name}: {address} answers that it does not serve; look at its log")),
        Ok(Err(status)) => {
            let why = status.message();
            Finding::Warn(format!("peer {name}: {address} cannot be called ({why}); start it, or correct peers.{name}"))
        }
        Err(_) => Finding::Warn(format!(
            "peer {name}: {address} does not answer within 5 s; start it, or correct peers.{name}"
        )),
    }
}
