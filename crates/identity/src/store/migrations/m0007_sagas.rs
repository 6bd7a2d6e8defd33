//! Work that spans contexts and is not finished; some of it needs to know who ordered it, and by which request.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE sagas (
        saga_id {uuid} NOT NULL CONSTRAINT sagas_pkey PRIMARY KEY,
        kind text NOT NULL,
        state text NOT NULL CONSTRAINT sagas_state_check CHECK (state IN ('STARTED', 'ABORTING', 'COMMITTED')),
        lease_until bigint NOT NULL,
        actor_id {uuid},
        request_id {uuid},
        fingerprint {bytes}
    )",
    "CREATE INDEX sagas_lease_until_idx ON sagas (lease_until)",
];
