//! Logs a person in, as far as a password leads.

use std::time::Duration;

use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::network::Network;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::Resources;
use super::challenge::{Outcome, Proved, Step, proceed};
use super::device::{Shown, Standing, recognise};
use super::fault::{Fault, take_faults};
use super::login_failure::{self, Counter, Stranger};
use crate::domain::device::Carried;
use crate::domain::event::LoginFailure;
use crate::domain::factor::MfaPolicy;
use crate::domain::password::{Password, PasswordPolicy};
use crate::domain::session::{AuthMethods, SessionLimits};
use crate::domain::throttle::Verdict;
use crate::domain::user::{User, UserState};
use crate::peers::{Access, OrganizationSettings};
use crate::store::{challenges, credentials, devices, login_codes, users};

/// Who wants in.
#[derive(Debug)]
pub(crate) struct Command {
    /// The address.
    pub(crate) email: EmailAddress,
    /// The password.
    pub(crate) password: Password,
    /// What is shown beside it.
    pub(crate) shown: Shown,
    /// Where the call comes from, as far as that is known.
    pub(crate) network: Option<Network>,
    /// Whether the person came to set a second factor up, so that one is demanded whatever its organization does.
    pub(crate) enrolling: bool,
    /// For whom the access tokens shall be; none for Rolecall itself.
    pub(crate) audience: Option<String>,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Unknown, wrong, blocked, invited or too early: the caller does not learn which.
    #[error("address and password do not open an account")]
    CredentialsRefused,
    /// The same to the caller; strangers failed too often, so a code is mailed by which the next try is judged.
    #[error("address and password do not open an account without a code")]
    CodeNeeded,
    /// Too many tries failed in the network of the caller, whatever the accounts.
    #[error("too many tries failed in this network")]
    NetworkThrottled(Duration),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Logs a person in, or tells what is due beside the password.
///
/// Whatever is wrong, the same work is done: one hash, two questions to organization, one write.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Outcome, Error> {
    // In a storm, before the database is asked about somebody who will be sent away whoever it is.
    resources.hashing.check_room(command.deadline)?;
    // Taken before access is checked: a block that comes later ends a session that began here.
    let began = resources.now();
    let reader = resources.db.reader();
    let found = users::find_by_email(&reader, &command.email).await?;
    let (user, stored) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    let user = user.as_ref();
    let standing = recognise(resources, &reader, &command.shown, &command.email, user).await?;
    if standing == Standing::Stranger
        && let Some(wait) = login_failure::wait_of(resources, &reader, command.network).await?
    {
        return Err(Error::NetworkThrottled(wait));
    }
    let stranger = Stranger { email: &command.email, network: command.network, stored: stored.as_deref() };
    let tried = Tried { command, standing, counter: standing.counter(resources, stranger, user) };
    match examine(resources, command, user, stored.clone()).await? {
        Ok((user, house)) => {
            let rehashed = rehash(resources, command, stored.as_deref()).await;
            let is_short = house.password.check_length(&command.password).is_err();
            let right = Right { user, stored, rehashed, house, is_short, began };
            match enter(resources, &tried, &right).await? {
                Entered::Changed => again(resources, &tried, right).await,
                entered @ (Entered::Step(_) | Entered::Refused(_)) => entered.finish(resources),
            }
        }
        Err(failure) => Err(fail(resources, &tried, failure).await?),
    }
}

/// A try, and what its failure adds to.
struct Tried<'a> {
    command: &'a Command,
    standing: Standing,
    counter: Counter<'a>,
}

/// Does all that is done of a try whatever comes of it.
async fn examine<'a>(
    resources: &Resources,
    command: &Command,
    user: Option<&'a User>,
    stored: Option<String>,
) -> Result<Result<(&'a User, HouseRules), LoginFailure>, Error> {
    let (subject, organization_id) = if let Some(user) = user {
        (SubjectId::from(user.user_id), user.organization_id)
    } else {
        let (now, entropy) = (resources.now(), resources.entropy.as_ref());
        (SubjectId::new(now, entropy), OrganizationId::new(now, entropy))
    };
    let verified = resources.hashing.verify(command.password.clone(), stored, command.deadline);
    let organization = &resources.organization;
    let (access, belongs) = (organization.access(subject), organization.settings(organization_id));
    let (verified, access, belongs) = tokio::join!(verified, access, belongs);
    let (verified, access, belongs) = (verified?, access?, belongs?);
    let of_user = user.map(|user| user.user_id);
    let is_sso = belongs.as_ref().zip(of_user).is_some_and(|(belongs, user_id)| !belongs.passwords.allow(user_id));
    let mut house = HouseRules::of(resources, belongs, of_user);
    if command.enrolling {
        house.mfa = MfaPolicy::Required;
    }
    Ok(judge(user, verified, access, is_sso).map(|user| (user, house)))
}

/// What the organization of a person demands of its login.
#[derive(Debug, Clone, Copy)]
struct HouseRules {
    mfa: MfaPolicy,
    limits: SessionLimits,
    /// What a new password must satisfy; one that is too short by now has to be replaced.
    password: PasswordPolicy,
}

impl HouseRules {
    fn of(resources: &Resources, settings: Option<OrganizationSettings>, user_id: Option<UserId>) -> Self {
        let (everywhere, mfa) = (resources.password_policy, MfaPolicy::Required);
        settings.map_or(Self { mfa, limits: SessionLimits::default(), password: everywhere.under(mfa) }, |settings| {
            let mfa = user_id.map_or(settings.mfa_policy, |user_id| settings.mfa_of(user_id));
            Self { mfa, limits: settings.session, password: settings.password_policy(everywhere) }
        })
    }
}

/// Counts a failure, and returns what it is answered with.
async fn fail(resources: &Resources, tried: &Tried<'_>, failure: LoginFailure) -> Result<Error, Error> {
    match (tried.counter.count(resources, failure).await?, tried.standing) {
        (Verdict::Locked, Standing::Device(hash)) => {
            // It is a stranger from now on: somebody guesses with it.
            let hash = &hash;
            resources.db.write(|tx| async move { devices::delete(&tx, hash).await }).await?;
            Ok(Error::CredentialsRefused)
        }
        (Verdict::Locked, Standing::Stranger) => Ok(Error::CodeNeeded),
        (Verdict::Locked | Verdict::Open | Verdict::Waits, _) => Ok(Error::CredentialsRefused),
    }
}

/// Judges a password against the hash that took the place of the one it was verified by.
///
/// Most likely the password was changed; a parallel login may also just have hashed it anew.
async fn again(resources: &Resources, tried: &Tried<'_>, before: Right<'_>) -> Result<Outcome, Error> {
    let command = tried.command;
    let stored = credentials::find(&resources.db.reader(), before.user.user_id).await?;
    if resources.hashing.verify(command.password.clone(), stored.clone(), command.deadline).await? {
        let right = Right { stored, rehashed: None, ..before };
        return enter(resources, tried, &right).await?.finish(resources);
    }
    Err(fail(resources, tried, LoginFailure::WrongPassword).await?)
}

/// A right password, and by which stored hash it was.
struct Right<'a> {
    user: &'a User,
    stored: Option<String>,
    /// The same password, hashed with the parameters of today.
    rehashed: Option<String>,
    house: HouseRules,
    /// Whether the password is shorter than a new one may be.
    is_short: bool,
    began: Timestamp,
}

/// What became of a right password.
enum Entered {
    /// A session, or what is due next.
    Step(Step),
    /// It came before its time, or was not enough.
    Refused(Verdict),
    /// Nothing: another hash was stored since it was verified.
    Changed,
}

impl Entered {
    fn finish(self, resources: &Resources) -> Result<Outcome, Error> {
        match self {
            Self::Step(step) => Ok(step.finish(resources)),
            Self::Refused(Verdict::Locked) => Err(Error::CodeNeeded),
            Self::Refused(Verdict::Open | Verdict::Waits) | Self::Changed => Err(Error::CredentialsRefused),
        }
    }
}

fn judge(user: Option<&User>, verified: bool, access: Access, is_sso: bool) -> Result<&User, LoginFailure> {
    match user {
        None => Err(LoginFailure::UnknownAddress),
        Some(_) if !verified => Err(LoginFailure::WrongPassword),
        Some(user) if user.state != UserState::Active || !access.active => Err(LoginFailure::Inactive),
        Some(_) if is_sso => Err(LoginFailure::SsoRequired),
        Some(user) => Ok(user),
    }
}

/// Hashes a right password anew when the parameters changed; a login does not fail over it.
async fn rehash(resources: &Resources, command: &Command, stored: Option<&str>) -> Option<String> {
    stored.filter(|stored| resources.hashing.is_outdated(stored))?;
    resources.hashing.hash(command.password.clone(), command.deadline).await.ok()
}

/// Opens the session, or asks for what is due; what is stored is all or nothing.
async fn enter(resources: &Resources, tried: &Tried<'_>, right: &Right<'_>) -> Result<Entered, Error> {
    let (device, audience) = (tried.standing.device(), tried.command.audience.clone());
    let carried = &Carried { device, counted: tried.counter.own(), audience };
    let entered = resources
        .db
        .write(|tx| async move {
            // The account first, as everybody does: a change that comes later waits, and ends what began here.
            let user = users::lock(&tx, right.user.user_id).await?;
            let verdict = tried.counter.stand(resources, &tx).await?;
            if verdict != Verdict::Open {
                return Ok(Entered::Refused(verdict));
            }
            let user = user.filter(|user| user.state == UserState::Active).ok_or(Error::CredentialsRefused)?;
            let password_hash = &confirm(&tx, right).await?;
            use_up(resources, &tx, tried).await?;
            let standing = challenges::standing(&tx, user.user_id).await?;
            let proved = Proved {
                user: &user,
                password_hash,
                methods: AuthMethods::PASSWORD,
                has_factor: standing.has_factor,
                mfa: right.house.mfa,
                limits: right.house.limits,
                change_due: right.is_short || standing.change_required,
                carried,
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

/// Uses up the code that let somebody try who knew the password.
async fn use_up(resources: &Resources, tx: &Tx, tried: &Tried<'_>) -> Result<(), Error> {
    match tried.standing {
        Standing::Code(hash) if !login_codes::take(tx, &hash, resources.now()).await? => Err(Error::CredentialsRefused),
        Standing::Code(_) | Standing::Device(_) | Standing::Stranger => Ok(()),
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
