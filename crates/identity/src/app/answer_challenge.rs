//! Takes an answer to what a login still asks for.
//!
//! Whatever was true when the challenge was made is looked at again: the address, the password, the factors, the
//! access of the person. A challenge is used up in the transaction of what its answer leads to.

mod code;
pub(crate) mod enroll;
mod new_password;

use rolecall_db::Tx;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::challenge::{Issued, Outcome, Proved, Step, credential, proceed};
use super::fault::{Fault, take_faults};
use super::password_rules::PasswordRules;
use super::{Resources, enrollment, revoke};
use crate::domain::challenge::{Challenge, Due, Progress, Standing};
use crate::domain::factor::{FactorCode, MfaPolicy};
use crate::domain::password::{Password, PasswordError};
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::session::{AuthMethods, SessionLimits};
use crate::domain::user::{User, UserState};
use crate::peers::OrganizationSettings;
use crate::store::{challenges, users};

/// What a person answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A code of a second factor.
    Code(FactorCode),
    /// Show what an authenticator app needs, which is called so.
    BeginTotp(Option<PersonName>),
    /// A new password.
    NewPassword(Password),
}

/// An answer to a challenge.
#[derive(Debug)]
pub(crate) struct Command {
    /// The challenge.
    pub(crate) token: OpaqueToken,
    /// The answer.
    pub(crate) answer: Answer,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// What an answer led to.
#[derive(Debug)]
pub(crate) struct Answered {
    /// Tokens, or what is due next.
    pub(crate) outcome: Outcome,
    /// Recovery codes, right after a first factor was set up.
    pub(crate) recovery_codes: Vec<RecoveryCode>,
}

/// Why an answer leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The challenge is unknown, answered or ended.
    #[error("no such challenge")]
    ChallengeRefused,
    /// The code is wrong, used, or came too early.
    #[error("the code is not right")]
    FactorCodeRefused,
    /// Something else is due.
    #[error("another answer is due: {0:?}")]
    AnswerUnexpected(Due),
    /// The new password is not good enough.
    #[error("the new password {0}")]
    PasswordRefused(PasswordError),
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

/// A challenge that is being answered.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    hash: &'a [u8; 32],
    user_id: UserId,
    mfa: MfaPolicy,
    limits: SessionLimits,
    /// Before the access of the person was asked for.
    began: Timestamp,
}

/// What a transaction decided.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it nearly always is the large one")]
enum Verdict {
    /// The code is wrong, which was counted.
    Wrong,
    /// The answer was accepted.
    Accepted { step: Step, recovery_codes: Vec<RecoveryCode>, ended: Vec<SessionId> },
}

impl Verdict {
    fn finish(self, resources: &Resources, began: Timestamp) -> Result<Answered, Error> {
        match self {
            Self::Wrong => Err(Error::FactorCodeRefused),
            Self::Accepted { step, recovery_codes, ended } => {
                revoke::obey(resources, &ended, began);
                Ok(Answered { outcome: step.finish(resources), recovery_codes })
            }
        }
    }
}

/// Takes an answer.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<Answered, Error> {
    let hash = &command.token.digest();
    let (asked, user, found) = ask(resources, hash).await?;
    match command.answer {
        Answer::Code(code) => code::answer(resources, asked, &code).await,
        Answer::BeginTotp(name) => begin_totp(resources, asked, name.as_ref(), &command.token).await,
        Answer::NewPassword(new) => {
            let context = user.context_words(&found.name);
            let rules =
                PasswordRules { policy: found.password_policy(resources.password_policy), context, is_sso: false };
            new_password::answer(resources, asked, new, rules, command.deadline).await
        }
    }
}

/// Finds whose challenge it is, and what its organization wants.
async fn ask<'a>(resources: &Resources, hash: &'a [u8; 32]) -> Result<(Asked<'a>, User, OrganizationSettings), Error> {
    let began = resources.now();
    let reader = resources.db.reader();
    let challenge = challenges::find(&reader, hash, began).await?.ok_or(Error::ChallengeRefused)?;
    let user = users::find(&reader, challenge.user_id).await?.ok_or(Error::ChallengeRefused)?;
    let organization = &resources.organization;
    let access = organization.access(user.user_id.into());
    let (access, found) = tokio::join!(access, organization.settings(user.organization_id));
    let (access, found) = (access?, found?.ok_or(Error::ChallengeRefused)?);
    if !access.active {
        return Err(Error::ChallengeRefused);
    }
    if !found.passwords.allow(user.user_id) {
        return Err(Error::ChallengeRefused);
    }
    let (mfa, limits) = (found.mfa_of(user.user_id), found.session);
    let asked = Asked { hash, user_id: user.user_id, mfa, limits, began };
    Ok((asked, user, found))
}

/// A challenge that can be answered, with all that it is judged by, held until the transaction ends.
struct Held {
    user: User,
    challenge: Challenge,
    password_hash: String,
    has_factor: bool,
    change_due: bool,
    due: Option<Due>,
}

impl Held {
    /// What was proved, with what the answer proves.
    fn proved(&self, asked: Asked<'_>, also: Option<AuthMethods>) -> Proved<'_> {
        let methods = self.challenge.methods;
        Proved {
            user: &self.user,
            password_hash: &self.password_hash,
            methods: also.map_or(methods, |also| methods.and(also)),
            has_factor: self.has_factor,
            mfa: asked.mfa,
            limits: asked.limits,
            change_due: self.change_due,
            carried: &self.challenge.carried,
            began: asked.began,
        }
    }

    /// Refuses an answer to what was not asked.
    fn unexpected(&self) -> Error {
        self.due.map_or(Error::ChallengeRefused, Error::AnswerUnexpected)
    }
}

/// Holds the account, then looks at everything anew.
async fn hold(resources: &Resources, tx: &Tx, asked: Asked<'_>) -> Result<Held, Error> {
    let user = users::lock(tx, asked.user_id).await?.ok_or(Error::ChallengeRefused)?;
    let challenge = challenges::find(tx, asked.hash, resources.now()).await?.ok_or(Error::ChallengeRefused)?;
    let standing = challenges::standing(tx, asked.user_id).await?;
    judge(resources, asked, user, challenge, standing)
}

/// Refuses a challenge whose account or password is not the one that was proved, and finds what is due.
fn judge(
    resources: &Resources,
    asked: Asked<'_>,
    user: User,
    challenge: Challenge,
    standing: Standing,
) -> Result<Held, Error> {
    let password_hash = standing.password_hash.ok_or(Error::ChallengeRefused)?;
    let is_same = challenge.credential == credential(resources, &user, &password_hash);
    if user.state != UserState::Active || !is_same {
        return Err(Error::ChallengeRefused);
    }
    let (has_factor, change_due) = (standing.has_factor, challenge.change_due || standing.change_required);
    let due = Progress { methods: challenge.methods, has_factor, mfa: asked.mfa, change_due }.due();
    Ok(Held { user, challenge, password_hash, has_factor, change_due, due })
}

/// Uses the challenge up and goes on from what is proved now.
async fn advance(resources: &Resources, tx: &Tx, asked: Asked<'_>, proved: &Proved<'_>) -> Result<Step, Error> {
    take(resources, tx, asked).await?;
    Ok(proceed(resources, tx, proved).await?)
}

async fn take(resources: &Resources, tx: &Tx, asked: Asked<'_>) -> Result<(), Error> {
    let taken = challenges::take(tx, asked.hash, resources.now()).await?;
    if taken { Ok(()) } else { Err(Error::ChallengeRefused) }
}

/// Shows what an authenticator app needs; the challenge stays, and waits for the first code.
async fn begin_totp(
    resources: &Resources,
    asked: Asked<'_>,
    name: Option<&PersonName>,
    token: &OpaqueToken,
) -> Result<Answered, Error> {
    let write = resources.db.write(|tx| async move {
        let held = hold(resources, &tx, asked).await?;
        if held.due != Some(Due::EnrollFactor) {
            return Err(held.unexpected());
        }
        let expires = held.challenge.expires;
        let begun = enrollment::begin(resources, &tx, &held.user, name.cloned(), expires).await?;
        let enrollment = begun.map_err(|_| held.unexpected())?;
        challenges::note_factor(&tx, asked.hash, enrollment.factor_id).await?;
        Ok((enrollment, expires))
    });
    let (enrollment, expires) = write.await?;
    let issued = Issued { token: token.clone(), expires, due: Due::EnrollFactor, enrollment: Some(enrollment) };
    Ok(Answered { outcome: Outcome::Challenge(issued), recovery_codes: Vec::new() })
}
