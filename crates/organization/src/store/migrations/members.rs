//! Members. The partial indexes are those of the guards: who can be the last in charge.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE members (
        user_id {uuid} NOT NULL CONSTRAINT members_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL CONSTRAINT members_organization_id_fkey REFERENCES organizations (organization_id),
        state text NOT NULL CONSTRAINT members_state_check CHECK (state IN ('HIDDEN', 'PENDING', 'ACTIVE')),
        roles text NOT NULL,
        is_owner boolean NOT NULL,
        is_admin boolean NOT NULL,
        block_reason text,
        blocked_since bigint,
        blocked_until bigint,
        blocked_by {uuid},
        added_by {uuid},
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT members_block_check CHECK ((block_reason IS NULL) = (blocked_since IS NULL)
            AND (block_reason IS NULL) = (blocked_by IS NULL))
    )",
    "CREATE INDEX members_created_idx ON members (created, user_id)",
    "CREATE INDEX members_organization_idx ON members (organization_id, created, user_id)",
    "CREATE INDEX members_owners_idx ON members (organization_id) WHERE is_owner",
    "CREATE INDEX members_admins_idx ON members (user_id) WHERE is_admin",
    "CREATE INDEX members_blocked_until_idx ON members (blocked_until) WHERE blocked_until IS NOT NULL",
];
