//! Failed tries: counted in a transaction of their own before they are answered.
//!
//! A stranger's failures slow down strangers alone: whoever has a session, a device that is known or a mailed code is
//! counted apart.

use std::collections::BTreeMap;
use std::time::Duration;

use rolecall_db::{Connection, Error, Tx};
use rolecall_kernel::id::{RegistrationId, SessionId, SubjectId};
use rolecall_kernel::network::Network;
use rolecall_kernel::text::EmailAddress;

use super::Resources;
use crate::domain::event::{Event, LoginFailure};
use crate::domain::throttle::{Failures, Limit, Verdict};
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::login_failures::{self, Subject};

/// A try of somebody of whom nothing is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stranger<'a> {
    /// The address that it names.
    pub(crate) email: &'a EmailAddress,
    /// Where it comes from.
    pub(crate) network: Option<Network>,
    /// The hash of the password that it has to know; another password is another beginning.
    pub(crate) stored: Option<&'a str>,
}

/// Whose failures are counted.
#[derive(Debug, Clone)]
pub(crate) struct Counter<'a> {
    subjects: Vec<(Subject, Limit)>,
    user: Option<&'a User>,
}

impl<'a> Counter<'a> {
    /// The counters of a stranger: of the account or an address that nobody has, of that in the stranger's network, and
    /// of the network over all accounts.
    pub(crate) fn of_stranger(resources: &Resources, stranger: Stranger<'_>, user: Option<&'a User>) -> Self {
        let hash = |parts: &[&[u8]]| resources.fingerprints.hash(parts);
        let account = match user {
            Some(user) => account(resources, user),
            None => hash(&[b"login failures of", stranger.email.key().as_bytes()]),
        };
        let mut subjects = vec![(account, Limit::Locks)];
        if let Some(network) = stranger.network {
            let (from, stored) = (network.to_bytes(), stranger.stored.unwrap_or_default().as_bytes());
            subjects.push((hash(&[b"login failures from", &account, &from, stored]), Limit::Waits));
            subjects.push((of_network(resources, network), Limit::Network));
        }
        Self { subjects, user }
    }

    /// The counter of strangers who try the account of a person.
    pub(crate) fn of(resources: &Resources, user: &'a User) -> Self {
        Self { subjects: vec![(account(resources, user), Limit::Locks)], user: Some(user) }
    }

    /// The counter of a device that is known.
    pub(crate) fn of_device(resources: &Resources, user: &'a User, device: &[u8; 32]) -> Self {
        Self::single(resources, user, &[b"login failures of a device", device], Limit::Locks)
    }

    /// The counter of whoever has the code that was mailed to a person.
    pub(crate) fn of_login_code(resources: &Resources, user: &'a User, code: &[u8; 32]) -> Self {
        Self::single(resources, user, &[b"login failures with a code", code], Limit::Waits)
    }

    /// The counter of whoever has a session of a person.
    pub(crate) fn of_session(resources: &Resources, user: &'a User, session_id: SessionId) -> Self {
        let session = session_id.as_uuid();
        Self::single(resources, user, &[b"login failures in a session", session.as_bytes()], Limit::Waits)
    }

    /// The counter of a person's codes of one kind.
    pub(crate) fn of_codes(resources: &Resources, user: &'a User, kind: &[u8]) -> Self {
        Self::single(resources, user, &[kind, user.user_id.as_uuid().as_bytes()], Limit::Waits)
    }

    /// The counter of whoever has the code of a registration, and not the password.
    pub(crate) fn of_registration(resources: &Resources, id: RegistrationId) -> Self {
        let id = id.as_uuid();
        let key = resources.fingerprints.hash(&[b"failures of a registration", id.as_bytes()]);
        Self { subjects: vec![(key, Limit::Waits)], user: None }
    }

    fn single(resources: &Resources, user: &'a User, parts: &[&[u8]], limit: Limit) -> Self {
        Self { subjects: vec![(resources.fingerprints.hash(parts), limit)], user: Some(user) }
    }

    /// Counts a failure, unless it came before its time; commits before it returns how the next try stands.
    pub(crate) async fn count(&self, resources: &Resources, failure: LoginFailure) -> Result<Verdict, Error> {
        resources
            .db
            .write(|tx| async move {
                let now = resources.now();
                let before = login_failures::lock_or_insert(&tx, &self.keys(), now).await?;
                let verdict = self.judge(resources, &before);
                if verdict != Verdict::Open {
                    self.publish(resources, &tx, refused(verdict)).await?;
                    return Ok(verdict);
                }
                let after = self.add(resources, &tx, &before).await?;
                self.publish(resources, &tx, failure).await?;
                Ok(self.judge(resources, &after))
            })
            .await
    }

    /// Counts a failure of a try that [`may_try`](Self::may_try) let through, in the transaction that judged it.
    ///
    /// Returns how many there are in a row.
    pub(crate) async fn fail(&self, resources: &Resources, tx: &Tx, failure: LoginFailure) -> Result<i64, Error> {
        let before = login_failures::lock_or_insert(tx, &self.keys(), resources.now()).await?;
        let after = self.add(resources, tx, &before).await?;
        self.publish(resources, tx, failure).await?;
        Ok(after.values().map(|failures| failures.count).max().unwrap_or_default())
    }

    /// Judges what is right in the transaction of what it leads to.
    ///
    /// The counters are locked, so of many parallel guesses only as many count as one after the other would.
    pub(crate) async fn stand(&self, resources: &Resources, tx: &Tx) -> Result<Verdict, Error> {
        let verdict = self.judge(resources, &login_failures::lock(tx, &self.keys()).await?);
        if verdict != Verdict::Open {
            self.publish(resources, tx, refused(verdict)).await?;
        }
        Ok(verdict)
    }

    /// The same: `false` when it came before its time.
    pub(crate) async fn may_try(&self, resources: &Resources, tx: &Tx) -> Result<bool, Error> {
        Ok(self.stand(resources, tx).await? == Verdict::Open)
    }

    /// Does the same, and forgets the failures: nothing else is asked for.
    pub(crate) async fn pass(&self, resources: &Resources, tx: &Tx) -> Result<bool, Error> {
        let passed = self.may_try(resources, tx).await?;
        if passed {
            self.forget(tx).await?;
        }
        Ok(passed)
    }

    /// Forgets the failures of a person that proved itself.
    pub(crate) async fn forget(&self, tx: &Tx) -> Result<(), Error> {
        login_failures::delete(tx, self.own()).await
    }

    /// Returns what is forgotten then; a network fails for others too.
    pub(crate) fn own(&self) -> Vec<Subject> {
        self.subjects.iter().filter(|(_, limit)| *limit != Limit::Network).map(|(subject, _)| *subject).collect()
    }

    fn keys(&self) -> Vec<Subject> {
        self.subjects.iter().map(|(subject, _)| *subject).collect()
    }

    fn judge(&self, resources: &Resources, failures: &BTreeMap<Subject, Failures>) -> Verdict {
        let now = resources.now();
        let of = |subject| failures.get(subject).copied().unwrap_or(Failures::NONE);
        let verdicts = self.subjects.iter().map(|(subject, limit)| limit.judge(of(subject), now));
        verdicts.max().unwrap_or(Verdict::Open)
    }

    async fn add(
        &self,
        resources: &Resources,
        tx: &Tx,
        before: &BTreeMap<Subject, Failures>,
    ) -> Result<BTreeMap<Subject, Failures>, Error> {
        let (now, mut after) = (resources.now(), BTreeMap::new());
        for (subject, limit) in &self.subjects {
            let failures = before.get(subject).copied().unwrap_or(Failures::NONE);
            let failures = limit.after_failure(failures, now);
            login_failures::update(tx, subject, failures, now).await?;
            after.insert(*subject, failures);
        }
        Ok(after)
    }

    async fn publish(&self, resources: &Resources, tx: &Tx, failure: LoginFailure) -> Result<(), Error> {
        let target = self.user.map(|user| SubjectId::from(user.user_id));
        let organization = self.user.map(|user| user.organization_id);
        let happened = about(None, organization, target, resources.now(), Event::LoginFailed(failure));
        resources.publisher.append(tx, &happened).await
    }
}

fn account(resources: &Resources, user: &User) -> Subject {
    resources.fingerprints.hash(&[b"login failures", user.user_id.as_uuid().as_bytes()])
}

fn of_network(resources: &Resources, network: Network) -> Subject {
    resources.fingerprints.hash(&[b"login failures of a network", &network.to_bytes()])
}

const fn refused(verdict: Verdict) -> LoginFailure {
    match verdict {
        Verdict::Open | Verdict::Waits => LoginFailure::Throttled,
        Verdict::Locked => LoginFailure::Locked,
    }
}

/// Tells how long a network has to wait before anybody in it is looked at whom nobody knows; none when not at all.
pub(crate) async fn wait_of<C: Connection>(
    resources: &Resources,
    connection: &C,
    network: Option<Network>,
) -> Result<Option<Duration>, Error> {
    let Some(network) = network else { return Ok(None) };
    let failures = login_failures::find(connection, &of_network(resources, network)).await?;
    let now = resources.now();
    Ok((Limit::Network.judge(failures, now) != Verdict::Open).then(|| failures.next_allowed.since(now)))
}

/// Takes one single sign-on from what a network may begin, as many as it may fail to log in; otherwise returns how long
/// it has to wait. Commits before it returns.
pub(crate) async fn spend_on_sso(resources: &Resources, network: Option<Network>) -> Result<Option<Duration>, Error> {
    let Some(network) = network else { return Ok(None) };
    let key = &resources.fingerprints.hash(&[b"single sign-ons from", &network.to_bytes()]);
    resources
        .db
        .write(|tx| async move {
            let now = resources.now();
            let before = login_failures::lock_or_insert(&tx, &[*key], now).await?;
            let before = before.get(key).copied().unwrap_or(Failures::NONE);
            if Limit::Network.judge(before, now) != Verdict::Open {
                return Ok(Some(before.next_allowed.since(now)));
            }
            login_failures::update(&tx, key, Limit::Network.after_failure(before, now), now).await?;
            Ok(None)
        })
        .await
}
