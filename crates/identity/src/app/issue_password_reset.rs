//! Makes a code by which a person sets a new password, at the wish of an administrator.

use std::fmt;

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::codes::Draft;
use super::delivery::{self, Delivery};
use super::equals::{self, take_refusals_of_equals};
use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use crate::domain::code::Purpose;
use crate::domain::event::Event;
use crate::domain::user::{User, UserState};
use crate::events::publish::about;
use crate::store::users;

/// Whose code.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who makes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The person.
    pub(crate) user_id: UserId,
    /// How the code reaches it.
    pub(crate) delivery: Delivery,
    /// The name of the change.
    pub(crate) once: Option<Once<Issued>>,
}

/// A code that was made.
#[derive(Clone)]
pub(crate) struct Issued {
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// Its text, if the actor shall have it.
    pub(crate) code: Option<OpaqueToken>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({:?}, redacted)", self.expires)
    }
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// The person has still to accept its invitation.
    #[error("the account is not active")]
    UserNotActive,
    /// The organization logs in at its identity provider alone.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// The actor may not be given codes there.
    #[error("the actor may not be given codes")]
    PermissionMissing(&'static str),
    /// Nobody is given a code of its own: that would be a new password without the old one, and without a mail.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// The person is an equal of the actor, or stands above it: its code goes by mail alone.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// The code was made before, and is not kept.
    #[error("the code was returned before")]
    SecretAlreadyReturned,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);
take_refusals_of_equals!(Error);

/// Makes a code.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Issued>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return repeated(command, stored);
    }
    let user = users::find_in_scope(&reader, command.user_id, &command.scope).await?.ok_or(Error::UserNotFound)?;
    let membership = match &command.delivery {
        Delivery::Send => resources.organization.member(user.user_id).await?,
        Delivery::Return(_) if !command.delivery.is_permitted_on(facts(&user)) => {
            return Err(Error::PermissionMissing(delivery::PERMISSION));
        }
        // Whoever has the code has the account.
        Delivery::Return(_) => equals::check(resources, command.actor, user.user_id).await?,
    };
    let settings = resources.organization.settings(user.organization_id).await?;
    if settings.is_some_and(|settings| !settings.passwords.allow(user.user_id)) {
        return Err(Error::SsoRequired);
    }
    let now = resources.now();
    let mailed_to = (!command.delivery.is_return()).then(|| user.email.clone());
    let draft = &Draft::new(resources, user.user_id, Purpose::Reset, mailed_to, &membership, now);
    let code = command.delivery.is_return().then(|| draft.token.clone());
    let issued = Issued { expires: draft.code.expires, code };
    let answer = &issued;
    let stored = resources.db.write(|tx| async move { store(resources, &tx, command, draft, answer, now).await }).await;
    match stored {
        Ok(()) => Ok(Answer::Fresh(issued)),
        Err(Error::Fault(fault)) if fault.is_repeat() => match Once::find(command.once.as_ref(), &reader).await? {
            Some(stored) => repeated(command, stored),
            None => Err(Error::Fault(fault)),
        },
        Err(error) => Err(error),
    }
}

/// What was answered before, unless it held the code.
fn repeated(command: &Command, stored: Vec<u8>) -> Result<Answer<Issued>, Error> {
    if command.delivery.is_return() { Err(Error::SecretAlreadyReturned) } else { Ok(Answer::Stored(stored)) }
}

fn facts(user: &User) -> RowFacts {
    RowFacts::of_subject(Some(user.organization_id), user.user_id.into())
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    draft: &Draft,
    issued: &Issued,
    now: Timestamp,
) -> Result<(), Error> {
    Once::store(command.once.as_ref(), tx, issued, now).await?;
    let user = users::lock(tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    command.scope.permit(facts(&user)).ok_or(Error::UserNotFound)?;
    if user.state != UserState::Active {
        return Err(Error::UserNotActive);
    }
    draft.store(tx, now).await?;
    let publisher = &resources.publisher;
    if issued.code.is_none() {
        publisher.order_password_reset_mail(tx, &user, &draft.token, issued.expires, now).await?;
    }
    let event = Event::PasswordResetRequested { returned: issued.code.is_some() };
    let target = Some(user.user_id.into());
    publisher.append(tx, &about(Some(command.actor), Some(user.organization_id), target, now, event)).await?;
    Ok(())
}
