//! Which template a notification is sent with; what was deleted is kept while something may still be sent with it.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE notifications ADD COLUMN template_id {uuid}",
    "ALTER TABLE notifications ADD COLUMN template_name text NOT NULL DEFAULT ''",
    "ALTER TABLE notifications ADD COLUMN template_version integer NOT NULL DEFAULT 0",
    "ALTER TABLE notifications ADD COLUMN data text NOT NULL DEFAULT ''",
    "ALTER TABLE notifications ADD COLUMN members_only boolean NOT NULL DEFAULT false",
    "CREATE INDEX notifications_template_idx ON notifications (template_id) WHERE template_id IS NOT NULL",
    "ALTER TABLE templates ADD COLUMN deleted bigint",
    "CREATE INDEX templates_deleted_idx ON templates (deleted) WHERE deleted IS NOT NULL",
];
