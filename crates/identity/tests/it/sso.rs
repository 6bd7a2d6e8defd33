//! Single sign-on: honest logins, and everything that a hostile provider or browser may try.

mod added;
mod callback;
mod domains;
mod hostile;
mod logins;
mod off;
pub(crate) mod provider;
mod providers;
mod required;

use rolecall_api::identity::v1::*;
use rolecall_identity::IdentityConfig;
use rolecall_testkit::{DnsServer, TestDatabase};
use serde_json::{Value, json};
use tonic::Status;

use crate::harness::{ADMIN, World, bearer};
use provider::{CLIENT, Provider, SECRET};

/// An organization whose owner connected a provider and proved a domain.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) dns: DnsServer,
    pub(crate) provider: Provider,
    /// The access token of the owner.
    pub(crate) owner: String,
    pub(crate) connected: IdentityProvider,
}

/// The provider, as its owner describes it.
pub(crate) fn described(issuer: &str) -> IdentityProvider {
    IdentityProvider {
        display_name: "Acme Identity".to_owned(),
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
        just_in_time: true,
        linking: true,
        enabled: true,
        ..Default::default()
    }
}

pub(crate) async fn connect(
    world: &World,
    token: &str,
    provider: IdentityProvider,
) -> Result<IdentityProvider, Status> {
    // Each has its own time: which is the oldest is no matter of chance.
    world.clock.advance(std::time::Duration::from_millis(1));
    let request = CreateIdentityProviderRequest { identity_provider: Some(provider), ..Default::default() };
    let answer = world.providers().create_identity_provider(bearer(token, request)).await?;
    Ok(answer.into_inner().identity_provider.expect("a provider"))
}

pub(crate) async fn change(
    world: &World,
    token: &str,
    provider: IdentityProvider,
    paths: &[&str],
) -> Result<IdentityProvider, Status> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let request = UpdateIdentityProviderRequest {
        identity_provider: Some(provider),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    };
    let answer = world.providers().update_identity_provider(bearer(token, request)).await?;
    Ok(answer.into_inner().identity_provider.expect("a provider"))
}

pub(crate) async fn claim(world: &World, token: &str, name: &str) -> Result<Domain, Status> {
    let request = CreateDomainRequest { name: name.to_owned(), ..Default::default() };
    let answer = world.providers().create_domain(bearer(token, request)).await?;
    Ok(answer.into_inner().domain.expect("a domain"))
}

pub(crate) async fn verify(world: &World, token: &str, domain: &Domain) -> Result<Domain, Status> {
    let request = VerifyDomainRequest { domain_id: domain.domain_id.clone() };
    let answer = world.providers().verify_domain(bearer(token, request)).await?;
    Ok(answer.into_inner().domain.expect("a domain"))
}

/// Claims a domain, and proves it.
pub(crate) async fn prove(world: &World, dns: &DnsServer, token: &str, name: &str) -> Domain {
    let domain = claim(world, token, name).await.expect("claimed");
    dns.set_texts(&domain.record_name, &["something else", &domain.record_value]);
    verify(world, token, &domain).await.expect("proven")
}

/// Starts identity where loopback may be spoken to.
pub(crate) async fn open_world(database: &TestDatabase, dns: &DnsServer) -> World {
    open_world_with(database, dns, |_| {}).await
}

/// The same, configured otherwise.
async fn open_world_with(
    database: &TestDatabase,
    dns: &DnsServer,
    configure: impl FnOnce(&mut IdentityConfig),
) -> World {
    World::with(database, |config| {
        configure(config);
        reach_loopback(config, dns);
    })
    .await
}

fn reach_loopback(config: &mut IdentityConfig, dns: &DnsServer) {
    config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    config.outbound.dns_server = Some(dns.address());
    config.outbound.timeout = std::time::Duration::from_secs(2);
}

impl Stage {
    pub(crate) async fn set(database: &TestDatabase) -> Self {
        Self::set_with(database, |_| {}).await
    }

    /// The same, with identity configured otherwise.
    pub(crate) async fn set_with(database: &TestDatabase, configure: impl FnOnce(&mut IdentityConfig)) -> Self {
        let (dns, provider) = (DnsServer::start().await, Provider::start(7).await);
        let world = open_world_with(database, &dns, configure).await;
        world.bootstrap().await;
        let owner = world.log_in(ADMIN).await.access_token;
        let connected = connect(&world, &owner, described(&provider.issuer)).await.expect("connected");
        prove(&world, &dns, &owner, "acme.example").await;
        Self { world, dns, provider, owner, connected }
    }

    /// Starts another process beside this one, which remembers nothing of the provider.
    pub(crate) async fn replica(&self, database: &TestDatabase) -> World {
        self.world.replica_with(database, |config| reach_loopback(config, &self.dns)).await
    }

    pub(crate) async fn begin(&self) -> BeginSsoLoginResponse {
        let provider = begin_sso_login_request::Provider::Email("somebody@acme.example".to_owned());
        self.try_begin(provider).await.expect("begun")
    }

    pub(crate) async fn try_begin(
        &self,
        provider: begin_sso_login_request::Provider,
    ) -> Result<BeginSsoLoginResponse, Status> {
        let request = BeginSsoLoginRequest { provider: Some(provider), ..Default::default() };
        Ok(self.world.authentication().begin_sso_login(request).await?.into_inner())
    }

    pub(crate) async fn complete(&self, token: &str, state: &str, code: &str) -> Result<Tokens, Status> {
        self.complete_from(token, state, code, &self.provider.issuer).await
    }

    pub(crate) async fn complete_from(
        &self,
        token: &str,
        state: &str,
        code: &str,
        iss: &str,
    ) -> Result<Tokens, Status> {
        let callback = SsoCallback { state: state.to_owned(), code: code.to_owned(), iss: iss.to_owned() };
        let returned = Some(complete_sso_login_request::Returned::Callback(callback));
        let request = CompleteSsoLoginRequest { login_token: token.to_owned(), returned };
        let answer = self.world.authentication().complete_sso_login(request).await?;
        Ok(answer.into_inner().tokens.expect("tokens"))
    }

    /// Logs in with what the provider says.
    pub(crate) async fn log_in(&self, claims: Value) -> Result<Tokens, Status> {
        let begun = self.begin().await;
        let (state, code) = self.provider.log_in(&begun.authorization_url, claims);
        let done = self.complete(&begun.login_token, &state, &code).await;
        self.world.access.invalidate_all();
        done
    }

    pub(crate) async fn whoami(&self, tokens: &Tokens) -> Result<User, Status> {
        let answer = self.world.accounts().get_account(bearer(&tokens.access_token, GetAccountRequest {})).await?;
        Ok(answer.into_inner().user.expect("a user"))
    }
}

/// What the provider says of Ada.
pub(crate) fn ada() -> Value {
    json!({ "sub": "ada-1815", "email": "ada@acme.example", "email_verified": true, "name": "Ada Lovelace" })
}

/// The same, with other claims; null takes one away.
pub(crate) fn ada_with(claims: Value) -> Value {
    let (Value::Object(mut all), Value::Object(other)) = (ada(), claims) else { panic!("objects") };
    all.extend(other);
    Value::Object(all)
}
