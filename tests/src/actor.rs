//! Somebody who calls the services, with or without a token.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::identity_provider_service_client::IdentityProviderServiceClient;
use rolecall_api::identity::v1::instance_service_client::InstanceServiceClient;
use rolecall_api::identity::v1::registration_service_client::RegistrationServiceClient;
use rolecall_api::identity::v1::service_account_service_client::ServiceAccountServiceClient;
use rolecall_api::identity::v1::token_service_client::TokenServiceClient;
use rolecall_api::identity::v1::user_service_client::UserServiceClient;
use rolecall_api::notification::v1::delivery_service_client::DeliveryServiceClient;
use rolecall_api::organization::v1::access_service_client::AccessServiceClient;
use rolecall_api::organization::v1::asset_policy_service_client::AssetPolicyServiceClient;
use rolecall_api::organization::v1::audit_service_client::AuditServiceClient;
use rolecall_api::organization::v1::compute_spec_service_client::ComputeSpecServiceClient;
use rolecall_api::organization::v1::dataset_service_client::DatasetServiceClient;
use rolecall_api::organization::v1::member_service_client::MemberServiceClient;
use rolecall_api::organization::v1::model_service_client::ModelServiceClient;
use rolecall_api::organization::v1::organization_service_client::OrganizationServiceClient;
use rolecall_api::organization::v1::role_service_client::RoleServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::stack::Stack;

/// A password that the default policy accepts.
pub const PASSWORD: &str = "correct horse battery staple 9";

/// Adds the bearer token to each call.
#[derive(Debug, Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

type Wire = InterceptedService<Channel, Bearer>;

/// Somebody who calls.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The account, once it is known.
    pub id: String,
    /// The tokens, once logged in.
    pub tokens: Option<identity::Tokens>,
    identity: Wire,
    organization: Wire,
    notification: Wire,
}

impl Actor {
    /// Somebody without credentials.
    pub fn anonymous(stack: &Stack) -> Self {
        Self::with(stack, &Bearer::default(), String::new(), None)
    }

    /// Somebody with this access token.
    pub fn bearer(stack: &Stack, token: &str) -> Self {
        Self::with(stack, &Bearer(format!("Bearer {token}").parse().ok()), String::new(), None)
    }

    /// Logs in with the usual password.
    pub async fn log_in(stack: &Stack, email: &str) -> Result<Self, Status> {
        Self::log_in_with(stack, email, PASSWORD).await
    }

    /// Logs in.
    pub async fn log_in_with(stack: &Stack, email: &str, password: &str) -> Result<Self, Status> {
        let request =
            identity::LogInRequest { email: email.to_owned(), password: password.to_owned(), ..Default::default() };
        let answer = Self::anonymous(stack).authentication().log_in(request).await?.into_inner();
        let Some(identity::log_in_response::Outcome::Tokens(tokens)) = answer.outcome else {
            panic!("a login that asks for more than a password");
        };
        Ok(Self::with_tokens(stack, tokens))
    }

    /// Somebody who got these tokens.
    pub fn with_tokens(stack: &Stack, tokens: identity::Tokens) -> Self {
        let bearer = Bearer(format!("Bearer {}", tokens.access_token).parse().ok());
        Self::with(stack, &bearer, tokens.user_id.clone(), Some(tokens))
    }

    fn with(stack: &Stack, bearer: &Bearer, id: String, tokens: Option<identity::Tokens>) -> Self {
        let wire = |service| InterceptedService::new(stack.channel(service), bearer.clone());
        Self {
            id,
            tokens,
            identity: wire("identity"),
            organization: wire("organization"),
            notification: wire("notification"),
        }
    }

    /// The access token.
    pub fn token(&self) -> &str {
        self.tokens.as_ref().map_or("", |tokens| tokens.access_token.as_str())
    }

    /// The refresh token.
    pub fn refresh_token(&self) -> String {
        self.tokens.as_ref().map(|tokens| tokens.refresh_token.clone()).unwrap_or_default()
    }
}

macro_rules! clients {
    ($($name:ident, $wire:ident, $client:ident;)*) => {
        impl Actor {$(
            #[doc = concat!("The client of `", stringify!($client), "`.")]
            pub fn $name(&self) -> $client<Wire> {
                $client::new(self.$wire.clone())
            }
        )*}
    };
}

clients! {
    account, identity, AccountServiceClient;
    authentication, identity, AuthenticationServiceClient;
    providers, identity, IdentityProviderServiceClient;
    instance, identity, InstanceServiceClient;
    registration, identity, RegistrationServiceClient;
    service_accounts, identity, ServiceAccountServiceClient;
    signing, identity, TokenServiceClient;
    users, identity, UserServiceClient;
    access, organization, AccessServiceClient;
    asset_policies, organization, AssetPolicyServiceClient;
    compute_specs, organization, ComputeSpecServiceClient;
    datasets, organization, DatasetServiceClient;
    models, organization, ModelServiceClient;
    audit, organization, AuditServiceClient;
    members, organization, MemberServiceClient;
    roles, organization, RoleServiceClient;
    organizations, organization, OrganizationServiceClient;
    deliveries, notification, DeliveryServiceClient;
}
