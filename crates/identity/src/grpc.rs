//! The services: parse, run, render. Messages stop here.

mod account_service;
mod authentication_service;
mod convert;
mod directory_service;
mod identity_provider_service;
mod instance_service;
mod mask;
mod paging;
mod registration_service;
mod render;
mod second_factor;
mod service_account_service;
mod status;
mod token_service;
mod user_fields;
mod user_filter;
mod user_service;

use std::sync::Arc;

use prost::Message;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::Caller;
use rolecall_db::idempotency::Fingerprint;
use rolecall_kernel::id::RequestId;
use rolecall_kernel::key::Sealer;
use rolecall_kernel::page::PageTokens;
use tonic::Status;
use tonic::service::Routes;

use crate::app::Resources;
use crate::app::fault::Fault;
use crate::app::once::{Answer, Once};

/// Serves every method of identity; clones share what they work with.
#[derive(Debug, Clone)]
pub(crate) struct Grpc {
    resources: Arc<Resources>,
    pages: PageTokens,
    resumes: Sealer,
}

/// Our messages are bounded by the stack's limiter; the decoder only has to let the largest pass.
const MAX_MESSAGE: usize = 4 * 1024 * 1024 + 64 * 1024;

impl Grpc {
    /// Takes what use cases work with, and the sealers of page and resume tokens.
    pub(crate) fn new(resources: Arc<Resources>, pages: PageTokens, resumes: Sealer) -> Self {
        Self { resources, pages, resumes }
    }

    /// Adds the services of identity to the routes of a server.
    pub(crate) fn register(&self, routes: Routes) -> Routes {
        macro_rules! add {
            ($routes:expr, $($server:path),* $(,)?) => {
                $routes$(.add_service(<$server>::new(self.clone()).max_decoding_message_size(MAX_MESSAGE)))*
            };
        }
        add!(
            routes,
            wire::account_service_server::AccountServiceServer<Self>,
            wire::authentication_service_server::AuthenticationServiceServer<Self>,
            wire::directory_service_server::DirectoryServiceServer<Self>,
            wire::identity_provider_service_server::IdentityProviderServiceServer<Self>,
            wire::instance_service_server::InstanceServiceServer<Self>,
            wire::registration_service_server::RegistrationServiceServer<Self>,
            wire::service_account_service_server::ServiceAccountServiceServer<Self>,
            wire::token_service_server::TokenServiceServer<Self>,
            wire::user_service_server::UserServiceServer<Self>,
        )
    }

    /// Prepares a mutation that may be repeated; a call without a request id is not recognised again.
    fn once<T>(
        &self,
        caller: &Caller,
        method: &'static str,
        request_id: Option<RequestId>,
        request: &impl Message,
        encode: fn(&T) -> Vec<u8>,
    ) -> Option<Once<T>> {
        let fingerprint = Fingerprint::new(&self.resources.fingerprints, method, &request.encode_to_vec());
        let caller = caller.subject();
        request_id.map(|request_id| Once { caller, method, request_id, fingerprint, encode })
    }
}

/// Renders a fresh answer, or reads the stored one.
fn answer<T, M: Message + Default>(answer: Answer<T>, render: impl Fn(&T) -> M) -> Result<M, Status> {
    match answer {
        Answer::Fresh(value) => Ok(render(&value)),
        Answer::Stored(bytes) => {
            M::decode(bytes.as_slice()).map_err(|_| Fault::Defect("a stored answer cannot be read").into_status())
        }
    }
}
