//! Tells what a subject may do, as of now.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use rolecall_authz::{AccessError, AccessSource, IMPERSONATE, Scope, ScopeKind, SubjectAccess, SubjectKind};
use rolecall_db::{Database, Error, Reader};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::{Clock, Timestamp};

use crate::domain::actor::{Grant, Subject, Who};
use crate::domain::permission::{Condition, Holding, Permission};
use crate::domain::role::Role;
use crate::domain::settings::SessionLimits;
use crate::store::{access, registered_permissions, settings, subjects};

/// A subject, and the revision at which it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) subject: Subject,
    pub(crate) revision: i64,
    pub(crate) now: Timestamp,
    /// Whether the owners of its organization may act as its members.
    pub(crate) owner_impersonation: bool,
    /// How long its sessions last at the most, when it is a person.
    pub(crate) session: SessionLimits,
    /// Permissions of other backends that the subject may hold.
    pub(crate) registered: Vec<String>,
}

/// Reads a subject and the revision of all access.
pub(crate) async fn read(database: &Database, clock: &dyn Clock, id: SubjectId) -> Result<Option<Snapshot>, Error> {
    let reader = database.reader();
    // Read first: what is read after it is at this revision or newer.
    let revision = access::head(&reader).await?.revision;
    let now = clock.now();
    let subject = subjects::find(&reader, &Scope::All, id).await?;
    let Some(subject) = subject else { return Ok(None) };
    let member_of = subject.organization_id().filter(|_| matches!(subject.who, Who::Member(_)));
    let stored = match member_of {
        Some(id) => settings::list_by_id(&reader, &[id]).await?.pop(),
        None => None,
    };
    let owns = subject.roles().contains(Role::Owner);
    let owner_impersonation = owns && stored.as_ref().is_some_and(|stored| stored.settings.owner_impersonation);
    let session = stored.map(|stored| stored.settings.session).unwrap_or_default();
    let registered = registered(&reader, &subject).await?;
    Ok(Some(Snapshot { subject, revision, now, owner_impersonation, session, registered }))
}

/// Owners hold all that other backends registered; whoever else what it was given by name.
async fn registered(reader: &Reader, subject: &Subject) -> Result<Vec<String>, Error> {
    if subject.roles().contains(Role::Owner) {
        let all = registered_permissions::list(reader).await?;
        return Ok(all.into_iter().map(|registered| registered.name).collect());
    }
    let is_foreign = |name: &&String| Permission::find(name).is_none();
    let given: BTreeSet<&String> = match &subject.who {
        Who::Member(member) => member.custom.iter().flat_map(|role| &role.permissions).filter(is_foreign).collect(),
        Who::ServiceAccount(account) => account.permissions.iter().filter(is_foreign).collect(),
        Who::Guest(_) => BTreeSet::new(),
    };
    Ok(given.into_iter().cloned().collect())
}

/// Tells the rights of subjects from the tables of this process; what the access cache asks.
#[derive(Clone)]
pub struct LocalAccess {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl LocalAccess {
    /// Makes the source over the database of the organization context.
    pub const fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }
}

impl fmt::Debug for LocalAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAccess").field("database", &self.database).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl AccessSource for LocalAccess {
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        let snapshot = read(&self.database, self.clock.as_ref(), subject).await.map_err(AccessError::unavailable)?;
        Ok(snapshot.as_ref().map(Snapshot::to_access))
    }
}

impl Snapshot {
    /// Lists what the subject holds without conditions, and the permission to act as others.
    ///
    /// Its condition is about both sides, which are looked at on each call ([`SubjectAccess::may_impersonate`]).
    pub(crate) fn grants(&self) -> Vec<Grant> {
        let roles = self.subject.roles();
        let holding = if roles.contains(Role::Admin) {
            Some(Holding::Any)
        } else {
            (roles.contains(Role::Owner) && self.owner_impersonation).then_some(Holding::Own)
        };
        let mut grants = self.subject.grants(&self.registered);
        grants.extend(holding.map(|holding| Grant { permission: IMPERSONATE.into(), holding }));
        grants.sort_unstable_by(|one, other| one.permission.cmp(&other.permission));
        grants
    }

    fn to_access(&self) -> SubjectAccess {
        let Self { subject, revision, now, session, .. } = self;
        SubjectAccess {
            subject: subject.subject_id(),
            kind: match &subject.who {
                Who::Member(_) => SubjectKind::User,
                Who::ServiceAccount(_) => SubjectKind::ServiceAccount,
                Who::Guest(_) => SubjectKind::Guest,
            },
            organization_id: subject.organization_id(),
            organization_active: !subject.organization_suspended,
            roles: subject.all_roles().names(),
            admin: subject.roles().contains(Role::Admin),
            blocked: !subject.can_act(*now),
            grants: self.grants().iter().filter_map(to_grant).collect(),
            session_limits: rolecall_authz::SessionLimits { idle: session.idle, absolute: session.absolute },
            revision: *revision,
        }
    }
}

fn to_grant(grant: &Grant) -> Option<(String, ScopeKind)> {
    let kind = match grant.holding {
        Holding::Any => ScopeKind::Any,
        Holding::Own => ScopeKind::Own,
        Holding::OnSelf => ScopeKind::SelfOnly,
        Holding::If(Condition::ImpersonationAllowed) => return None,
        Holding::If(_) => ScopeKind::Related,
    };
    Some((grant.permission.clone().into_owned(), kind))
}
