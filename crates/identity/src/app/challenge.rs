//! What a login leads to: tokens, or what is due first. Decided where the password was right, and after each answer.

use std::fmt;

use rolecall_db::{Error, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::enrollment::Enrollment;
use super::open_session::{self, Opened};
use super::tokens::Tokens;
use crate::domain::challenge::{self, Challenge, Due, Progress};
use crate::domain::device::Carried;
use crate::domain::factor::MfaPolicy;
use crate::domain::session::{AuthMethods, SessionLimits};
use crate::domain::user::User;
use crate::store::challenges;

/// What a login led to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The person is logged in.
    Tokens(Tokens),
    /// More is due.
    Challenge(Issued),
}

/// A challenge as its person gets it.
pub(crate) struct Issued {
    /// Names the login.
    pub(crate) token: OpaqueToken,
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// What is due now.
    pub(crate) due: Due,
    /// What an authenticator app needs, when that was asked for.
    pub(crate) enrollment: Option<Enrollment>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({:?}, redacted)", self.due)
    }
}

/// What a transaction decided.
#[derive(Debug)]
pub(crate) enum Step {
    /// A session is stored.
    Session(Opened),
    /// A challenge is stored.
    Challenge(Issued),
}

impl Step {
    /// Does what is to be done after the commit.
    pub(crate) fn finish(self, resources: &Resources) -> Outcome {
        match self {
            Self::Session(opened) => Outcome::Tokens(opened.finish(resources)),
            Self::Challenge(issued) => Outcome::Challenge(issued),
        }
    }
}

/// What a person proved so far, and what it is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proved<'a> {
    /// Who it is; its row is held.
    pub(crate) user: &'a User,
    /// The hash of the password that was right, still stored.
    pub(crate) password_hash: &'a str,
    /// How it was proved.
    pub(crate) methods: AuthMethods,
    /// Whether there is a second factor.
    pub(crate) has_factor: bool,
    /// What the organization demands.
    pub(crate) mfa: MfaPolicy,
    /// How long it lets sessions last.
    pub(crate) limits: SessionLimits,
    /// Whether the password must be replaced.
    pub(crate) change_due: bool,
    /// What the login carries along.
    pub(crate) carried: &'a Carried,
    /// When the call came, before the access of the person was asked for.
    pub(crate) began: Timestamp,
}

/// Opens a session, or asks for what is due next: the only way from a password to tokens.
pub(crate) async fn proceed(resources: &Resources, tx: &Tx, proved: &Proved<'_>) -> Result<Step, Error> {
    let &Proved { user, methods, has_factor, mfa, limits, change_due, carried, began, .. } = proved;
    match (Progress { methods, has_factor, mfa, change_due }).due() {
        None => open_session::open(resources, tx, user, methods, limits, carried, began).await.map(Step::Session),
        Some(due) => issue(resources, tx, proved, due).await.map(Step::Challenge),
    }
}

async fn issue(resources: &Resources, tx: &Tx, proved: &Proved<'_>, due: Due) -> Result<Issued, Error> {
    let token = OpaqueToken::new(challenge::PREFIX, resources.entropy.as_ref());
    let challenge = Challenge {
        user_id: proved.user.user_id,
        credential: credential(resources, proved.user, proved.password_hash),
        carried: proved.carried.clone(),
        methods: proved.methods,
        change_due: proved.change_due,
        factor_id: None,
        expires: proved.began.plus(challenge::LIFETIME),
    };
    challenges::insert(tx, &challenge, &token.digest()).await?;
    Ok(Issued { token, expires: challenge.expires, due, enrollment: None })
}

/// What was proved: the address and the stored password, recognisable only with the key outside the database.
///
/// A challenge ends when either changes, whoever changes it.
pub(crate) fn credential(resources: &Resources, user: &User, password_hash: &str) -> [u8; 32] {
    let id = user.user_id.as_uuid();
    resources.fingerprints.hash(&[b"challenge", id.as_bytes(), user.email.key().as_bytes(), password_hash.as_bytes()])
}
