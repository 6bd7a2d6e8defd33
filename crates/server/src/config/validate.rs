//! What must fit together; every problem names the setting and says what to write.

use rolecall_kernel::key::MasterKey;
use secrecy::ExposeSecret as _;

use super::schema::Config;
use super::setting::{Secret, Service};
use crate::settings;

/// Returns everything that is wrong.
pub(super) fn validate(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(server(config));
    problems.extend(keys(config));
    problems.extend(databases(config));
    problems.extend(setup_secret(config));
    problems.extend(peers(config));
    problems.extend(secrets_from_environment(config));
    problems.extend(telemetry(config));
    problems.extend(limits(config));
    problems.extend(testing(config));
    problems.extend(settings::identity(config).validate().err().unwrap_or_default());
    problems.extend(settings::organization(config).validate());
    problems.extend(settings::notification(config).validate());
    problems
}

fn problem(is_wrong: bool, text: &str) -> Option<String> {
    is_wrong.then(|| text.to_owned())
}

fn server(config: &Config) -> Vec<String> {
    let server = &config.server;
    let mut named = server.services.clone();
    named.sort_unstable();
    named.dedup();
    let is_open = server.tls.cert_file.is_none() && !server.plaintext && !server.listen.ip().is_loopback();
    [
        problem(server.services.is_empty(), "server.services: must name at least one service"),
        problem(named.len() != server.services.len(), "server.services: must name each service once"),
        problem(
            server.tls.cert_file.is_some() != server.tls.key_file.is_some(),
            "server.tls: cert_file and key_file belong together; give both or none",
        ),
        problem(
            is_open,
            "server.listen: is not on loopback and no certificate is given; set server.tls, or server.plaintext = true \
             where something before the server encrypts",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn keys(config: &Config) -> Option<String> {
    let key = config.keys.master_key.value.as_ref();
    if let Some(text) = key {
        return MasterKey::parse(text.expose_secret()).err().map(|error| format!("keys.master_key: {error}"));
    }
    problem(
        !settings::is_self_contained(config),
        "keys.master_key: must be given unless one process hosts all services on SQLite; write 32 random bytes into a \
         file (`openssl rand -base64 32`) and name it in keys.master_key_file",
    )
}

fn setup_secret(config: &Config) -> Option<String> {
    let is_short = config.identity.setup_secret.value.is_some() && settings::setup_secret(config).is_none();
    let text = "identity.setup_secret: must have 32 characters or more; `openssl rand -base64 32` makes one";
    problem(is_short, text)
}

fn databases(config: &Config) -> Vec<String> {
    let own = [
        ("database.url", &config.database.url),
        ("database.identity.url", &config.database.identity.url),
        ("database.organization.url", &config.database.organization.url),
        ("database.notification.url", &config.database.notification.url),
    ];
    let mut problems = Vec::new();
    for (key, secret) in own {
        let Some(url) = &secret.value else { continue };
        let url = url.expose_secret();
        let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        // Three services in one SQLite file would be in each other's way.
        let is_sqlite = url.starts_with("sqlite:") && key != "database.url";
        if !is_postgres && !is_sqlite {
            let other = if key == "database.url" { "" } else { " or sqlite:///absolute/path/file.db" };
            problems.push(format!("{key}: must be postgres://user:password@host/name{other}"));
        }
    }
    let timeouts = [config.database.acquire_timeout, config.database.statement_timeout, config.database.lock_timeout];
    problems.extend(problem(
        timeouts.iter().any(std::time::Duration::is_zero),
        "database: acquire_timeout, statement_timeout and lock_timeout must be longer than zero",
    ));
    problems.extend(problem(
        !(2..=1000).contains(&config.database.max_connections),
        "database.max_connections: must be 2 to 1000",
    ));
    problems
}

fn peers(config: &Config) -> Vec<String> {
    let missing = Service::ALL.iter().filter(|service| !config.server.services.contains(service));
    let missing = missing.filter(|service| settings::peer_address(config, **service).is_none());
    missing
        .map(|service| {
            let name = service.name();
            format!("peers.{name}: must be given, since this process does not host {name}; write its address")
        })
        .collect()
}

/// Other processes of the machine may be able to read the environment; beyond loopback there are more of them.
fn secrets_from_environment(config: &Config) -> Vec<String> {
    if config.server.listen.ip().is_loopback() {
        return Vec::new();
    }
    let secrets: [(&str, &Secret); 7] = [
        ("keys.master_key", &config.keys.master_key),
        ("identity.setup_secret", &config.identity.setup_secret),
        ("database.url", &config.database.url),
        ("database.identity.url", &config.database.identity.url),
        ("database.organization.url", &config.database.organization.url),
        ("database.notification.url", &config.database.notification.url),
        ("notification.smtp.password", &config.notification.smtp.password),
    ];
    let from_environment = secrets.iter().filter(|(_, secret)| secret.from_environment);
    from_environment
        .map(|(key, _)| format!("{key}: a secret may come from the environment only on loopback; write it into a file and name it in {key}_file"))
        .collect()
}

fn telemetry(config: &Config) -> Option<String> {
    let ratio = config.telemetry.otlp.sample_ratio;
    problem(!(0.0..=1.0).contains(&ratio), "telemetry.otlp.sample_ratio: must lie between 0 and 1")
}

fn limits(config: &Config) -> Option<String> {
    let limits = &config.limits;
    let counts = [
        limits.max_connections,
        limits.max_connections_per_network,
        limits.max_concurrent_streams,
        limits.max_calls,
        limits.max_streams,
    ];
    let times = [limits.handshake_timeout, limits.keepalive, limits.connection_age, limits.unary_timeout];
    let is_wrong = counts.contains(&0) || times.iter().any(|time| time.as_millis() == 0);
    problem(is_wrong, "limits: numbers must be 1 or more, times 1 ms or longer")
}

fn testing(config: &Config) -> Vec<String> {
    let testing = &config.testing;
    let is_used = testing.abort_at.is_some() || testing.lease.is_some() || testing.weak_hashing;
    let on_loopback = config.server.listen.ip().is_loopback();
    [
        problem(
            is_used && !testing.enabled,
            "testing: is for tests; remove the section, or set testing.enabled = true",
        ),
        problem(testing.enabled && !on_loopback, "testing.enabled: is allowed on loopback only"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
