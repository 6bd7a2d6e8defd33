//! One-time codes: drawn for a person as it is, and good only while it stays so.

use rolecall_authz::{Permit, RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::Fault;
use crate::domain::code::{Code, Purpose};
use crate::domain::user::{Membership, User, UserState};
use crate::store::{codes, users};

/// A code that is about to be stored, and its text.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The code.
    pub(crate) code: Code,
    /// Its text, for its reader alone.
    pub(crate) token: OpaqueToken,
}

impl Draft {
    /// Draws a code; `email` is where it will be mailed.
    pub(crate) fn new(
        resources: &Resources,
        user_id: UserId,
        purpose: Purpose,
        email: Option<EmailAddress>,
        membership: &Membership,
        now: Timestamp,
    ) -> Self {
        let roles = roles(resources, user_id, membership);
        let code = Code { user_id, purpose, email, roles, expires: now.plus(purpose.lifetime()) };
        Self { code, token: OpaqueToken::new(purpose.prefix(), resources.entropy.as_ref()) }
    }

    /// Stores the hash of the code and ends the older code; the row of the account is held by the caller.
    pub(crate) async fn store(&self, tx: &Tx, now: Timestamp) -> Result<(), StoreError> {
        codes::insert(tx, &self.code, &self.token.digest(), now).await
    }
}

/// A code that can be used now, and whose account it opens.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The code.
    pub(crate) code: Code,
    /// The account.
    pub(crate) user: User,
}

/// Finds a code that can be used now.
///
/// Organization tells of changed roles by an event, which ends the codes a moment later. Here it is asked, so that
/// a code made for somebody who was less never opens the account of somebody who is more.
pub(crate) async fn find(
    resources: &Resources,
    token: &OpaqueToken,
    purpose: Purpose,
) -> Result<Option<Opened>, Fault> {
    let reader = resources.db.reader();
    let Some(code) = codes::find_open(&reader, &token.digest(), purpose, resources.now()).await? else {
        return Ok(None);
    };
    let Some(user) = users::find(&reader, code.user_id).await?.filter(|user| user.state == UserState::Active) else {
        return Ok(None);
    };
    let membership = resources.organization.member(user.user_id).await?;
    let is_same = code.roles == roles(resources, user.user_id, &membership);
    Ok(is_same.then_some(Opened { code, user }))
}

/// What a code opened, once.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The account, held until the transaction ends.
    pub(crate) user: User,
    /// The right to change it: whoever has the code acts for its person.
    pub(crate) permit: Permit,
}

/// Uses a code up; none when the code, or the account, is no longer good for it.
pub(crate) async fn take(
    resources: &Resources,
    tx: &Tx,
    opened: &Opened,
    token: &OpaqueToken,
) -> Result<Option<Taken>, StoreError> {
    // The account first, as everybody does, so that nobody waits in a circle.
    let user = users::lock(tx, opened.user.user_id).await?.filter(|user| user.state == UserState::Active);
    if !codes::take(tx, &token.digest(), opened.code.purpose, resources.now()).await? {
        return Ok(None);
    }
    let Some(user) = user else { return Ok(None) };
    let subject = SubjectId::from(user.user_id);
    let permit = Scope::SelfOnly(subject).permit(RowFacts::of_subject(Some(user.organization_id), subject));
    Ok(permit.map(|permit| Taken { user, permit }))
}

/// Stores the account as the code leaves it.
pub(crate) async fn update(tx: &Tx, taken: &Taken, after: &User) -> Result<(), StoreError> {
    if users::update(tx, &taken.permit, after).await? { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Roles in a form to be compared: a keyed hash, so that the table of codes tells nothing of them.
fn roles(resources: &Resources, user_id: UserId, membership: &Membership) -> [u8; 32] {
    let mut names: Vec<&str> = membership.roles.iter().map(String::as_str).collect();
    names.sort_unstable();
    let user_id = user_id.as_uuid();
    let mut parts: Vec<&[u8]> = vec![b"roles of a code", user_id.as_bytes()];
    parts.extend(names.into_iter().map(str::as_bytes));
    resources.fingerprints.hash(&parts)
}
