//! Makes an invitation and orders its mail, inside the transaction of whoever invites.

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{InvitationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::invitation::{self, Invitation, InvitationMail, InvitationState};
use crate::domain::user::User;
use crate::store::{invitations, service_accounts, users};

/// An invitation that is about to be stored, and its code.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The invitation.
    pub(crate) invitation: Invitation,
    code: OpaqueToken,
    mail: InvitationMail,
}

impl Draft {
    /// Draws the code of a new invitation.
    pub(crate) fn new(
        resources: &Resources,
        user: &User,
        inviter_id: SubjectId,
        mail: InvitationMail,
        now: Timestamp,
    ) -> Self {
        let entropy = resources.entropy.as_ref();
        let invitation = Invitation {
            invitation_id: InvitationId::new(now, entropy),
            user_id: user.user_id,
            organization_id: user.organization_id,
            inviter_id,
            state: InvitationState::Pending,
            expires: now.plus(resources.config.invitation_lifetime),
        };
        Self { invitation, code: OpaqueToken::new(invitation::PREFIX, entropy), mail }
    }

    /// Stores the hash of the code and hands the code, sealed, to the outbox.
    pub(crate) async fn store(&self, resources: &Resources, tx: &Tx, user: &User, now: Timestamp) -> Result<(), Error> {
        invitations::insert(tx, &self.invitation, &self.code.digest(), now).await?;
        let publisher = &resources.publisher;
        publisher.order_invitation_mail(tx, user, &self.invitation, &self.mail, &self.code, now).await
    }
}

/// Finds the name of whoever invites; empty when nobody is known by it.
pub(crate) async fn inviter_name(reader: &Reader, inviter: SubjectId) -> Result<String, Error> {
    if let Some(user) = users::find_many(reader, &[inviter]).await?.pop() {
        return Ok(user.profile.name.as_str().to_owned());
    }
    Ok(service_accounts::find_name(reader, inviter).await?.unwrap_or_default())
}
