//! Addresses that get no mail.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE suppressions (
        email_key text {collate} NOT NULL CONSTRAINT suppressions_pkey PRIMARY KEY,
        email text NOT NULL,
        reason text NOT NULL,
        detail text NOT NULL,
        actor_id {uuid},
        recipient_id {uuid},
        created bigint NOT NULL
    )",
    "CREATE INDEX suppressions_recipient_idx ON suppressions (recipient_id) WHERE recipient_id IS NOT NULL",
];
