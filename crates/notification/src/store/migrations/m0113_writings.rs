//! How often somebody wrote to somebody lately.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE writings (
        writing_id {uuid} NOT NULL CONSTRAINT writings_pkey PRIMARY KEY,
        sender_id {uuid} NOT NULL,
        recipient_id {uuid} NOT NULL,
        written bigint NOT NULL
    )",
    "CREATE INDEX writings_pair_idx ON writings (sender_id, recipient_id, written)",
    "CREATE INDEX writings_written_idx ON writings (written)",
];
