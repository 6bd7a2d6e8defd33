//! Logs a person in, as far as a password leads.

use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::Resources;
use super::challenge::{Outcome, Proved, Step, proceed};
use super::fault::{Fault, take_faults};
use super::login_failure::Counter;
use crate::domain::event::LoginFailure;
use crate::domain::factor::MfaPolicy;
use crate::domain::password::Password;
use crate::domain::session::AuthMethods;
use crate::domain::user::{User, UserState};
use crate::peers::Access;
use crate::store::{challenges, credentials, users};

/// Who wants in.
#[derive(Debug)]
pub(crate) struct Command {
    /// The address.
    pub(crate) email: EmailAddress,
    /// The password.
    pub(crate) password: Password,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Unknown, wrong, blocked, invited or too early: the caller does not learn which.
    #[error("address and password do not open an account")]
    CredentialsRefused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Logs a person in, or tells what is due beside the password.
///
/// Whatever is wrong, the same work is done: one hash, two questions to organization, one write.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<Outcome, Error> {
    // Taken before access is checked: a block that comes later ends a session that began here.
    let began = resources.now();
    let found = users::find_by_email(&resources.db.reader(), &command.email).await?;
    let (subject, organization_id) = if let Some((user, _)) = &found {
        (SubjectId::from(user.user_id), user.organization_id)
    } else {
        let entropy = resources.entropy.as_ref();
        (SubjectId::new(began, entropy), OrganizationId::new(began, entropy))
    };
    let stored = found.as_ref().and_then(|(_, hash)| hash.clone());
    let verified = resources.hashing.verify(command.password.clone(), stored.clone(), command.deadline);
    let organization = &resources.organization;
    let (access, belongs) = (organization.access(subject), organization.find_organization(organization_id));
    let (verified, access, belongs) = tokio::join!(verified, access, belongs);
    let (verified, access, mfa) = (verified?, access?, belongs?.map_or(MfaPolicy::Required, |found| found.mfa_policy));
    let user = found.map(|(user, _)| user);
    let counter = Counter::new(resources, &command.email, user.as_ref());
    match judge(user.as_ref(), verified, access) {
        Ok(user) => {
            let rehashed = rehash(resources, &command, stored.as_deref()).await;
            let right = Right { user, stored, rehashed, mfa, is_short: is_short(resources, &command, mfa), began };
            match enter(resources, &counter, &right).await? {
                Entered::Changed => again(resources, &command, &counter, right).await,
                entered @ (Entered::Step(_) | Entered::Throttled) => entered.finish(resources),
            }
        }
        Err(failure) => {
            counter.count(resources, failure).await?;
            Err(Error::CredentialsRefused)
        }
    }
}

/// Judges a password against the hash that took the place of the one it was verified by.
///
/// Most likely the password was changed; a parallel login may also just have hashed it anew.
async fn again(
    resources: &Resources,
    command: &Command,
    counter: &Counter<'_>,
    before: Right<'_>,
) -> Result<Outcome, Error> {
    let stored = credentials::find(&resources.db.reader(), before.user.user_id).await?;
    if resources.hashing.verify(command.password.clone(), stored.clone(), command.deadline).await? {
        let right = Right { stored, rehashed: None, ..before };
        return enter(resources, counter, &right).await?.finish(resources);
    }
    counter.count(resources, LoginFailure::WrongPassword).await?;
    Err(Error::CredentialsRefused)
}

/// A right password, and by which stored hash it was.
struct Right<'a> {
    user: &'a User,
    stored: Option<String>,
    /// The same password, hashed with the parameters of today.
    rehashed: Option<String>,
    mfa: MfaPolicy,
    /// Whether the password is shorter than a new one may be.
    is_short: bool,
    began: Timestamp,
}

/// What became of a right password.
enum Entered {
    /// A session, or what is due next.
    Step(Step),
    /// It came before its time.
    Throttled,
    /// Nothing: another hash was stored since it was verified.
    Changed,
}

impl Entered {
    fn finish(self, resources: &Resources) -> Result<Outcome, Error> {
        match self {
            Self::Step(step) => Ok(step.finish(resources)),
            Self::Throttled | Self::Changed => Err(Error::CredentialsRefused),
        }
    }
}

fn judge(user: Option<&User>, verified: bool, access: Access) -> Result<&User, LoginFailure> {
    match user {
        None => Err(LoginFailure::UnknownAddress),
        Some(_) if !verified => Err(LoginFailure::WrongPassword),
        Some(user) if user.state != UserState::Active || !access.active => Err(LoginFailure::Inactive),
        Some(user) => Ok(user),
    }
}

/// Where the second factor was switched off, a password that was long enough beside one has to be replaced.
fn is_short(resources: &Resources, command: &Command, mfa: MfaPolicy) -> bool {
    resources.password_policy.under(mfa).check_length(&command.password).is_err()
}

/// Hashes a right password anew when the parameters changed; a login does not fail over it.
async fn rehash(resources: &Resources, command: &Command, stored: Option<&str>) -> Option<String> {
    stored.filter(|stored| resources.hashing.is_outdated(stored))?;
    resources.hashing.hash(command.password.clone(), command.deadline).await.ok()
}

/// Opens the session, or asks for what is due; what is stored is all or nothing.
async fn enter(resources: &Resources, counter: &Counter<'_>, right: &Right<'_>) -> Result<Entered, Error> {
    let entered = resources
        .db
        .write(|tx| async move {
            // The account first, as everybody does: a change that comes later waits, and ends what began here.
            let user = users::lock(&tx, right.user.user_id).await?;
            if !counter.may_try(resources, &tx).await? {
                return Ok(Entered::Throttled);
            }
            let user = user.filter(|user| user.state == UserState::Active).ok_or(Error::CredentialsRefused)?;
            let password_hash = &confirm(&tx, right).await?;
            let standing = challenges::standing(&tx, user.user_id).await?;
            let proved = Proved {
                user: &user,
                password_hash,
                methods: AuthMethods::PASSWORD,
                has_factor: standing.has_factor,
                mfa: right.mfa,
                change_due: right.is_short || standing.change_required,
                began: right.began,
            };
            Ok(Entered::Step(proceed(resources, &tx, &proved).await?))
        })
        .await;
    match entered {
        Err(Error::CredentialsRefused) => Ok(Entered::Changed),
        entered => entered,
    }
}

/// Refuses a password that was changed since it was verified; returns the hash that is stored from now on.
async fn confirm(tx: &Tx, right: &Right<'_>) -> Result<String, Error> {
    let user_id = right.user.user_id;
    let current = credentials::find(tx, user_id).await?;
    let Some(current) = current.filter(|current| Some(current) == right.stored.as_ref()) else {
        return Err(Error::CredentialsRefused);
    };
    match &right.rehashed {
        Some(fresh) if credentials::rehash(tx, user_id, &current, fresh).await? => Ok(fresh.clone()),
        Some(_) | None => Ok(current),
    }
}
