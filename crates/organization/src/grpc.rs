//! The wire: one file a service; messages in, commands through, messages out.

pub(crate) mod audit_service;
pub(crate) mod member_service;
pub(crate) mod membership_service;
pub(crate) mod organization_service;
pub(crate) mod role_service;

pub(crate) mod convert;
pub(crate) mod render;
pub(crate) mod status;
mod watch;

use std::sync::Arc;

use rolecall_authz::Caller;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::page::PageTokens;

use crate::app::App;
use crate::domain::event::Origin;
use crate::events::consume::EventReader;
use rolecall_db::once::RequestKey;
use rolecall_kernel::id::RequestId;

/// What the services share.
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) pages: PageTokens,
    pub(crate) resume: PageTokens,
    pub(crate) fingerprints: KeyedHash,
    pub(crate) events: EventReader,
}

impl Api {
    /// Names a request, so that a repeat of it is recognised.
    fn request_key(
        &self,
        caller: SubjectId,
        method: &'static str,
        request_id: Option<RequestId>,
        content: &[u8],
    ) -> Option<RequestKey> {
        RequestKey::new(&self.fingerprints, caller, method, request_id, content)
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
    /// Makes and reads organizations.
    OrganizationApi;
    /// Reads and changes memberships.
    MemberApi;
    /// What the other services of the suite ask and tell.
    MembershipApi;
    /// Reads roles and permissions, and composes roles.
    RoleApi;
    /// Reads what happened.
    AuditApi;
}

/// Who causes the change that this call asks for.
pub fn origin(caller: &Caller) -> Origin {
    let actor = caller.service().is_none().then(|| caller.subject());
    Origin { actor, request_id: rolecall_rpc::call::request_id() }
}
