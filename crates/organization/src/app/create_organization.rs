//! Makes an organization and invites its first owner, together or not at all.
//!
//! 1. Organization, owner's membership and a record of the work are committed, all hidden.
//! 2. Identity makes the owner's account and its invitation. Repeating that changes nothing.
//! 3. All is revealed, with the events and the answer for a repeat of the request.
//!
//! Once identity has said yes there is only the way forward; its no undoes the first step. Whoever
//! dies in between leaves a lease, after which another goes on.

mod saga;

use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::{EmailAddress, OrganizationName, PersonName};
use rolecall_kernel::time::Timestamp;

use super::App;
use crate::domain::event::Origin;
use crate::domain::organization::{MfaPolicy, Organization, OwnerContact};
use crate::store::{organizations, subjects};
use rolecall_db::once::{Answer, RequestIdReused, RequestKey};

pub(crate) use saga::{METHOD, finish, recover};

const PERMISSION: &str = "organization.organizations.create";

/// The person that becomes the first owner.
#[derive(Debug, Clone)]
pub(crate) struct FirstOwner {
    pub(crate) email: EmailAddress,
    /// Joins the two parts when absent.
    pub(crate) name: Option<PersonName>,
    pub(crate) given_name: PersonName,
    pub(crate) family_name: PersonName,
}

impl FirstOwner {
    fn contact(&self) -> OwnerContact {
        OwnerContact {
            email: self.email.as_str().to_owned(),
            full_name: self.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
            given_name: self.given_name.as_str().to_owned(),
            family_name: self.family_name.as_str().to_owned(),
        }
    }
}

/// What to make, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) name: OrganizationName,
    pub(crate) mfa_policy: MfaPolicy,
    pub(crate) owner: FirstOwner,
    pub(crate) origin: Origin,
    pub(crate) request: Option<RequestKey>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Created {
    pub(crate) organization: Organization,
    pub(crate) first_owner: UserId,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The caller lost the right to it while asking.
    #[error("the caller lacks the right")]
    NotEntitled,
    /// The name belongs to another organization.
    #[error("the name is taken")]
    NameTaken,
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// Identity cannot be reached, or the same request is under way; it may still come about.
    #[error("the account of the first owner could not be made now")]
    Unfinished,
    /// Identity refused what it never should.
    #[error("identity refused the account: {0}")]
    Refused(String),
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Makes the organization, or answers what an earlier run of the same request was answered.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Created>, Error> {
    check_right(app, command).await?;
    if let Some(answer) = earlier_answer(app, command).await? {
        return Ok(Answer::Repeated(answer));
    }
    saga::run(app, command).await
}

/// Checks all that [`run`] checks before it begins, and changes nothing.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Timestamp, Error> {
    check_right(app, command).await?;
    if organizations::is_name_taken(&app.database.reader(), &command.name).await? {
        return Err(Error::NameTaken);
    }
    Ok(app.now())
}

/// The right as it is now, not as it is remembered.
async fn check_right(app: &App, command: &Command) -> Result<(), Error> {
    let actor = command.origin.actor.ok_or(Error::NotEntitled)?;
    let actor = subjects::find(&app.database.reader(), &rolecall_authz::Scope::All, actor).await?;
    if actor.is_some_and(|actor| actor.may_everywhere(PERMISSION, app.now())) {
        Ok(())
    } else {
        Err(Error::NotEntitled)
    }
}

async fn earlier_answer(app: &App, command: &Command) -> Result<Option<Vec<u8>>, Error> {
    match &command.request {
        Some(request) => request.find(&app.database).await,
        None => Ok(None),
    }
}

/// The ids of what is to be made.
#[derive(Debug, Clone, Copy)]
struct Ids {
    organization: OrganizationId,
    owner: UserId,
}
