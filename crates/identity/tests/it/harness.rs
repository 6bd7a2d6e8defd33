//! Identity behind its real authentication layer, on a socket, with a clock that the test moves.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_api::identity::v1::identity_provider_service_client::IdentityProviderServiceClient;
use rolecall_api::identity::v1::instance_service_client::InstanceServiceClient;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::registration_service_client::RegistrationServiceClient;
use rolecall_api::identity::v1::service_account_service_client::ServiceAccountServiceClient;
use rolecall_api::identity::v1::token_service_client::TokenServiceClient;
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::identity::v1::*;
use rolecall_api::notification::v1::MailCommand;
use rolecall_api::notification::v1::mail_service_server::MailServiceServer;
use rolecall_api::organization::v1::membership_service_server::MembershipServiceServer;
use rolecall_authz::{
    AccessCache, AccessCacheConfig, AuthLayer, Authorizer, Freshness, KeySet, Policy, Refusals, Revocations,
    ServiceTokens, Verifier, VerifierConfig,
};
use rolecall_db::{Database, RelayConfig};
use rolecall_identity::{Dependencies, HashingConfig, Identity, IdentityConfig, Peers, SetupSecret};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::network::Network;
use rolecall_kernel::time::Clock;
use rolecall_rpc::channel::{Channel, RemoteConfig};
use rolecall_testkit::{TestClock, TestDatabase};
use tonic::service::Routes;
use tonic::transport::{Channel as Wire, Endpoint, Server};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use tower::util::MapRequestLayer;

use crate::peers::Fake;

pub(crate) const PASSWORD: &str = "violet tram hums quietly";
pub(crate) const ADMIN: &str = "root@example.org";
/// A backend that access tokens can be for.
pub(crate) const BACKEND: &str = "compute";

/// The server of a test; dropped with its runtime.
pub(crate) struct World {
    pub(crate) identity: Identity,
    pub(crate) db: Database,
    pub(crate) clock: TestClock,
    pub(crate) peers: Fake,
    pub(crate) access: AccessCache,
    pub(crate) master: MasterKey,
    pub(crate) services: ServiceTokens,
    /// The refused calls that are not written down yet.
    pub(crate) refusals: Refusals,
    pub(crate) secret: String,
    wire: Wire,
}

/// A client of the service, without credentials.
macro_rules! clients {
    ($($name:ident: $client:ident;)*) => {$(
        pub(crate) fn $name(&self) -> $client<Wire> {
            $client::new(self.wire.clone())
        }
    )*};
}

async fn listen(serve: impl FnOnce(tokio::net::TcpListener) -> tokio::task::JoinHandle<()>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    drop(serve(listener));
    address
}

/// Serves in the background until the runtime of the test ends.
#[expect(clippy::disallowed_methods, reason = "a server of a test has no shutdown to wait for it")]
pub(crate) fn background(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}

/// What stands in for the listener in a test: a call says where it comes from.
pub(crate) const COMES_FROM: &str = "test-comes-from";

fn place<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    let from = request.headers().get(COMES_FROM).and_then(|from| from.to_str().ok()?.parse().ok());
    if let Some(network) = from.and_then(Network::of) {
        request.extensions_mut().insert(network);
    }
    request
}

fn incoming(listener: tokio::net::TcpListener) -> tonic::transport::server::TcpIncoming {
    // Without it an answer of two packets waits 40 ms for the acknowledgement of the first, which no server of ours does.
    tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true))
}

impl World {
    clients! {
        accounts: AccountServiceClient;
        authentication: AuthenticationServiceClient;
        directory: DirectoryServiceClient;
        instance: InstanceServiceClient;
        registration: RegistrationServiceClient;
        providers: IdentityProviderServiceClient;
        service_accounts: ServiceAccountServiceClient;
        tokens: TokenServiceClient;
        users: UserServiceClient;
    }

    /// Starts identity on a fresh schema.
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        Self::with(database, |_| {}).await
    }

    /// Starts identity on a fresh schema, configured otherwise.
    pub(crate) async fn with(database: &TestDatabase, configure: impl FnOnce(&mut IdentityConfig)) -> Self {
        let (clock, master) = (TestClock::new(), MasterKey::new(&SystemEntropy));
        Self::begin(database, clock, master, Fake::default(), configure).await
    }

    /// Starts another process beside this one, on the same database.
    pub(crate) async fn replica(&self, database: &TestDatabase) -> Self {
        self.replica_with(database, |_| {}).await
    }

    /// The same, configured otherwise.
    pub(crate) async fn replica_with(
        &self,
        database: &TestDatabase,
        configure: impl FnOnce(&mut IdentityConfig),
    ) -> Self {
        Self::begin(database, self.clock.clone(), self.master.clone(), self.peers.clone(), configure).await
    }

    async fn begin(
        database: &TestDatabase,
        clock: TestClock,
        master: MasterKey,
        peers: Fake,
        configure: impl FnOnce(&mut IdentityConfig),
    ) -> Self {
        let db = database.open(Identity::NAME, Identity::constraints(), Identity::migrations()).await;
        let fakes =
            Routes::new(MembershipServiceServer::new(peers.clone())).add_service(MailServiceServer::new(peers.clone()));
        let elsewhere = listen(|listener| {
            background(async move {
                Server::builder().add_routes(fakes).serve_with_incoming(incoming(listener)).await.expect("served");
            })
        })
        .await;
        let channel = Channel::remote(&RemoteConfig::new(elsewhere)).expect("loopback");
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let keys = Arc::new(KeySet::new([]));
        let revocations = Revocations::new(Arc::clone(&time), Freshness::InProcess, None);
        let dependencies = Dependencies {
            database: db.clone(),
            clock: Arc::clone(&time),
            entropy: Arc::new(SystemEntropy),
            master_key: master.clone(),
            peers: Peers { organization: channel.clone(), notification: channel },
            keys: Arc::clone(&keys),
            revocations: revocations.clone(),
            relay: RelayConfig::default(),
        };
        let mut config = IdentityConfig {
            hashing: HashingConfig::weak_for_tests(),
            audiences: vec![BACKEND.to_owned()],
            ..IdentityConfig::default()
        };
        configure(&mut config);
        let identity = Identity::new(dependencies, config).await.expect("identity starts");
        let secret = match identity.setup_secret().await.expect("the database answers") {
            SetupSecret::Fresh(secret) => secret.expose().to_owned(),
            SetupSecret::AlreadyIssued | SetupSecret::Chosen | SetupSecret::Bootstrapped => String::new(),
        };
        let services = ServiceTokens::new(&master);
        let verifier = Verifier::new(keys, &services, time, VerifierConfig::new("rolecall"));
        let policy = Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("every method has a rule");
        // As patient as the tests' databases: nobody fails because the machine has no time for it.
        let patient = Duration::from_mins(1);
        let config = AccessCacheConfig { source_timeout: patient, ..AccessCacheConfig::new(Freshness::InProcess) };
        let access = AccessCache::new(Arc::new(peers.clone()), config);
        let authorizer =
            Authorizer::new(Arc::new(policy), Arc::new(verifier), revocations, access.clone(), ["identity"]);
        let (routes, refusals) = (identity.register(Routes::default()), Refusals::default());
        let layer = AuthLayer::new(authorizer).counting(refusals.clone());
        let address = listen(|listener| {
            background(async move {
                let mut server = Server::builder().layer(MapRequestLayer::new(place)).layer(layer);
                let server = server.add_routes(routes);
                server.serve_with_incoming(incoming(listener)).await.expect("served");
            })
        })
        .await;
        let wire = Endpoint::from_shared(address).expect("an address").connect_lazy();
        Self { identity, db, clock, peers, access, master, services, refusals, secret, wire }
    }

    /// Starts identity and its first administrator.
    pub(crate) async fn bootstrapped(database: &TestDatabase) -> (Self, User) {
        let world = Self::start(database).await;
        let user = world.bootstrap().await;
        (world, user)
    }

    /// Makes the first administrator.
    pub(crate) async fn bootstrap(&self) -> User {
        let answer = self.instance().bootstrap(self.bootstrap_request()).await.expect("bootstrapped");
        answer.into_inner().user.expect("a user")
    }

    pub(crate) fn bootstrap_request(&self) -> BootstrapRequest {
        BootstrapRequest {
            setup_secret: self.secret.clone(),
            organization_name: "Analytical Engines".to_owned(),
            email: ADMIN.to_owned(),
            name: "Grace Hopper".to_owned(),
            password: PASSWORD.to_owned(),
            mfa_policy: MfaPolicy::Optional.into(),
            ..Default::default()
        }
    }

    pub(crate) async fn try_log_in(&self, email: &str, password: &str) -> Result<Tokens, Status> {
        let request = LogInRequest { email: email.to_owned(), password: password.to_owned(), ..Default::default() };
        let answer = self.authentication().log_in(request).await?.into_inner();
        let Some(Outcome::Tokens(tokens)) = answer.outcome else { panic!("tokens") };
        Ok(tokens)
    }

    pub(crate) async fn log_in(&self, email: &str) -> Tokens {
        self.try_log_in(email, PASSWORD).await.expect("logged in")
    }

    /// Invites a person, and returns it with the code of its mail.
    pub(crate) async fn invite(&self, token: &str, email: &str, role: &str) -> (User, String) {
        let answer = self.users().create_user(bearer(token, create_user(email, role))).await.expect("invited");
        (answer.into_inner().user.expect("a user"), self.code(email).await)
    }

    /// Invites a person that accepts.
    pub(crate) async fn join(&self, token: &str, email: &str, role: &str) -> User {
        let (_, code) = self.invite(token, email, role).await;
        let user = self.accept(&code).await.expect("accepted");
        self.access.invalidate_all();
        user
    }

    pub(crate) async fn accept(&self, code: &str) -> Result<User, Status> {
        let (code, password) = (code.to_owned(), PASSWORD.to_owned());
        let request = AcceptInvitationRequest { code, password, password_confirmation: PASSWORD.to_owned() };
        Ok(self.registration().accept_invitation(request).await?.into_inner().user.expect("a user"))
    }

    /// Opens the code of the newest mail to an address, as notification does.
    pub(crate) async fn code(&self, email: &str) -> String {
        self.identity.relay().drain().await;
        let known = self.peers.known();
        let decode = |event: &rolecall_api::notification::v1::IngestedEvent| {
            let command = MailCommand::decode(event.payload.as_slice()).ok()?;
            (event.topic == "notification.mail_requested" && command.email == email)
                .then(|| (event.event_id.clone(), command))
        };
        let (event_id, command) = known.mail.iter().rev().find_map(decode).expect("a mail");
        let sealer = self.master.sealer(Purpose::MailSecret);
        let code = sealer.open(event_id.as_bytes(), &command.sealed_secret).expect("sealed for this event");
        String::from_utf8(code.to_vec()).expect("text")
    }

    /// How many rows a table has.
    pub(crate) async fn rows(&self, table: &str) -> i64 {
        use sea_orm::{ConnectionTrait as _, Statement};
        let reader = self.db.reader();
        // Of a table, or of what else stands behind FROM.
        let text = format!("SELECT count(*) FROM {table}");
        let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), text)).await;
        row.expect("read").expect("a row").try_get_by_index(0).expect("a number")
    }

    /// The time in whole seconds.
    pub(crate) fn clock_seconds(&self) -> i64 {
        self.clock.now().as_seconds()
    }

    /// A token of another service of the suite.
    pub(crate) fn service_token(&self) -> String {
        self.services.issue("organization", "identity", self.clock.now())
    }

    /// Adds a second organization with an active owner, past all invitations.
    pub(crate) async fn second_organization(&self, email: &str) -> (String, Tokens) {
        let now = self.clock.now();
        let organization_id = rolecall_kernel::id::OrganizationId::new(now, &SystemEntropy).to_string();
        let user_id = rolecall_kernel::id::UserId::new(now, &SystemEntropy).to_string();
        let request = InviteFirstOwnerRequest {
            user_id: user_id.clone(),
            organization_id: organization_id.clone(),
            organization_name: "Difference Engines".to_owned(),
            actor_id: user_id.clone(),
            email: email.to_owned(),
            given_name: "Charles".to_owned(),
            family_name: "Babbage".to_owned(),
            ..Default::default()
        };
        self.directory().invite_first_owner(bearer(&self.service_token(), request)).await.expect("invited");
        let member = crate::peers::FakeMember {
            organization_id: organization_id.clone(),
            roles: vec!["OWNER".to_owned()],
            state: crate::peers::State::Pending,
            blocked: false,
        };
        self.peers.known().members.insert(user_id, member);
        self.peers.known().organizations.insert(organization_id.clone(), "Difference Engines".to_owned());
        self.accept(&self.code(email).await).await.expect("accepted");
        (organization_id, self.log_in(email).await)
    }
}

pub(crate) fn bearer<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("ascii"));
    request
}

pub(crate) fn create_user(email: &str, role: &str) -> CreateUserRequest {
    CreateUserRequest {
        email: email.to_owned(),
        given_name: "Ada".to_owned(),
        family_name: "Lovelace".to_owned(),
        roles: vec![role.to_owned()],
        ..Default::default()
    }
}

pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// What an error tells, to the byte.
pub(crate) fn bytes(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

/// Runs as many calls at once, and returns what each was answered.
pub(crate) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    call: impl Fn(usize) -> F,
) -> Vec<T> {
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..count {
        tasks.spawn(call(index));
    }
    tasks.join_all().await
}

/// A UUID for a request.
pub(crate) fn request_id(clock: &TestClock) -> String {
    rolecall_kernel::id::RequestId::new(clock.now(), &SystemEntropy).to_string()
}
