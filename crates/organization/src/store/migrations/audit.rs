//! The audit log: one index a filter, each in the order of the list.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE audit_events (
        event_id {uuid} NOT NULL CONSTRAINT audit_events_pkey PRIMARY KEY,
        topic text NOT NULL,
        actor_id {uuid},
        organization_id {uuid},
        target_id {uuid},
        request_id text NOT NULL,
        occurred bigint NOT NULL,
        details text NOT NULL
    )",
    "CREATE INDEX audit_events_occurred_idx ON audit_events (occurred, event_id)",
    "CREATE INDEX audit_events_organization_idx ON audit_events (organization_id, occurred, event_id)",
    "CREATE INDEX audit_events_organization_topic_idx ON audit_events (organization_id, topic, occurred, event_id)",
    "CREATE INDEX audit_events_topic_idx ON audit_events (topic, occurred, event_id)",
    "CREATE INDEX audit_events_actor_idx ON audit_events (actor_id, occurred, event_id)",
    "CREATE INDEX audit_events_target_idx ON audit_events (target_id, occurred, event_id)",
];
