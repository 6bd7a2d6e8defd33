//! Makes the account of a new organization's first owner, when organization asks.

use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;

use super::Resources;
use super::fault::Fault;
use super::invite::{Draft, inviter_name};
use crate::domain::event::Event;
use crate::domain::invitation::InvitationMail;
use crate::domain::user::{Profile, User, UserState};
use crate::events::publish::about;
use crate::store::{USERS_EMAIL_KEY, USERS_PKEY, users};

/// Whose account to make.
#[derive(Debug)]
pub(crate) struct Command {
    /// The account; asking again with it changes nothing.
    pub(crate) user_id: UserId,
    /// The new organization.
    pub(crate) organization_id: OrganizationId,
    /// Its name.
    pub(crate) organization_name: String,
    /// Who made the organization.
    pub(crate) actor: SubjectId,
    /// The address of the owner.
    pub(crate) email: EmailAddress,
    /// Who the owner is.
    pub(crate) profile: Profile,
}

/// Why there is no owner.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        if error.violates(USERS_EMAIL_KEY) { Self::EmailTaken } else { Self::Fault(error.into()) }
    }
}

/// Makes the account and invites its person; never calls organization back.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(), Error> {
    let reader = resources.db.reader();
    if users::find(&reader, command.user_id).await?.is_some() {
        return Ok(());
    }
    let now = resources.now();
    let (email, profile) = (command.email.clone(), command.profile.clone());
    let user = &User::new(command.user_id, command.organization_id, email, profile, UserState::Invited, now);
    let mail = InvitationMail {
        organization_name: command.organization_name.clone(),
        inviter_name: inviter_name(&reader, command.actor).await?,
    };
    let draft = &Draft::new(resources, user, command.actor, Some(mail), None, now);
    let made = resources
        .db
        .write(|tx| async move {
            users::insert(&tx, user).await?;
            draft.store(resources, &tx, user, now).await?;
            let event =
                Event::UserInvited { invitation_id: draft.invitation.invitation_id, roles: vec!["OWNER".to_owned()] };
            let target = Some(user.user_id.into());
            let happened = about(Some(command.actor), Some(user.organization_id), target, now, event);
            resources.publisher.append(&tx, &happened).await?;
            Ok::<_, Error>(())
        })
        .await;
    match made {
        // A parallel call with the same identifier was faster.
        Err(Error::Fault(fault)) if fault.violates(USERS_PKEY) => Ok(()),
        Err(Error::EmailTaken) if users::find(&reader, command.user_id).await?.is_some() => Ok(()),
        made => made,
    }
}
