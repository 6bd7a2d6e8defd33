//! Makes the account of a person that registered, once it proved its address.
//!
//! The code comes from the mail, so whoever has it reads the mailbox. The password that came with the registration may
//! be a stranger's: it comes alive only when it is typed again beside the code, and otherwise the reader sets its own.

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SagaId, UserId};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::fault::Fault;
use super::login_failure::Counter;
use super::password_rules::{self, PasswordRules};
use super::yield_address::{self, Yielded};
use super::{Resources, proven_address, saga};
use crate::domain::event::{Event, LoginFailure};
use crate::domain::password::{Password, PasswordError};
use crate::domain::registration::{ROLE, Registration, yields};
use crate::domain::saga::{Saga, SagaKind, SagaState};
use crate::domain::user::{Membership, User, UserView};
use crate::events::publish::by_user;
use crate::peers::{OrganizationName, PeerError, Refusal};
use crate::store::registrations::{self, Open};
use crate::store::{USERS_EMAIL_KEY, credentials, sagas, users};

/// What opens the account beside the code.
#[derive(Debug)]
pub(crate) enum Proof {
    /// The password that the registration came with.
    Registered(Password),
    /// A new one.
    New(Password),
}

/// Which registration, and its password.
#[derive(Debug)]
pub(crate) struct Command {
    /// The code from the mail.
    pub(crate) code: OpaqueToken,
    /// The password.
    pub(crate) proof: Proof,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The code is unknown, used, replaced or ended.
    #[error("no such code")]
    CodeNotFound,
    /// The password is another than that of the registration, or came too early.
    #[error("the password is not that of the registration")]
    CredentialsRefused,
    /// The new password is not good enough.
    #[error("the password {0}")]
    PasswordRefused(PasswordError),
    /// The organization stopped taking registrations meanwhile.
    #[error("the organization takes no registrations")]
    RegistrationClosed,
    /// The organization wants addresses of other domains by now.
    #[error("the address is of another domain")]
    EmailDomainRefused,
    /// The address belongs to another account; whoever has the code may know, for it reads the mail there.
    #[error("the address is taken")]
    EmailTaken,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<crate::hashing::HashingError> for Error {
    fn from(error: crate::hashing::HashingError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::RegistrationClosed) => Self::RegistrationClosed,
            PeerError::Refused(Refusal::EmailDomainRefused) => Self::EmailDomainRefused,
            // An account that nobody proved, and that nobody else could stand in for.
            PeerError::Refused(Refusal::LastHolder) => Self::EmailTaken,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

/// Makes the account.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<UserView, Error> {
    let reader = resources.db.reader();
    let code = &command.code.digest();
    let found = registrations::find_open(&reader, code, resources.now()).await?.ok_or(Error::CodeNotFound)?;
    let counter = &Counter::of_registration(resources, found.registration.registration_id);
    let typed = matches!(command.proof, Proof::Registered(_));
    let hash = &prove(resources, &found, counter, command.proof, command.deadline).await?;
    let owner = users::find_by_email(&reader, &found.registration.email).await?.map(|(owner, _)| owner);
    if owner.as_ref().is_some_and(|owner| !yields(owner)) {
        return Err(Error::EmailTaken);
    }
    let now = resources.now();
    let user_id = UserId::new(now, resources.entropy.as_ref());
    let work = &Saga {
        saga_id: SagaId::from_uuid(user_id.as_uuid()),
        kind: SagaKind::RegisterUser,
        state: SagaState::Started,
    };
    if !resources.db.write(|tx| async move { claim(resources, &tx, code, work, counter, typed).await }).await? {
        return Err(Error::CredentialsRefused);
    }
    rolecall_db::fault::point("verify_email.after_claim");
    let person = Person { registration: found.registration, yielding: owner.map(|owner| owner.user_id), user_id, now };
    match add_and_commit(resources, &person, hash).await {
        Ok(made) => {
            rolecall_db::fault::point("verify_email.after_commit");
            saga::finish(resources, work).await?;
            if let Some(yielded) = made.yielded {
                yielded.finish(resources, now).await;
            }
            Ok(view(made.user))
        }
        Err(error) => {
            saga::abandon(resources, work).await;
            Err(error)
        }
    }
}

/// Returns the hash to store: of the password that the registration came with, if it was typed again, or of a new one.
async fn prove(
    resources: &Resources,
    found: &Open,
    counter: &Counter<'_>,
    proof: Proof,
    deadline: Option<Instant>,
) -> Result<String, Error> {
    match proof {
        Proof::Registered(password) => {
            let stored = found.password_hash.clone();
            if resources.hashing.verify(password, Some(stored.clone()), deadline).await? {
                return Ok(stored);
            }
            counter.count(resources, LoginFailure::WrongPassword).await?;
            Err(Error::CredentialsRefused)
        }
        Proof::New(password) => {
            let PasswordRules { policy, context, .. } =
                password_rules::find(resources, &found.registration.person()).await?;
            let hash = resources.hashing.check_and_hash(policy, password, context, deadline).await?;
            hash.map_err(Error::PasswordRefused)
        }
    }
}

/// Uses the code up, and stores that the work has begun; `false` when a right password came too early.
async fn claim(
    resources: &Resources,
    tx: &Tx,
    code: &[u8; 32],
    work: &Saga,
    counter: &Counter<'_>,
    typed: bool,
) -> Result<bool, Error> {
    if typed && !counter.may_try(resources, tx).await? {
        return Ok(false);
    }
    let now = resources.now();
    if !registrations::claim(tx, code, UserId::from_uuid(work.saga_id.as_uuid()), now).await? {
        return Err(Error::CodeNotFound);
    }
    sagas::insert(tx, work, now.plus(resources.config.saga_lease)).await?;
    counter.forget(tx).await?;
    Ok(true)
}

/// Whose account is made.
struct Person {
    registration: Registration,
    /// The account that gives its address up.
    yielding: Option<UserId>,
    user_id: UserId,
    now: Timestamp,
}

/// What was made.
struct Made {
    user: User,
    yielded: Option<Yielded>,
}

/// Adds the hidden member, then commits account, credential and mail together.
async fn add_and_commit(resources: &Resources, person: &Person, hash: &str) -> Result<Made, Error> {
    let Person { registration, yielding, user_id, .. } = person;
    let organization = &resources.organization;
    let into = &organization.register_member(*user_id, registration, *yielding).await?;
    rolecall_db::fault::point("verify_email.after_register_member");
    let made = resources.db.write(|tx| async move { commit(resources, &tx, person, into, hash).await }).await;
    match made {
        Err(Error::Fault(fault)) if fault.violates(USERS_EMAIL_KEY) => Err(Error::EmailTaken),
        made => made,
    }
}

async fn commit(
    resources: &Resources,
    tx: &Tx,
    person: &Person,
    into: &OrganizationName,
    hash: &str,
) -> Result<Made, Error> {
    let &Person { ref registration, yielding, user_id, now } = person;
    let yielded = match yielding {
        Some(old) => yield_address::run(resources, tx, old, user_id.into(), now).await?,
        None => None,
    };
    let user = registration.account(user_id, now);
    users::insert(tx, &user).await?;
    credentials::insert(tx, user_id, hash, false, now).await?;
    registrations::delete_by_email(tx, &registration.email).await?;
    let publisher = &resources.publisher;
    let registered =
        Event::UserRegistered { registration_id: registration.registration_id, roles: vec![ROLE.to_owned()] };
    publisher.append(tx, &by_user(&user, now, registered)).await?;
    publisher.append(tx, &by_user(&user, now, Event::EmailVerified)).await?;
    proven_address::tell(resources, tx, &user, now).await?;
    publisher.order_welcome_mail(tx, &user, &into.name, now).await?;
    // A recovery that took over meanwhile undoes the membership, so nothing may be committed.
    let id = SagaId::from_uuid(user_id.as_uuid());
    if sagas::advance(tx, id, SagaState::Started, SagaState::Committed).await? {
        Ok(Made { user, yielded })
    } else {
        Err(StoreError::Conflict.into())
    }
}

fn view(user: User) -> UserView {
    let membership = Membership { roles: vec![ROLE.to_owned()], blocked: false };
    UserView { user, membership, password_change_required: false }
}
