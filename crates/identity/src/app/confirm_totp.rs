//! Adds the authenticator app whose code is shown to the own account.

use rolecall_kernel::id::{FactorId, SessionId, UserId};

use super::enrollment::{self, Confirmed, Refused};
use super::fault::{Fault, take_faults};
use super::{Resources, revoke};
use crate::domain::totp::TotpCode;
use crate::store::users;

/// Which app, and what it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The session that asks, and stays.
    pub(crate) session_id: SessionId,
    /// The factor that was begun.
    pub(crate) factor_id: FactorId,
    /// What the app shows.
    pub(crate) code: TotpCode,
}

/// Why the app is not added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nothing that could be confirmed was begun under this identifier.
    #[error("no such factor")]
    FactorNotFound,
    /// The code is another.
    #[error("the code is not right")]
    FactorCodeRefused,
    /// The person has as many as it can have.
    #[error("there are too many factors")]
    FactorLimitReached,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotBegun => Self::FactorNotFound,
            Refused::WrongCode => Self::FactorCodeRefused,
            Refused::TooMany => Self::FactorLimitReached,
        }
    }
}

/// Adds the app; all other sessions end.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<Confirmed, Error> {
    let write = resources.db.write(|tx| async move {
        let user = users::lock(&tx, command.user_id).await?.ok_or(Fault::Defect("no such account"))?;
        let asking = Some(command.session_id);
        let confirmed = enrollment::confirm(resources, &tx, &user, command.factor_id, command.code, asking).await?;
        Ok::<_, Error>(confirmed?)
    });
    let confirmed = write.await?;
    revoke::obey(resources, &confirmed.ended, resources.now());
    Ok(confirmed)
}
