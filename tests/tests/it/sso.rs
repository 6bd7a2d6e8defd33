//! Single sign-on at a provider of the real kind (`oidc-provider`), over the wire.
//!
//! What a provider of our own making can say wrong is tried in `crates/identity/tests/it/sso/`; here everything travels:
//! discovery, keys, pages and cookies of the provider, redirects, code, tokens, userinfo.

mod command_line;
mod hostile;
mod logins;
mod traces;

use std::sync::atomic::{AtomicU32, Ordering};

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::begin_sso_login_request::Provider as Where;
use rolecall_api::identity::v1::complete_sso_login_request::Returned;
use rolecall_testkit::DnsServer;
use rolecall_tests::actor::Actor;
use rolecall_tests::identity_provider::{CLIENT, IdentityProvider, Person, SECRET, Visitor};
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};
use serde_json::json;
use tonic::{Request, Status};
use url::Url;

use crate::world;

const OWNER: &str = "olga@acme.example";

/// An organization that connected a provider and proved a domain.
struct Stage {
    stack: Stack,
    provider: IdentityProvider,
    owner: Actor,
    connected: identity::IdentityProvider,
    networks: AtomicU32,
    dns: DnsServer,
}

impl Stage {
    async fn set(plan: Plan) -> Self {
        Self::set_with(plan, &[]).await
    }

    /// The same with these further sections of the configuration.
    async fn set_with(plan: Plan, sections: &[&str]) -> Self {
        let (dns, provider) = (DnsServer::start().await, IdentityProvider::start().await);
        let mut stack = Stack::prepare(plan).await;
        let name_server = dns.address();
        stack.configure(&format!("[outbound]\nallowed_networks = [\"127.0.0.0/8\"]\ndns_server = \"{name_server}\""));
        for section in sections {
            stack.configure(section);
        }
        stack.trust_proxies();
        stack.launch_all(None).await;
        let admin = world::bootstrap(&stack).await;
        let (_, owner) = world::organization_with_owner(&stack, &admin, "Acme", OWNER).await;
        prove(&owner, &dns, "acme.example").await;
        let connected = connect(&owner, &provider).await;
        provider
            .know("ada", json!({ "email": "ada@acme.example", "email_verified": true, "name": "Ada Lovelace" }))
            .await;
        Self { stack, provider, owner, connected, networks: AtomicU32::new(0), dns }
    }

    /// Begins a login somewhere in the world: a network has only so many a minute.
    async fn begin_with(
        &self,
        request: identity::BeginSsoLoginRequest,
    ) -> Result<identity::BeginSsoLoginResponse, Status> {
        let [_, _, high, low] = self.networks.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut request = Request::new(request);
        request.metadata_mut().insert("x-forwarded-for", format!("198.18.{high}.{low}").parse().expect("ascii"));
        Ok(Actor::anonymous(&self.stack).authentication().begin_sso_login(request).await?.into_inner())
    }

    async fn begin(&self) -> identity::BeginSsoLoginResponse {
        let email = Some(Where::Email("somebody@acme.example".to_owned()));
        self.begin_with(identity::BeginSsoLoginRequest { provider: email, ..Default::default() }).await.expect("begun")
    }

    async fn complete(&self, token: &str, callback: &Url) -> Result<Actor, Status> {
        let value = |name| callback.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let value = |name| value(name).unwrap_or_default();
        let callback = identity::SsoCallback { state: value("state"), code: value("code"), iss: value("iss") };
        self.finish(token, Returned::Callback(callback)).await
    }

    async fn finish(&self, token: &str, returned: Returned) -> Result<Actor, Status> {
        let request = identity::CompleteSsoLoginRequest { login_token: token.to_owned(), returned: Some(returned) };
        let answer = Actor::anonymous(&self.stack).authentication().complete_sso_login(request).await?.into_inner();
        Ok(Actor::with_tokens(&self.stack, answer.tokens.expect("tokens")))
    }

    /// Logs somebody in, in a browser that was never here.
    async fn log_in(&self, person: Person<'_>) -> Result<Actor, Status> {
        let begun = self.begin().await;
        let callback = Visitor::default().log_in(&begun.authorization_url, person).await;
        self.complete(&begun.login_token, &callback).await
    }

    /// Logs somebody in who must not come in, and returns why.
    async fn refused(&self, person: Person<'_>) -> String {
        reason(&self.log_in(person).await.expect_err("refused"))
    }

    /// Changes how the provider is used.
    async fn change(&self, provider: identity::IdentityProvider, paths: &[&str]) {
        let provider = identity::IdentityProvider {
            identity_provider_id: self.connected.identity_provider_id.clone(),
            ..provider
        };
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let request = identity::UpdateIdentityProviderRequest {
            identity_provider: Some(provider),
            update_mask: Some(prost_types::FieldMask { paths }),
            ..Default::default()
        };
        self.owner.providers().update_identity_provider(request).await.expect("changed");
    }

    /// Has Rolecall fetch what the provider says of itself.
    async fn look(&self) -> Result<identity::TestIdentityProviderResponse, Status> {
        let identity_provider_id = self.connected.identity_provider_id.clone();
        let request = identity::TestIdentityProviderRequest { identity_provider_id };
        Ok(self.owner.providers().test_identity_provider(request).await?.into_inner())
    }

    /// The addresses of the people of the organization.
    async fn people(&self) -> Vec<String> {
        let listed = self.owner.users().list_users(identity::ListUsersRequest::default()).await.expect("listed");
        listed.into_inner().users.into_iter().map(|user| user.email).collect()
    }
}

fn reason(status: &Status) -> String {
    refusal::of(status).reason
}

async fn whoami(actor: &Actor) -> identity::User {
    let answer = actor.account().get_account(identity::GetAccountRequest {}).await.expect("signed in");
    answer.into_inner().user.expect("a user")
}

async fn prove(owner: &Actor, dns: &DnsServer, name: &str) {
    let request = identity::CreateDomainRequest { name: name.to_owned(), ..Default::default() };
    let domain =
        owner.providers().create_domain(request).await.expect("claimed").into_inner().domain.expect("a domain");
    dns.set_texts(&domain.record_name, &[&domain.record_value]);
    let request = identity::VerifyDomainRequest { domain_id: domain.domain_id };
    owner.providers().verify_domain(request).await.expect("proven");
}

async fn connect(owner: &Actor, provider: &IdentityProvider) -> identity::IdentityProvider {
    let wanted = identity::IdentityProvider {
        display_name: "Acme Identity".to_owned(),
        issuer: provider.issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
        just_in_time: true,
        linking: true,
        enabled: true,
        ..Default::default()
    };
    let request = identity::CreateIdentityProviderRequest { identity_provider: Some(wanted), ..Default::default() };
    let made = owner.providers().create_identity_provider(request).await.expect("connected").into_inner();
    let made = made.identity_provider.expect("a provider");
    provider.register(&made.redirect_uri).await;
    made
}
