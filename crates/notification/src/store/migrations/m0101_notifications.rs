//! What somebody wanted people to be told, and what deliveries say of it.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE notifications (
        notification_id {uuid} NOT NULL CONSTRAINT notifications_pkey PRIMARY KEY,
        organization_id {uuid},
        sender_id {uuid} NOT NULL,
        category text NOT NULL,
        title text NOT NULL,
        recipient_count integer NOT NULL,
        created bigint NOT NULL,
        scheduled bigint,
        expires bigint,
        cancelled bigint
    )",
    "CREATE INDEX notifications_organization_idx ON notifications (organization_id, notification_id)",
    "CREATE INDEX notifications_created_idx ON notifications (created)",
    "ALTER TABLE deliveries ADD COLUMN category text NOT NULL DEFAULT 'security'",
    "ALTER TABLE deliveries ADD COLUMN suppressed text",
    "ALTER TABLE deliveries ADD COLUMN digest_due bigint",
    "CREATE INDEX deliveries_sent_idx ON deliveries (recipient_id, sent)",
    "CREATE INDEX deliveries_digest_idx ON deliveries (digest_due) WHERE digest_due IS NOT NULL",
];
