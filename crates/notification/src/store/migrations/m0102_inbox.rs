//! Messages that people read here.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE inbox_messages (
        message_id {uuid} NOT NULL CONSTRAINT inbox_messages_pkey PRIMARY KEY,
        recipient_id {uuid} NOT NULL,
        notification_id {uuid},
        organization_id {uuid},
        sender_id {uuid} NOT NULL,
        category text NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        reply_to {uuid},
        visible bigint NOT NULL,
        expires bigint,
        read bigint
    )",
    "CREATE INDEX inbox_messages_recipient_idx ON inbox_messages (recipient_id, message_id)",
    "CREATE INDEX inbox_messages_unread_idx ON inbox_messages (recipient_id, message_id) WHERE read IS NULL",
    "CREATE INDEX inbox_messages_notification_idx ON inbox_messages (notification_id)",
    "CREATE INDEX inbox_messages_sender_idx ON inbox_messages (sender_id) WHERE reply_to IS NOT NULL",
    "CREATE INDEX inbox_messages_visible_idx ON inbox_messages (visible)",
];
