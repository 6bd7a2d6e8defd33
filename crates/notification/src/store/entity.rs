//! Rows as `SeaORM` sees them.

pub(super) mod attempt;
pub(super) mod delivery;
pub(super) mod ended_subject;
pub(super) mod inbox_message;
pub(super) mod notification;
pub(super) mod preferences;
pub(super) mod suppression;
pub(super) mod template;
pub(super) mod template_version;
pub(super) mod writing;
