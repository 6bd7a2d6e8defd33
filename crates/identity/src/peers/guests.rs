//! Guests, as organization knows them.

use rolecall_api::organization::v1::{AddGuestRequest, RemoveGuestRequest};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::convert;
use super::organization::{Answer, Organization};

impl Organization {
    /// Adds a guest until a time, without an organization to the home organization; repeatable. Returns where it is.
    pub(crate) async fn add_guest(
        &self,
        guest: SubjectId,
        organization: Option<OrganizationId>,
        expires: Timestamp,
        actor: Option<UserId>,
    ) -> Answer<OrganizationId> {
        let request = AddGuestRequest {
            guest_id: guest.to_string(),
            organization_id: convert::optional(organization),
            expire_time: Some(convert::time(expires)),
            actor_id: actor.map(|actor| actor.to_string()).unwrap_or_default(),
        };
        let answer = self.client().add_guest(request).await?.into_inner();
        convert::organization_id(&answer.organization_id)?.ok_or_else(|| convert::broken("organization id"))
    }

    /// Ends a guest; repeatable.
    pub(crate) async fn remove_guest(&self, guest: SubjectId) -> Answer<()> {
        self.client().remove_guest(RemoveGuestRequest { guest_id: guest.to_string() }).await?;
        Ok(())
    }
}
