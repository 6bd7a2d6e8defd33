//! Takes a registration: nothing comes alive before whoever reads the mail at the address says so.
//!
//! Whether the address has an account decides only which mail goes there. Everything else is the same: one hash, one
//! question to organization, the same rows.

use std::time::Duration;

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{OrganizationId, RegistrationId};
use rolecall_kernel::network::Network;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::fault::Fault;
use super::password_rules::{self, PasswordRules};
use super::{Resources, mail_budget, registration_codes, registration_limit};
use crate::domain::event::Event;
use crate::domain::password::{Password, PasswordError};
use crate::domain::registration::{LIFETIME, Registration};
use crate::domain::user::Profile;
use crate::events::publish::about;
use crate::peers::{PeerError, Refusal};
use crate::store::registrations::{self, Open};

/// Who wants an account, and where.
#[derive(Debug)]
pub(crate) struct Command {
    /// The organization; the home organization when absent.
    pub(crate) organization: Option<OrganizationId>,
    /// The address.
    pub(crate) email: EmailAddress,
    /// Who the person is.
    pub(crate) profile: Profile,
    /// The password that it wants.
    pub(crate) password: Password,
    /// Where the call comes from.
    pub(crate) network: Option<Network>,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// What whoever registers gets to know, which is the same for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The name of the registration.
    pub(crate) registration_id: RegistrationId,
    /// Until when it can be verified.
    pub(crate) expires: Timestamp,
}

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The organization takes none, or nobody may see it.
    #[error("the organization takes no registrations")]
    RegistrationClosed,
    /// The organization wants addresses of other domains.
    #[error("the address is of another domain")]
    EmailDomainRefused,
    /// Too many came from the same network.
    #[error("too many from one network")]
    LimitReached(Duration),
    /// The password is not good enough.
    #[error("the password {0}")]
    PasswordRefused(PasswordError),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
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
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

/// Takes a registration.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<Registered, Error> {
    registration_limit::spend(resources, command.network).await?.map_err(Error::LimitReached)?;
    let into = resources.organization.check_registration(command.organization, &command.email).await?;
    let now = resources.now();
    let registration = Registration {
        registration_id: RegistrationId::new(now, resources.entropy.as_ref()),
        organization_id: into.organization_id,
        email: command.email,
        profile: command.profile,
        expires: now.plus(LIFETIME),
    };
    let password_hash = hash(resources, &registration, command.password, command.deadline).await?;
    let registered = Registered { registration_id: registration.registration_id, expires: registration.expires };
    let (open, code) = (&Open { registration, password_hash }, &registration_codes::draw(resources));
    let name = into.name.as_str();
    resources.db.write(|tx| async move { store(resources, &tx, open, name, code, now).await }).await?;
    Ok(registered)
}

/// Hashes the password in any case: the account may be there already, and nobody may see that by the time.
async fn hash(
    resources: &Resources,
    registration: &Registration,
    password: Password,
    deadline: Option<Instant>,
) -> Result<String, Error> {
    let PasswordRules { policy, context, .. } = password_rules::find(resources, &registration.person()).await?;
    let hash = resources.hashing.check_and_hash(policy, password, context, deadline).await?;
    hash.map_err(Error::PasswordRefused)
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    open: &Open,
    organization_name: &str,
    code: &OpaqueToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    let registration = &open.registration;
    // Nothing at all happens above the limit: the code that was mailed before goes on working.
    if !mail_budget::spend(resources, tx, &registration.email, now).await? {
        return Ok(());
    }
    registrations::replace(tx, open, &code.digest(), now).await?;
    registration_codes::order_mail(resources, tx, registration, organization_name, code, now).await?;
    let event = Event::RegistrationRequested(registration.registration_id);
    let happened = about(None, Some(registration.organization_id), None, now, event);
    resources.publisher.append(tx, &happened).await
}
