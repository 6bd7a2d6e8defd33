//! Organizations whose making is under way: work that spans identity and organization.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE organization_creations (
        organization_id {uuid} NOT NULL CONSTRAINT organization_creations_pkey PRIMARY KEY
            CONSTRAINT organization_creations_organization_id_fkey REFERENCES organizations (organization_id),
        user_id {uuid} NOT NULL,
        actor_id {uuid} NOT NULL,
        request_id {uuid},
        fingerprint {bytes},
        call_id text,
        email text NOT NULL,
        full_name text NOT NULL,
        given_name text NOT NULL,
        family_name text NOT NULL,
        lease_until bigint NOT NULL,
        created bigint NOT NULL,
        CONSTRAINT organization_creations_request_key UNIQUE (actor_id, request_id)
    )",
    "CREATE INDEX organization_creations_lease_idx ON organization_creations (lease_until)",
];
