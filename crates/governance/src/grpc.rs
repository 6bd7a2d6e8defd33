//! The wire: one file a service; messages in, commands through, messages out.

pub(crate) mod asset_policy_service;
pub(crate) mod compute_spec_service;
pub(crate) mod dataset_service;
pub(crate) mod model_service;

mod convert;
mod render;
mod status;

use std::sync::Arc;

use rolecall_authz::Caller;
use rolecall_db::once::{Repeat, RequestKey};
use rolecall_kernel::id::RequestId;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::page::PageTokens;

use crate::app::App;

/// What the services share.
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) pages: PageTokens,
    pub(crate) fingerprints: KeyedHash,
}

impl Api {
    /// Names a request, so that a repeat of it is recognised and answered the same.
    fn repeat<T>(
        &self,
        caller: &Caller,
        method: &'static str,
        request_id: Option<RequestId>,
        content: &[u8],
        encode: fn(&T) -> Vec<u8>,
    ) -> Option<Repeat<T>> {
        let key = RequestKey::new(&self.fingerprints, caller.subject(), method, request_id, content)?;
        Some(Repeat { key, encode })
    }
}

/// A service: what all share, under a type of its own.
macro_rules! service {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $name(pub(crate) Arc<Api>);
    )*};
}

service! {
    /// Keeps datasets.
    DatasetApi;
    /// Keeps asset policies.
    AssetPolicyApi;
    /// Keeps models.
    ModelApi;
    /// Keeps compute specs.
    ComputeSpecApi;
}
