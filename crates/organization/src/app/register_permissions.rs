//! Takes what permissions another backend has: all of one namespace at once.
//!
//! What is new belongs to owners with the commit; what ended is taken out of every composed role and service account in
//! the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::{ServiceAccountId, SubjectId};
use rolecall_kernel::text::Description;
use rolecall_kernel::time::Timestamp;

use super::change_role::{self, rehearse};
use super::{App, Told, settings_access};
use crate::domain::actor::{Subject, Who};
use crate::domain::event::{Origin, What};
use crate::domain::service_account::ServiceAccount;
use crate::store::{access, registered_permissions, roles, service_accounts, subjects};

const PERMISSION: &str = "organization.permissions.register";

/// The most permissions of all namespaces together.
const MAX_ALL: usize = 5_000;

/// What a namespace holds from now on.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) namespace: String,
    /// Names, each with what it allows.
    pub(crate) permissions: BTreeMap<String, Description>,
    /// Whom the namespace belongs to from now on.
    pub(crate) owner: Option<ServiceAccountId>,
    pub(crate) origin: Origin,
    pub(crate) repeat: Option<Repeat<Registered>>,
}

/// What a registration came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    /// From how many composed roles some were taken.
    pub(crate) roles: usize,
    /// From how many service accounts some were taken.
    pub(crate) service_accounts: usize,
    pub(crate) revision: i64,
}

/// Why nothing is registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The namespace belongs to another account.
    #[error("the namespace belongs to another account")]
    NotOwned,
    /// Only administrators say whom a namespace belongs to.
    #[error("only administrators name the owner of a namespace")]
    OwnerNotNameable,
    /// No service account of the instance has this id.
    #[error("no service account of the instance is that")]
    OwnerUnknown,
    /// The instance has no room for so many.
    #[error("the instance has no room for so many permissions")]
    LimitReached,
    /// What changes of roles run into as well.
    #[error(transparent)]
    Role(#[from] change_role::Error),
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        Self::Role(error.into())
    }
}

impl From<rolecall_db::once::RequestIdReused> for Error {
    fn from(error: rolecall_db::once::RequestIdReused) -> Self {
        Self::Role(error.into())
    }
}

/// Registers, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Registered>, Error> {
    let work = |tx| async move { register(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    settings_access::announce(app).await?;
    Ok(answer)
}

/// Checks what [`run`] would check, and tells what it would come to.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Registered, Error> {
    rehearse(app, |tx| async move { register(app, &tx, command).await }).await
}

async fn register(app: &App, tx: &Tx, command: &Command) -> Result<Registered, Error> {
    let (now, namespace) = (app.now(), command.namespace.as_str());
    let revision = access::advance(tx).await?;
    let actor = entitled(tx, &command.origin, now).await?;
    let before = registered_permissions::find_namespace(tx, namespace).await?;
    check_owner(tx, &actor, command, before.as_ref().and_then(|before| before.owner)).await?;
    let old: BTreeMap<String, String> = registered_permissions::list_of(tx, namespace).await?.into_iter().collect();
    let added: Vec<String> = command.permissions.keys().filter(|name| !old.contains_key(*name)).cloned().collect();
    let removed: BTreeSet<String> =
        old.keys().filter(|name| !command.permissions.contains_key(*name)).cloned().collect();
    let others = registered_permissions::count(tx).await? - old.len();
    if !added.is_empty() && others + command.permissions.len() > MAX_ALL {
        return Err(Error::LimitReached);
    }
    let owner = command.owner.or(before.as_ref().and_then(|before| before.owner));
    let is_same = before.is_some_and(|before| before.owner == owner)
        && old.len() == command.permissions.len()
        && command.permissions.iter().all(|(name, text)| old.get(name).is_some_and(|old| old == text.as_str()));
    let mut done = Registered { added, removed: Vec::new(), roles: 0, service_accounts: 0, revision };
    if is_same {
        return Ok(done);
    }
    registered_permissions::replace(tx, namespace, owner, &command.permissions, now).await?;
    let mut revision = revision;
    if !removed.is_empty() {
        done.roles = take_from_roles(app, tx, command, &removed, now).await?;
        done.service_accounts = take_from_accounts(app, tx, command, &removed, &mut revision).await?;
    }
    done.removed = removed.into_iter().collect();
    let (added, removed) = (done.added.clone(), done.removed.clone());
    let what = What::PermissionsRegistered { namespace: namespace.to_owned(), added, removed, owner };
    if !(done.added.is_empty() && done.removed.is_empty()) {
        access::record_everybody(tx, revision, what.topic(), now, &command.origin).await?;
    }
    app.tell(tx, &command.origin, None, now, what).await?;
    Ok(Registered { revision, ..done })
}

async fn entitled(tx: &Tx, origin: &Origin, now: Timestamp) -> Result<Subject, Error> {
    let lacking = || Error::Role(change_role::Error::NotEntitled);
    let actor = origin.actor.ok_or_else(lacking)?;
    let actor = subjects::find(tx, &Scope::All, actor).await?.ok_or_else(lacking)?;
    if actor.may_everywhere(PERMISSION, now) { Ok(actor) } else { Err(lacking()) }
}

/// A person that may register is an administrator, and registers everything; a program what belongs to it.
async fn check_owner(
    tx: &Tx,
    actor: &Subject,
    command: &Command,
    owner: Option<ServiceAccountId>,
) -> Result<(), Error> {
    let is_program = matches!(actor.who, Who::ServiceAccount(_));
    if is_program && command.owner.is_some_and(|named| Some(named) != owner) {
        return Err(Error::OwnerNotNameable);
    }
    if is_program && owner.map(SubjectId::from) != Some(actor.subject_id()) {
        return Err(Error::NotOwned);
    }
    let Some(named) = command.owner else { return Ok(()) };
    let account = service_accounts::find(tx, named).await?;
    if account.is_some_and(|account| account.organization_id.is_none()) { Ok(()) } else { Err(Error::OwnerUnknown) }
}

/// Takes permissions that ended out of composed roles, and returns out of how many.
async fn take_from_roles(
    app: &App,
    tx: &Tx,
    command: &Command,
    ended: &BTreeSet<String>,
    now: Timestamp,
) -> Result<usize, Error> {
    let changed = roles::list_holding(tx, ended).await?;
    for mut composed in changed.iter().cloned() {
        let removed: Vec<String> = composed.role.permissions.intersection(ended).cloned().collect();
        composed.role.permissions.retain(|name| !ended.contains(name));
        (composed.version, composed.updated) = (composed.version + 1, now);
        roles::update(tx, &composed).await?;
        let what = What::RoleUpdated { name: composed.role.name.to_string(), added: Vec::new(), removed };
        app.tell(tx, &command.origin, Some(composed.organization_id), now, what).await?;
    }
    Ok(changed.len())
}

/// Takes permissions that ended from service accounts, and returns from how many; each is a revision of its own.
async fn take_from_accounts(
    app: &App,
    tx: &Tx,
    command: &Command,
    ended: &BTreeSet<String>,
    revision: &mut i64,
) -> Result<usize, Error> {
    let mut count = 0;
    for account in service_accounts::list_all(tx).await? {
        let permissions: BTreeSet<String> = account.permissions.difference(ended).cloned().collect();
        if permissions.len() == account.permissions.len() {
            continue;
        }
        let (service_account_id, organization_id) = (account.service_account_id, account.organization_id);
        service_accounts::update(tx, &ServiceAccount { permissions: permissions.clone(), ..account }).await?;
        let what = What::ServiceAccountUpdated { service_account_id, permissions: permissions.into_iter().collect() };
        let subject_id = service_account_id.into();
        let told = Told { revision: *revision, subject_id, organization_id, occurred: app.now(), what };
        app.tell_change(tx, &command.origin, told).await?;
        *revision = access::advance(tx).await?;
        count += 1;
    }
    Ok(count)
}
