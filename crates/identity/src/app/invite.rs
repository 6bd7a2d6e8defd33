//! Makes an invitation and orders its mail, inside the transaction of whoever invites.

use std::fmt;
use std::time::Duration;

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{InvitationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::invitation::{self, Invitation, InvitationMail, InvitationState, InvitationView};
use crate::domain::user::User;
use crate::store::{invitations, service_accounts, users};

/// An invitation that is about to be stored, and its code.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The invitation.
    pub(crate) invitation: Invitation,
    code: OpaqueToken,
    /// What its mail shows; none when the code is given to whoever invites.
    mail: Option<InvitationMail>,
}

impl Draft {
    /// Draws the code of a new invitation; without a mail its code has to be returned. Without a lifetime it can be
    /// accepted for as long as the instance says.
    pub(crate) fn new(
        resources: &Resources,
        user: &User,
        inviter_id: SubjectId,
        mail: Option<InvitationMail>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Self {
        let entropy = resources.entropy.as_ref();
        let invitation = Invitation {
            invitation_id: InvitationId::new(now, entropy),
            user_id: user.user_id,
            organization_id: user.organization_id,
            inviter_id,
            mailed: mail.is_some(),
            state: InvitationState::Pending,
            created: now,
            expires: now.plus(lifetime.unwrap_or(resources.config.invitation_lifetime)),
        };
        Self { invitation, code: OpaqueToken::new(invitation::PREFIX, entropy), mail }
    }

    /// Stores the hash of the code and hands the code, sealed, to the outbox, unless whoever invites gets it.
    pub(crate) async fn store(&self, resources: &Resources, tx: &Tx, user: &User, now: Timestamp) -> Result<(), Error> {
        invitations::insert(tx, &self.invitation, &self.code.digest()).await?;
        let Some(mail) = &self.mail else { return Ok(()) };
        resources.publisher.order_invitation_mail(tx, user, &self.invitation, mail, &self.code, now).await
    }

    /// Returns the code, if whoever invites gets it.
    pub(crate) fn returned(&self) -> Option<OpaqueToken> {
        self.mail.is_none().then(|| self.code.clone())
    }
}

/// An invitation that was made, as it is answered.
#[derive(Clone)]
pub(crate) struct Invited {
    /// The invitation.
    pub(crate) view: InvitationView,
    /// Its code, if whoever invites gets it; shown only once.
    pub(crate) code: Option<OpaqueToken>,
}

impl fmt::Debug for Invited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invited({:?}, redacted)", self.view.invitation.invitation_id)
    }
}

impl Invited {
    /// Makes the answer of whoever invites a person.
    pub(crate) fn new(draft: &Draft, user: &User) -> Self {
        let view = InvitationView { invitation: draft.invitation.clone(), email: user.email.clone() };
        Self { view, code: draft.returned() }
    }

    /// The same without the code, to be stored.
    #[must_use]
    pub(crate) fn without_code(&self) -> Self {
        Self { view: self.view.clone(), code: None }
    }
}

/// Finds the name of whoever invites; empty when nobody is known by it.
pub(crate) async fn inviter_name(reader: &Reader, inviter: SubjectId) -> Result<String, Error> {
    if let Some(user) = users::find_many(reader, &[inviter]).await?.pop() {
        return Ok(user.profile.name.as_str().to_owned());
    }
    Ok(service_accounts::find_name(reader, inviter).await?.unwrap_or_default())
}
