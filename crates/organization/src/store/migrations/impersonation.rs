//! The audit log names as whom somebody acted.

pub(super) const UP: &[&str] = &["ALTER TABLE audit_events ADD COLUMN on_behalf_of_id {uuid}"];
