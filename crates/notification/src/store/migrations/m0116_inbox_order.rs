//! In which order messages came to lie in inboxes; those that lie there already are told to nobody who watches.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE inbox_messages ADD COLUMN seq bigint",
    "UPDATE inbox_messages SET seq = 0 WHERE visible <= CAST({now} AS bigint) * 1000000",
    "CREATE INDEX inbox_messages_waiting_idx ON inbox_messages (visible, message_id) WHERE seq IS NULL",
    "CREATE INDEX inbox_messages_order_idx ON inbox_messages (recipient_id, seq)",
    "CREATE TABLE inbox_order (
        number smallint NOT NULL CONSTRAINT inbox_order_pkey PRIMARY KEY,
        head bigint NOT NULL
    )",
    "INSERT INTO inbox_order (number, head) VALUES (1, 0)",
];
