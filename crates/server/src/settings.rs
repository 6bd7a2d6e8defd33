//! From the sections of the configuration to what each crate asks for.

use std::path::{Path, PathBuf};

use rolecall_access::AccessConfig;
use rolecall_db::{DatabaseConfig, RelayConfig};
use rolecall_identity::{HashingConfig, IdentityConfig, PagesConfig};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_notification::{LinksConfig, NotificationConfig, SmtpConfig, SmtpTls};
use rolecall_organization::OrganizationConfig;
use rolecall_outbound::OutboundConfig;
use rolecall_rpc::channel::RemoteConfig;
use rolecall_rpc::server::{DrainConfig, ListenerConfig, TlsConfig};
use rolecall_rpc::stack::StackConfig;
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::schema::{Config, ContextDatabase};
use crate::config::{Service, SmtpEncryption};

/// Tells whether this process is the whole suite on its own files, so that it may make its own key.
pub(crate) fn is_self_contained(config: &Config) -> bool {
    let hosts_all = Service::ALL.iter().all(|service| config.server.services.contains(service));
    hosts_all && Service::ALL.iter().all(|service| is_sqlite(config, *service))
}

/// Tells whether the service keeps its data in a file, which only one process uses.
pub(crate) fn is_sqlite(config: &Config, service: Service) -> bool {
    let url = own_database(config, service).url.value.as_ref().or(config.database.url.value.as_ref());
    url.is_none_or(|url| url.expose_secret().starts_with("sqlite:"))
}

fn own_database(config: &Config, service: Service) -> &ContextDatabase {
    match service {
        Service::Identity => &config.database.identity,
        Service::Organization => &config.database.organization,
        Service::Notification => &config.database.notification,
    }
}

/// Returns where the service keeps its data; `data_dir` is absolute.
pub(crate) fn database(config: &Config, service: Service, data_dir: &Path) -> DatabaseConfig {
    let (own, shared) = (own_database(config, service), &config.database);
    let file = || SecretString::from(format!("sqlite://{}/{}.db", data_dir.display(), service.name()));
    let url = own.url.value.clone().or_else(|| shared.url.value.clone()).unwrap_or_else(file);
    DatabaseConfig {
        max_connections: shared.max_connections,
        acquire_timeout: shared.acquire_timeout,
        statement_timeout: shared.statement_timeout,
        lock_timeout: shared.lock_timeout,
        schema: own.schema.clone(),
        ..DatabaseConfig::new(url)
    }
}

/// Returns the address of a service that another process hosts.
pub(crate) fn peer_address(config: &Config, service: Service) -> Option<&str> {
    let peers = &config.peers;
    let address = match service {
        Service::Identity => &peers.identity,
        Service::Organization => &peers.organization,
        Service::Notification => &peers.notification,
    };
    address.as_deref()
}

/// Returns how a service that another process hosts is reached.
pub(crate) fn peer(config: &Config, address: &str) -> RemoteConfig {
    let ca_file = config.peers.ca_file.clone();
    RemoteConfig { ca_file, plaintext: config.peers.plaintext, ..RemoteConfig::new(address) }
}

/// Returns the address that people and mails are told.
pub(crate) fn external_url(config: &Config) -> String {
    let server = &config.server;
    server.external_url.clone().unwrap_or_else(|| {
        let scheme = if server.tls.cert_file.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", server.listen)
    })
}

/// Returns the pages for browsers.
pub(crate) fn pages(config: &Config) -> PagesConfig {
    PagesConfig { enabled: config.pages.enabled, external_url: external_url(config) }
}

/// Returns where the links of mails lead: to the pages of the platform, else to ours.
fn links(config: &Config) -> LinksConfig {
    let server = &config.server;
    // The address that the server listens on is one to give to people only on this machine, and where the pages are.
    let leads_to_pages = server.listen.ip().is_loopback() && server.services.contains(&Service::Identity);
    let ours = pages(config).links().filter(|_| server.external_url.is_some() || leads_to_pages);
    let (own, ours) = (&config.links, ours.as_ref());
    let choose = |own: &Option<String>, ours: Option<&String>| own.clone().or_else(|| ours.cloned());
    LinksConfig {
        invitation: choose(&own.invitation, ours.map(|ours| &ours.invitation)),
        password_reset: choose(&own.password_reset, ours.map(|ours| &ours.password_reset)),
        email_change: choose(&own.email_change, ours.map(|ours| &ours.email_change)),
        registration: choose(&own.registration, ours.map(|ours| &ours.registration)),
        sign_in: own.sign_in.clone(),
    }
}

pub(crate) fn identity(config: &Config) -> IdentityConfig {
    let (section, hashing) = (&config.identity, &config.identity.hashing);
    let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let strong = HashingConfig {
        memory_kib: hashing.memory_kib,
        iterations: hashing.iterations,
        parallelism: hashing.parallelism,
        workers: whole(hashing.workers),
        queue: whole(hashing.queue),
        ..HashingConfig::default()
    };
    let is_weak = config.testing.enabled && config.testing.weak_hashing;
    let saga_lease = IdentityConfig::default().saga_lease;
    IdentityConfig {
        server_name: section.server_name.clone(),
        server_version: crate::VERSION.to_owned(),
        issuer: section.issuer.clone(),
        audience: section.audience.clone(),
        audiences: section.audiences.clone(),
        secret_keys: section.secret_keys,
        hashing: if is_weak { HashingConfig::weak_for_tests() } else { strong },
        pages: pages(config),
        access_token_lifetime: section.access_token_lifetime,
        session_idle: section.session_idle,
        session_absolute: section.session_absolute,
        mfa_session_idle: section.mfa_session_idle,
        mfa_session_absolute: section.mfa_session_absolute,
        max_sessions: section.max_sessions.into(),
        invitation_lifetime: section.invitation_lifetime,
        registrations_per_network: section.registrations_per_network,
        guests_per_network: section.guests_per_network,
        max_guests: section.max_guests,
        deleted_retention: section.deleted_retention,
        key_publication: section.key_publication,
        key_lifetime: section.key_lifetime,
        saga_lease: config.testing.lease.unwrap_or(saga_lease),
        setup_secret: setup_secret(config),
        outbound: outbound(config),
        sso_return_urls: section.sso_return_urls.clone(),
    }
}

/// Returns how addresses are reached that somebody else chose.
fn outbound(config: &Config) -> OutboundConfig {
    let section = &config.outbound;
    OutboundConfig {
        allowed_networks: section.allowed_networks.clone(),
        ca_file: section.ca_file.clone(),
        dns_server: section.dns_server,
        ..OutboundConfig::default()
    }
}

/// Returns the setup secret that the operator chose, if it is long enough.
pub(crate) fn setup_secret(config: &Config) -> Option<OpaqueToken> {
    let secret = config.identity.setup_secret.value.as_ref()?;
    OpaqueToken::chosen(secret.expose_secret())
}

pub(crate) fn organization(config: &Config) -> OrganizationConfig {
    let default = OrganizationConfig::default();
    OrganizationConfig {
        saga_lease: config.testing.lease.unwrap_or(default.saga_lease),
        access_changes_retention: config.organization.access_changes_retention,
    }
}

pub(crate) fn access(config: &Config) -> AccessConfig {
    AccessConfig { snapshot_mib: config.organization.access_snapshot_mib }
}

pub(crate) fn notification(config: &Config) -> NotificationConfig {
    let section = &config.notification;
    let lease = config.testing.lease.unwrap_or(section.lease);
    NotificationConfig {
        external_url: external_url(config),
        links: links(config),
        mail_folder: mail_folder(&config.server.data_dir),
        from: section.from.clone(),
        smtp: smtp(config),
        retry: section.retry.clone(),
        give_up_after: section.give_up_after,
        channel_pause: section.channel_pause,
        // Half of a lease that tests make short.
        send_timeout: section.send_timeout.min(lease / 2),
        lease,
        poll: section.poll,
        concurrency: section.concurrency,
        mails_per_day: section.mails_per_day,
        messages_per_day: section.messages_per_day,
        retention: section.retention,
    }
}

/// Returns the folder that mails are written into while there is no mail server.
pub(crate) fn mail_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("mail")
}

fn smtp(config: &Config) -> Option<SmtpConfig> {
    let section = &config.notification.smtp;
    let host = section.host.clone()?;
    let tls = match section.tls {
        SmtpEncryption::Implicit => SmtpTls::Implicit,
        SmtpEncryption::StartTls => SmtpTls::StartTls,
        SmtpEncryption::None => SmtpTls::None,
    };
    Some(SmtpConfig {
        host,
        port: section.port,
        tls,
        ca_file: section.ca_file.clone(),
        username: section.username.clone(),
        password: section.password.value.clone(),
    })
}

pub(crate) fn relay(config: &Config) -> RelayConfig {
    let default = RelayConfig::default();
    RelayConfig { lease: config.testing.lease.unwrap_or(default.lease), ..default }
}

pub(crate) fn listener(config: &Config) -> ListenerConfig {
    let (server, limits) = (&config.server, &config.limits);
    let files = server.tls.cert_file.clone().zip(server.tls.key_file.clone());
    let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    ListenerConfig {
        address: server.listen,
        tls: files.map(|(certificate_file, key_file)| TlsConfig { certificate_file, key_file }),
        plaintext: server.plaintext,
        allowed_origins: server.allowed_origins.clone(),
        trusted_proxies: server.trusted_proxies.clone(),
        max_connections: whole(limits.max_connections),
        max_connections_per_network: whole(limits.max_connections_per_network),
        handshake_timeout: limits.handshake_timeout,
        keepalive: limits.keepalive,
        max_concurrent_streams: limits.max_concurrent_streams,
        connection_age: limits.connection_age,
        ..ListenerConfig::default()
    }
}

pub(crate) fn drain(config: &Config) -> DrainConfig {
    DrainConfig { notice: config.server.drain_notice, grace: config.server.drain, ..DrainConfig::default() }
}

pub(crate) fn stack(config: &Config) -> StackConfig {
    let limits = &config.limits;
    let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    StackConfig {
        max_calls: whole(limits.max_calls),
        max_streams: whole(limits.max_streams),
        unary_timeout: limits.unary_timeout,
        stream_timeout: limits.stream_timeout,
    }
}

pub(crate) fn telemetry(config: &Config) -> rolecall_telemetry::Config {
    use crate::config::LogFormat;
    let (section, otlp) = (&config.telemetry, &config.telemetry.otlp);
    let format = match section.format {
        LogFormat::Text => rolecall_telemetry::Format::Text,
        LogFormat::Json => rolecall_telemetry::Format::Json,
    };
    let otlp = otlp.endpoint.clone().map(|endpoint| rolecall_telemetry::OtlpConfig {
        endpoint,
        ca_file: otlp.ca_file.clone(),
        sample_ratio: otlp.sample_ratio,
        metrics_interval: otlp.metrics_interval,
        service_name: otlp.service_name.clone(),
    });
    rolecall_telemetry::Config { format, filter: section.filter.clone(), otlp }
}
