//! Deliveries and their attempts.

/// Partial indexes hold only what is waiting, so they stay small however long the history.
pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE deliveries (
        delivery_id {uuid} NOT NULL CONSTRAINT deliveries_pkey PRIMARY KEY,
        event_id {uuid} NOT NULL,
        organization_id {uuid},
        recipient_id {uuid} NOT NULL,
        template text NOT NULL,
        template_version integer NOT NULL,
        email text NOT NULL,
        variables text NOT NULL,
        sealed_secret {bytes},
        has_secret boolean NOT NULL,
        state smallint NOT NULL CONSTRAINT deliveries_state_check CHECK (state IN (0, 1, 2, 3)),
        channel text NOT NULL,
        next_attempt bigint NOT NULL,
        lease {uuid},
        attempt_count integer NOT NULL,
        tries integer NOT NULL,
        queued bigint NOT NULL,
        expires bigint,
        created bigint NOT NULL,
        sent bigint,
        trace text,
        CONSTRAINT deliveries_event_key UNIQUE (event_id, template, recipient_id, email),
        CONSTRAINT deliveries_secret_check CHECK (state = 0 OR sealed_secret IS NULL)
    )",
    "CREATE INDEX deliveries_due_idx ON deliveries (next_attempt, delivery_id) WHERE state = 0",
    "CREATE INDEX deliveries_expires_idx ON deliveries (expires) WHERE state = 0 AND expires IS NOT NULL",
    "CREATE INDEX deliveries_finished_idx ON deliveries (created) WHERE state <> 0",
    "CREATE INDEX deliveries_organization_idx ON deliveries (organization_id, delivery_id)",
    "CREATE INDEX deliveries_organization_state_idx ON deliveries (organization_id, state, delivery_id)",
    "CREATE INDEX deliveries_recipient_idx ON deliveries (recipient_id, delivery_id)",
    "CREATE INDEX deliveries_state_idx ON deliveries (state, delivery_id)",
    "CREATE TABLE delivery_attempts (
        delivery_id {uuid} NOT NULL
            CONSTRAINT delivery_attempts_delivery_id_fkey REFERENCES deliveries (delivery_id) ON DELETE CASCADE,
        number integer NOT NULL,
        started bigint NOT NULL,
        outcome text,
        detail text NOT NULL,
        CONSTRAINT delivery_attempts_pkey PRIMARY KEY (delivery_id, number)
    )",
];
