//! The other contexts, as this one needs them.

pub(crate) mod deliver;
pub(crate) mod identity;

use rolecall_rpc::channel::Channel;

/// The ways to the services of the suite, each with this context's service token for it.
#[derive(Debug, Clone)]
pub struct Peers {
    /// To identity.
    pub identity: Channel,
    /// To this very context, whose audit log takes its own events like those of others.
    pub organization: Channel,
    /// To notification.
    pub notification: Channel,
}
