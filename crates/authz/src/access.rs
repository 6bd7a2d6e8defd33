//! What a subject may do, as the organization context tells it.

pub mod cache;
mod shard;

use std::sync::Arc;

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
}

/// Where a grant holds, relative to its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeKind {
    /// On rows about the holder itself.
    SelfOnly,
    /// In the holder's own organization.
    Own,
    /// In every organization.
    Any,
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
            revision: 1,
        }
    }

    #[test]
    fn the_widest_grant_of_a_permission_counts() {
        let grants = [("a.b.c", ScopeKind::SelfOnly), ("a.b.c", ScopeKind::Any), ("a.b.c", ScopeKind::Own)];
        assert_eq!(access(Some(1), &grants).widest("a.b.c"), Some(ScopeKind::Any));
        assert_eq!(access(Some(1), &grants[..1]).widest("a.b.c"), Some(ScopeKind::SelfOnly));
        assert_eq!(access(Some(1), &grants).widest("a.b"), None);
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
