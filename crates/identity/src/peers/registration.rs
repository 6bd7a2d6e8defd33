//! What organization is asked while somebody registers.

use rolecall_api::organization::v1::{RegisterMemberRequest, YieldMemberRequest};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::EmailAddress;

use super::convert;
use super::organization::{Answer, Organization, OrganizationName};
use crate::domain::registration::Registration;

impl Organization {
    /// Checks that somebody with this address may register; without an organization, in the home organization.
    pub(crate) async fn check_registration(
        &self,
        organization: Option<OrganizationId>,
        email: &EmailAddress,
    ) -> Answer<OrganizationName> {
        let request = RegisterMemberRequest {
            organization_id: convert::optional(organization),
            email: email.as_str().to_owned(),
            validate_only: true,
            ..Default::default()
        };
        let answer = self.client().register_member(request).await?.into_inner();
        convert::organization(answer.organization)
    }

    /// Adds the hidden member of a person that registered; repeatable. `yielding` gives its address up for it.
    pub(crate) async fn register_member(
        &self,
        user_id: UserId,
        registration: &Registration,
        yielding: Option<UserId>,
    ) -> Answer<OrganizationName> {
        let request = RegisterMemberRequest {
            user_id: user_id.to_string(),
            organization_id: registration.organization_id.to_string(),
            email: registration.email.as_str().to_owned(),
            yielding_user_id: yielding.map(|id| id.to_string()).unwrap_or_default(),
            validate_only: false,
        };
        let answer = self.client().register_member(request).await?.into_inner();
        convert::organization(answer.organization)
    }

    /// Ends the member whose account gave its address to whoever proved it; repeatable.
    pub(crate) async fn yield_member(&self, user_id: UserId) -> Answer<()> {
        self.client().yield_member(YieldMemberRequest { user_id: user_id.to_string() }).await?;
        Ok(())
    }
}
