//! Guests, which have one session each, and their refresh tokens, as their SHA-256.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE guests (
        guest_id {uuid} NOT NULL CONSTRAINT guests_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        began bigint NOT NULL,
        idle_expires bigint NOT NULL,
        absolute_expires bigint NOT NULL,
        ended bigint,
        end_reason text,
        actor_id {uuid},
        actor_session_id {uuid},
        read_only boolean NOT NULL DEFAULT false
    )",
    "CREATE INDEX guests_organization_idx ON guests (organization_id, idle_expires) WHERE ended IS NULL",
    "CREATE INDEX guests_absolute_expires_idx ON guests (absolute_expires)",
    "CREATE INDEX guests_actor_session_idx ON guests (actor_session_id) WHERE actor_session_id IS NOT NULL",
    "CREATE TABLE guest_refresh_tokens (
        token_hash {bytes} NOT NULL CONSTRAINT guest_refresh_tokens_pkey PRIMARY KEY,
        guest_id {uuid} NOT NULL
            CONSTRAINT guest_refresh_tokens_guest_fkey REFERENCES guests (guest_id) ON DELETE CASCADE,
        generation bigint NOT NULL,
        used_at bigint
    )",
    "CREATE INDEX guest_refresh_tokens_guest_idx ON guest_refresh_tokens (guest_id)",
];
