//! Equals cannot take each other over: whose credentials are closed to whom.
//!
//! On a holder of ADMIN nobody else sets a password, an address or factors, or gets a code returned.
//! On an OWNER only a holder of ADMIN does. Blocking and demoting stay open: they open no account.

use rolecall_authz::LEEWAY;
use rolecall_authz::policy::STEP_UP_MAX_AGE;
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::user::Membership;
use crate::peers::PeerError;

const ADMIN: &str = "ADMIN";
const OWNER: &str = "OWNER";

/// Why the credentials of a person stay closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Nobody does this to itself.
    #[error("nobody does this to itself")]
    Itself,
    /// The person is an equal of the actor, or stands above it.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// Organization could not be asked.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// Why an actor may not change the credentials of a person now.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// They stay closed.
    Refused(Refused),
    /// The person is an owner, and the actor proved too long ago who it is.
    StepUpRequired,
}

impl From<Refused> for Unfit {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// What an actor is to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The person itself.
    Itself,
    /// Somebody to whom the credentials of the person are closed.
    Closed,
    /// Somebody who may change them, as far as the permission goes.
    Open,
}

/// Asks organization, as of now, what an actor is to a person; also returns the person's membership.
pub(crate) async fn reach(
    resources: &Resources,
    actor: SubjectId,
    target: UserId,
) -> Result<(Reach, Membership), PeerError> {
    let person = UserId::from_uuid(actor.as_uuid());
    let mut found = resources.organization.members([target, person]).await?;
    let actor = found.get(&person).cloned().unwrap_or_default();
    let membership = found.remove(&target).unwrap_or_default();
    let reach = if person == target { Reach::Itself } else { judge(&actor, &membership) };
    Ok((reach, membership))
}

/// Refuses an actor to whom the credentials of a person are closed; returns the person's membership.
pub(crate) async fn check(resources: &Resources, actor: SubjectId, target: UserId) -> Result<Membership, Refused> {
    match reach(resources, actor, target).await? {
        (Reach::Itself, _) => Err(Refused::Itself),
        (Reach::Closed, _) => Err(Refused::EqualProtected),
        (Reach::Open, membership) => Ok(membership),
    }
}

/// Refuses an actor to whom the credentials of a person are closed, and on an OWNER one that proved who it is at
/// `proved` and not since; returns the person's membership.
///
/// The other owners are told by organization, which hears of every change.
pub(crate) async fn check_credentials(
    resources: &Resources,
    actor: SubjectId,
    proved: Timestamp,
    target: UserId,
) -> Result<Membership, Unfit> {
    let membership = check(resources, actor, target).await?;
    let is_stale = resources.now() >= proved.plus(STEP_UP_MAX_AGE + LEEWAY);
    if membership.holds(OWNER) && is_stale { Err(Unfit::StepUpRequired) } else { Ok(membership) }
}

/// A service account holds no role, so it reaches neither.
fn judge(actor: &Membership, target: &Membership) -> Reach {
    let is_admin = actor.holds(ADMIN) && !actor.blocked;
    if target.holds(ADMIN) || (target.holds(OWNER) && !is_admin) { Reach::Closed } else { Reach::Open }
}

/// Lets a use case with `Error::SelfRefused`, `Error::EqualProtected` and `Error::Fault` take a [`Refused`] by `?`.
macro_rules! take_refusals_of_equals {
    ($error:ty) => {
        impl From<crate::app::equals::Refused> for $error {
            fn from(refused: crate::app::equals::Refused) -> Self {
                match refused {
                    crate::app::equals::Refused::Itself => Self::SelfRefused,
                    crate::app::equals::Refused::EqualProtected => Self::EqualProtected,
                    crate::app::equals::Refused::Peer(error) => Self::Fault(error.into()),
                }
            }
        }
    };
}

pub(crate) use take_refusals_of_equals;

/// The same for an [`Unfit`], with `Error::StepUpRequired` beside them.
macro_rules! take_unfit {
    ($error:ty) => {
        crate::app::equals::take_refusals_of_equals!($error);

        impl From<crate::app::equals::Unfit> for $error {
            fn from(unfit: crate::app::equals::Unfit) -> Self {
                match unfit {
                    crate::app::equals::Unfit::Refused(refused) => refused.into(),
                    crate::app::equals::Unfit::StepUpRequired => Self::StepUpRequired,
                }
            }
        }
    };
}

pub(crate) use take_unfit;

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(roles: &[&str]) -> Membership {
        Membership { roles: roles.iter().map(|role| (*role).to_owned()).collect(), blocked: false }
    }

    #[test]
    fn a_holder_of_admin_is_closed_to_everybody_else() {
        for actor in [&["ADMIN"][..], &["ADMIN", "OWNER"], &["OWNER"], &[]] {
            for target in [&["ADMIN"][..], &["ADMIN", "OWNER"], &["ADMIN", "GUEST"]] {
                assert_eq!(judge(&holding(actor), &holding(target)), Reach::Closed, "{actor:?} {target:?}");
            }
        }
    }

    #[test]
    fn an_owner_is_open_to_admin_alone() {
        let owner = holding(&["GUEST", "OWNER"]);
        assert_eq!(judge(&holding(&["ADMIN"]), &owner), Reach::Open);
        assert_eq!(judge(&holding(&["OWNER"]), &owner), Reach::Closed);
        assert_eq!(judge(&holding(&[]), &owner), Reach::Closed);
        let kept_out = Membership { blocked: true, ..holding(&["ADMIN"]) };
        assert_eq!(judge(&kept_out, &owner), Reach::Closed);
    }

    #[test]
    fn everybody_else_is_open() {
        for target in [&["DATA_SCIENTIST", "DATA_STEWARD"][..], &["GUEST"], &[]] {
            assert_eq!(judge(&holding(&["OWNER"]), &holding(target)), Reach::Open, "{target:?}");
        }
    }
}
