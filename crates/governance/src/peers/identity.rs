//! Identity: whose addresses are proven.

use std::collections::HashMap;

use rolecall_api::identity::v1 as pb;
use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::channel::Channel;
use tonic::Status;

/// Identity does not answer.
#[derive(Debug, thiserror::Error)]
#[error("identity is out of reach")]
pub(crate) struct IdentityUnavailable(#[source] Box<Status>);

/// The way to identity.
#[derive(Debug, Clone)]
pub(crate) struct IdentityPeer(DirectoryServiceClient<Channel>);

impl IdentityPeer {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(DirectoryServiceClient::new(channel))
    }

    /// Asks which addresses living accounts hold that proved them; by canonical address.
    pub(crate) async fn resolve_proven(
        &self,
        emails: &[EmailAddress],
    ) -> Result<HashMap<String, UserId>, IdentityUnavailable> {
        let emails = emails.iter().map(|email| email.key().to_owned()).collect();
        let answer = self.0.clone().resolve_proven_emails(pb::ResolveProvenEmailsRequest { emails }).await;
        let answer = answer.map_err(|status| IdentityUnavailable(Box::new(status)))?.into_inner();
        let read = |proven: pb::ProvenEmail| Some((proven.email, UserId::parse(&proven.user_id).ok()?));
        Ok(answer.proven.into_iter().filter_map(read).collect())
    }
}
