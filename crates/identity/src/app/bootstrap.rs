//! Makes the home organization and its first administrator, once.

use rolecall_db::Error as StoreError;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::{EmailAddress, OrganizationName};
use tokio::time::Instant;

use super::Resources;
use super::fault::{Fault, take_faults};
use crate::domain::bootstrap::{Refusal, Stage};
use crate::domain::event::Event;
use crate::domain::factor::MfaPolicy;
use crate::domain::password::{Password, PasswordError};
use crate::domain::user::{Membership, Profile, User, UserState, UserView, password_context};
use crate::events::publish::by_user;
use crate::peers::{PeerError, Refusal as PeerRefusal};
use crate::store::{USERS_EMAIL_KEY, USERS_PKEY, credentials, instance, users};

/// What the installation begins with.
#[derive(Debug)]
pub(crate) struct Command {
    /// The setup secret; none when it is too short to be one.
    pub(crate) secret: Option<OpaqueToken>,
    /// Name of the home organization.
    pub(crate) organization_name: OrganizationName,
    /// Address of the first administrator.
    pub(crate) email: EmailAddress,
    /// Who it is.
    pub(crate) profile: Profile,
    /// What the home organization demands of logins.
    pub(crate) mfa_policy: MfaPolicy,
    /// Its password.
    pub(crate) password: Password,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why the installation did not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The secret is wrong.
    #[error("the setup secret is wrong")]
    SetupSecretRefused,
    /// The first administrator exists.
    #[error("the first administrator exists")]
    AlreadyBootstrapped,
    /// One with other content was begun.
    #[error("a bootstrap with other content was begun")]
    BootstrapInProgress,
    /// The password is not good enough.
    #[error("the password {0}")]
    PasswordRefused(PasswordError),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Done => Self::AlreadyBootstrapped,
            Refusal::WrongSecret => Self::SetupSecretRefused,
            Refusal::OtherContent => Self::BootstrapInProgress,
        }
    }
}

/// Bootstraps; after a crash the same call goes on where it stopped.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<UserView, Error> {
    let secret = command.secret.as_ref().map(OpaqueToken::digest);
    let asked = fingerprint(resources, &command);
    let known = instance::find(&resources.db.reader()).await?.ok_or(Error::SetupSecretRefused)?;
    known.admit(secret.as_ref(), &asked)?;
    let context = password_context(&command.email, &command.profile, command.organization_name.as_str());
    let (policy, hashing) = (resources.password_policy.under(command.mfa_policy), &resources.hashing);
    let hash = hashing.check_and_hash(policy, command.password.clone(), context, command.deadline).await?;
    let hash = hash.map_err(Error::PasswordRefused)?;
    let (user_id, organization_id) = claim(resources, secret.as_ref(), &asked).await?;
    rolecall_db::fault::point("bootstrap.after_claim");
    let name = command.organization_name.as_str();
    match resources.organization.bootstrap(organization_id, name, command.mfa_policy, user_id).await {
        Ok(()) => {}
        Err(PeerError::Refused(PeerRefusal::AlreadyBootstrapped)) => return Err(Error::AlreadyBootstrapped),
        Err(error) => return Err(error.into()),
    }
    rolecall_db::fault::point("bootstrap.after_organization");
    let user = User::new(user_id, organization_id, command.email, command.profile, UserState::Active, resources.now());
    complete(resources, &user, &hash).await?;
    rolecall_db::fault::point("bootstrap.after_commit");
    let roles = ["ADMIN", "OWNER"].map(str::to_owned).to_vec();
    Ok(UserView { user, membership: Membership { roles, blocked: false }, password_change_required: false })
}

/// What was asked for, recognisable only with the key outside the database.
fn fingerprint(resources: &Resources, command: &Command) -> [u8; 32] {
    let profile = &command.profile;
    let part = |name: Option<&rolecall_kernel::text::PersonName>| name.map_or("", |name| name.as_str()).to_owned();
    resources.fingerprints.hash(&[
        b"bootstrap",
        command.organization_name.as_str().as_bytes(),
        command.email.key().as_bytes(),
        profile.name.as_str().as_bytes(),
        part(profile.given_name.as_ref()).as_bytes(),
        part(profile.family_name.as_ref()).as_bytes(),
        command.password.as_bytes(),
        match command.mfa_policy {
            MfaPolicy::Required => b"required",
            MfaPolicy::Optional => b"optional",
        },
    ])
}

/// Decides under lock, and fixes the identifiers that every repetition takes.
async fn claim(
    resources: &Resources,
    secret: Option<&[u8; 32]>,
    content: &[u8; 32],
) -> Result<(UserId, OrganizationId), Error> {
    let now = resources.now();
    let entropy = resources.entropy.as_ref();
    let fresh = (UserId::new(now, entropy), OrganizationId::new(now, entropy));
    resources
        .db
        .write(|tx| async move {
            let known = instance::lock(&tx).await?.ok_or(Error::SetupSecretRefused)?;
            if let Some(begun) = known.admit(secret, content)? {
                return Ok(begun);
            }
            instance::claim(&tx, content, fresh.0, fresh.1).await?;
            Ok(fresh)
        })
        .await
}

/// Makes the account and ends the bootstrap for ever.
async fn complete(resources: &Resources, user: &User, hash: &str) -> Result<(), Error> {
    let completed = resources
        .db
        .write(|tx| async move {
            if !instance::complete(&tx).await? {
                return Err(Error::AlreadyBootstrapped);
            }
            users::insert(&tx, user).await?;
            credentials::insert(&tx, user.user_id, hash, false, user.created).await?;
            let event = by_user(user, user.created, Event::InstanceBootstrapped);
            resources.publisher.append(&tx, &event).await?;
            Ok(())
        })
        .await;
    match completed {
        Err(Error::Fault(fault)) if fault.violates(USERS_PKEY) || fault.violates(USERS_EMAIL_KEY) => {
            Err(Error::AlreadyBootstrapped)
        }
        completed => completed,
    }
}

/// Tells whether the first administrator exists.
pub(crate) async fn is_done(resources: &Resources) -> Result<bool, StoreError> {
    let known = instance::find(&resources.db.reader()).await?;
    Ok(known.is_some_and(|known| known.stage == Stage::Done))
}
