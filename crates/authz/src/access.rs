//! What a subject may do, as the organization context tells it.

pub mod cache;
mod shard;

use std::sync::Arc;
use std::time::Duration;

use rolecall_kernel::id::{OrganizationId, SubjectId};
use serde::{Deserialize, Serialize};

/// What kind of account a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A person's account.
    User,
    /// A program's account.
    ServiceAccount,
    /// An anonymous visitor of one organization, without an account.
    Guest,
}

/// The permission to act as somebody else.
pub const IMPERSONATE: &str = "identity.users.impersonate";

/// The role that holds every right of its organization.
const OWNER: &str = "OWNER";

/// Where a grant holds, relative to its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeKind {
    /// On rows to which the holder stands in the relation that the permission's name states; who knows the relation
    /// judges it.
    Related,
    /// On rows about the holder itself.
    SelfOnly,
    /// In the holder's own organization.
    Own,
    /// In every organization.
    Any,
}

/// How long sessions last at the most; none leaves it to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Without a refresh.
    pub idle: Option<Duration>,
    /// After the login.
    pub absolute: Option<Duration>,
}

/// The rights of one subject, read at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectAccess {
    /// Whose rights these are.
    pub subject: SubjectId,
    /// What kind of account it is.
    pub kind: SubjectKind,
    /// The organization that it belongs to; `None` for a service account of the instance.
    pub organization_id: Option<OrganizationId>,
    /// Whether that organization is in operation; without meaning when there is none.
    pub organization_active: bool,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Whether it administers the instance.
    pub admin: bool,
    /// Whether it is blocked, or not yet or no longer an active member.
    pub blocked: bool,
    /// The permissions that it holds, and where.
    pub grants: Vec<(String, ScopeKind)>,
    /// How long its organization lets its sessions last.
    pub session_limits: SessionLimits,
    /// The head of the access changes when this was read: everything up to it is contained.
    ///
    /// It must be the head of the whole feed, not the subject's last change, or callers that name a
    /// revision of another change could never be satisfied.
    pub revision: i64,
}

impl SubjectAccess {
    /// Tells whether the subject may act at all: not blocked, and not of a suspended organization.
    pub fn is_active(&self) -> bool {
        !self.blocked && (self.organization_id.is_none() || self.organization_active)
    }

    /// Tells whether this person may act as the other one: whoever administers the instance as anybody who does not,
    /// others as those of their own organization who do not own it.
    ///
    /// Asked on each call under an impersonation, since both sides can change while it goes on.
    pub fn may_impersonate(&self, target: &Self) -> bool {
        let is_person = self.kind == SubjectKind::User && self.is_active();
        let is_another = self.subject != target.subject && target.kind != SubjectKind::ServiceAccount && !target.admin;
        let reaches = match self.widest(IMPERSONATE) {
            Some(ScopeKind::Any) => true,
            Some(ScopeKind::Own) => {
                let owns = target.roles.iter().any(|role| role == OWNER);
                self.organization_id == target.organization_id && !owns
            }
            Some(ScopeKind::SelfOnly | ScopeKind::Related) | None => false,
        };
        is_person && is_another && reaches
    }

    /// Returns where the subject holds the permission: the widest of its grants, `None` if nowhere.
    ///
    /// [`ScopeKind::Own`] is nowhere for a subject without an organization.
    pub fn widest(&self, permission: &str) -> Option<ScopeKind> {
        let held = self.grants.iter().filter(|(granted, _)| granted == permission).map(|(_, kind)| *kind);
        held.filter(|kind| *kind != ScopeKind::Own || self.organization_id.is_some()).max()
    }
}

/// The rights of a subject could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the access of a subject could not be read: {0}")]
pub struct AccessError(Arc<dyn std::error::Error + Send + Sync>);

impl AccessError {
    /// Wraps what went wrong; it is logged, never sent.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

/// Tells the rights of a subject: from the own tables, or by asking the organization context.
#[async_trait::async_trait]
pub trait AccessSource: Send + Sync {
    /// Returns the rights of the subject as they are now, `None` when there is no such subject.
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn access(organization: Option<u128>, grants: &[(&str, ScopeKind)]) -> SubjectAccess {
        SubjectAccess {
            subject: SubjectId::from_uuid(Uuid::from_u128(1)),
            kind: SubjectKind::User,
            organization_id: organization.map(|id| OrganizationId::from_uuid(Uuid::from_u128(id))),
            organization_active: true,
            roles: Vec::new(),
            admin: false,
            blocked: false,
            grants: grants.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
            session_limits: SessionLimits::default(),
            revision: 1,
        }
    }

    #[test]
    fn the_widest_grant_of_a_permission_counts() {
        let grants = [("a.b.c", ScopeKind::SelfOnly), ("a.b.c", ScopeKind::Any), ("a.b.c", ScopeKind::Own)];
        assert_eq!(access(Some(1), &grants).widest("a.b.c"), Some(ScopeKind::Any));
        assert_eq!(access(Some(1), &grants[..1]).widest("a.b.c"), Some(ScopeKind::SelfOnly));
        let related = [("a.b.c", ScopeKind::Related), ("a.b.c", ScopeKind::SelfOnly)];
        assert_eq!(access(Some(1), &related).widest("a.b.c"), Some(ScopeKind::SelfOnly));
        assert_eq!(access(Some(1), &related[..1]).widest("a.b.c"), Some(ScopeKind::Related));
        assert_eq!(access(Some(1), &grants).widest("a.b"), None);
    }

    #[test]
    fn an_administrator_acts_as_anybody_else_and_an_owner_as_its_own_who_do_not_own() {
        let kind =
            |kind| SubjectAccess { kind, subject: SubjectId::from_uuid(Uuid::from_u128(2)), ..access(Some(1), &[]) };
        let member = kind(SubjectKind::User);
        let owner = SubjectAccess { roles: vec!["GUEST".to_owned(), "OWNER".to_owned()], ..member.clone() };
        let elsewhere = SubjectAccess { organization_id: access(Some(2), &[]).organization_id, ..member.clone() };
        let targets = [
            (member.clone(), true, true),
            (kind(SubjectKind::Guest), true, true),
            (elsewhere, true, false),
            (owner, true, false),
            (SubjectAccess { admin: true, ..member.clone() }, false, false),
            (kind(SubjectKind::ServiceAccount), false, false),
            (access(Some(1), &[]), false, false),
        ];
        for (target, by_admin, by_owner) in targets {
            assert_eq!(
                access(Some(1), &[(IMPERSONATE, ScopeKind::Any)]).may_impersonate(&target),
                by_admin,
                "{target:?}"
            );
            assert_eq!(
                access(Some(1), &[(IMPERSONATE, ScopeKind::Own)]).may_impersonate(&target),
                by_owner,
                "{target:?}"
            );
            assert!(!access(Some(1), &[(IMPERSONATE, ScopeKind::SelfOnly)]).may_impersonate(&target), "{target:?}");
        }
        let holding = access(Some(1), &[(IMPERSONATE, ScopeKind::Any)]);
        for actor in [
            access(Some(1), &[]),
            SubjectAccess { blocked: true, ..holding.clone() },
            SubjectAccess { kind: SubjectKind::ServiceAccount, ..holding },
        ] {
            assert!(!actor.may_impersonate(&member), "{actor:?}");
        }
    }

    #[test]
    fn own_is_nowhere_without_an_organization() {
        let grants = [("a.b.c", ScopeKind::SelfOnly), ("a.b.c", ScopeKind::Own)];
        assert_eq!(access(None, &grants).widest("a.b.c"), Some(ScopeKind::SelfOnly));
        assert_eq!(access(None, &grants[1..]).widest("a.b.c"), None);
    }

    #[test]
    fn blocked_subjects_and_those_of_suspended_organizations_are_not_active() {
        assert!(access(Some(1), &[]).is_active());
        assert!(!SubjectAccess { blocked: true, ..access(Some(1), &[]) }.is_active());
        assert!(!SubjectAccess { organization_active: false, ..access(Some(1), &[]) }.is_active());
        assert!(SubjectAccess { organization_active: false, ..access(None, &[]) }.is_active());
    }
}
