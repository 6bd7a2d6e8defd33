//! Failed tries: counted in a transaction of their own before they are answered.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::text::EmailAddress;

use super::Resources;
use crate::domain::event::{Event, LoginFailure};
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::login_failures;

/// Whose failures are counted.
#[derive(Debug, Clone)]
pub(crate) struct Counter<'a> {
    key: [u8; 32],
    user: Option<&'a User>,
}

impl<'a> Counter<'a> {
    /// The counter of a person, or of an address that nobody has.
    pub(crate) fn new(resources: &Resources, email: &EmailAddress, user: Option<&'a User>) -> Self {
        let key = match user {
            Some(user) => resources.fingerprints.hash(&[b"login failures", user.user_id.as_uuid().as_bytes()]),
            None => resources.fingerprints.hash(&[b"login failures of", email.key().as_bytes()]),
        };
        Self { key, user }
    }

    /// The counter of a person.
    pub(crate) fn of(resources: &Resources, user: &'a User) -> Self {
        Self::new(resources, &user.email, Some(user))
    }

    /// The counter of a person's codes of one kind.
    pub(crate) fn of_codes(resources: &Resources, user: &'a User, kind: &[u8]) -> Self {
        Self { key: resources.fingerprints.hash(&[kind, user.user_id.as_uuid().as_bytes()]), user: Some(user) }
    }

    /// Counts a failure, unless it came before its time; commits before it returns.
    pub(crate) async fn count(&self, resources: &Resources, failure: LoginFailure) -> Result<(), Error> {
        resources
            .db
            .write(|tx| async move {
                let now = resources.now();
                let failures = login_failures::lock_or_insert(&tx, &self.key, now).await?;
                if !failures.may_try(now) {
                    return self.publish(resources, &tx, LoginFailure::Throttled).await;
                }
                login_failures::update(&tx, &self.key, failures.after_failure(now), now).await?;
                self.publish(resources, &tx, failure).await
            })
            .await
    }

    /// Counts a failure of a try that [`may_try`](Self::may_try) let through, in the transaction that judged it.
    ///
    /// Returns how many there are in a row.
    pub(crate) async fn fail(&self, resources: &Resources, tx: &Tx, failure: LoginFailure) -> Result<i64, Error> {
        let now = resources.now();
        let failures = login_failures::lock_or_insert(tx, &self.key, now).await?.after_failure(now);
        login_failures::update(tx, &self.key, failures, now).await?;
        self.publish(resources, tx, failure).await?;
        Ok(failures.count)
    }

    /// Judges what is right in the transaction of what it leads to: `false` when it came before its time.
    ///
    /// The counter is locked, so of many parallel guesses only as many count as one after the other would.
    pub(crate) async fn may_try(&self, resources: &Resources, tx: &Tx) -> Result<bool, Error> {
        if login_failures::lock(tx, &self.key).await?.may_try(resources.now()) {
            return Ok(true);
        }
        self.publish(resources, tx, LoginFailure::Throttled).await?;
        Ok(false)
    }

    /// Does the same, and forgets the failures: nothing else is asked for.
    pub(crate) async fn pass(&self, resources: &Resources, tx: &Tx) -> Result<bool, Error> {
        let passed = self.may_try(resources, tx).await?;
        if passed {
            self.forget(tx).await?;
        }
        Ok(passed)
    }

    /// Forgets the failures of a person that proved itself in another way.
    pub(crate) async fn forget(&self, tx: &Tx) -> Result<(), Error> {
        login_failures::delete(tx, &self.key).await
    }

    async fn publish(&self, resources: &Resources, tx: &Tx, failure: LoginFailure) -> Result<(), Error> {
        let target = self.user.map(|user| SubjectId::from(user.user_id));
        let organization = self.user.map(|user| user.organization_id);
        let happened = about(None, organization, target, resources.now(), Event::LoginFailed(failure));
        resources.publisher.append(tx, &happened).await
    }
}
