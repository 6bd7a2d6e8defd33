//! Questions, decisions, and what they are told in.

use rolecall_kernel::time::Timestamp;

use super::index::Key;
use super::snapshot::Resource;

/// Why a decision came out as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// A role of the subject holds the permission there.
    RoleHoldsPermission,
    /// The service account was given the permission there.
    PermissionGiven,
    /// The resource is the subject's own record.
    OwnRecord,
    /// The subject registered the dataset.
    Registrant,
    /// An asset policy in force names the subject.
    PolicyInForce,
    /// No such subject within what the asker may see.
    SubjectUnknown,
    /// No such resource within what the asker may see.
    ResourceUnknown,
    /// No such permission.
    PermissionUnknown,
    /// Something that is demanded is not given.
    Lacking(Demand),
}

impl Reason {
    /// Tells whether this reason allows.
    pub(crate) const fn allows(self) -> bool {
        match self {
            Self::RoleHoldsPermission
            | Self::PermissionGiven
            | Self::OwnRecord
            | Self::Registrant
            | Self::PolicyInForce => true,
            Self::SubjectUnknown | Self::ResourceUnknown | Self::PermissionUnknown | Self::Lacking(_) => false,
        }
    }
}

/// What gates and rules demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Demand {
    /// The organization of the subject is in operation.
    OrganizationOperates,
    /// The subject accepted its invitation.
    Active,
    /// No block is in force.
    NotBlocked,
    /// A role holds the permission, or the service account was given it.
    PermissionHeld,
    /// The resource lies in the subject's organization.
    SameOrganization,
    /// The resource is the subject's own record.
    OwnRecord,
    /// The subject registered the dataset.
    Registrant,
    /// An active asset policy covers the dataset.
    Policy,
    /// It names the subject.
    PolicyNamesSubject,
    /// It has begun.
    PolicyStarted,
    /// It has not ended.
    PolicyNotEnded,
    /// The organization of the dataset is in operation.
    ResourceOperates,
    /// A condition that this kind of resource cannot meet.
    Condition,
    /// The subject administers the instance.
    Administrator,
}

/// The fact behind a demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The organization of the subject or of the resource.
    Organization(Key),
    /// Where the subject and the resource belong.
    Organizations(Key, Key),
    /// The roles of the subject.
    Roles(Vec<String>),
    /// A block, until a time or for good.
    Block(Option<Timestamp>),
    /// Who registered the dataset.
    RegisteredBy(Key),
    /// A policy, and when it opens or ends.
    Policy(Key, Option<Timestamp>),
    /// The condition.
    Condition(&'static str),
    /// There is nothing to tell.
    None,
}

/// Who wants to do what.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) subject: Key,
    pub(crate) permission: String,
    pub(crate) resource: Resource,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) reason: Reason,
    /// Names of the roles that allow it.
    pub(crate) roles: Vec<String>,
    /// The permission by which it is allowed.
    pub(crate) rule: Option<Box<str>>,
    /// Whether an administrator is allowed it as such alone.
    pub(crate) only_as_administrator: bool,
}

impl Decision {
    pub(crate) const fn refused(reason: Reason) -> Self {
        Self { reason, roles: Vec::new(), rule: None, only_as_administrator: false }
    }
}
