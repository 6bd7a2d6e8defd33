//! Templates of organizations, in versions; what is in them is `rolecall_templates`' business.

use rolecall_kernel::id::{OrganizationId, TemplateId};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::{Content, Name};

/// The most templates of an organization.
pub(crate) const MOST_TEMPLATES: u64 = 100;

/// The most versions of a template.
pub(crate) const MOST_VERSIONS: i32 = 100;

/// A template in one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnTemplate {
    pub(crate) template_id: TemplateId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: Name,
    pub(crate) version: i32,
    /// The latest version.
    pub(crate) latest: i32,
    pub(crate) content: Content,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// A template without its content.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) template_id: TemplateId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: Name,
    pub(crate) latest: i32,
    pub(crate) created: Timestamp,
}

/// Spells a version as callers give it back.
pub(crate) fn etag(latest: i32) -> String {
    format!("v{latest}")
}
