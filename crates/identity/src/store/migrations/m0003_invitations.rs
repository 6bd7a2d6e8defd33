//! Invitations; a claimed one holds the password hash until the account is active.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE invitations (
        invitation_id {uuid} NOT NULL CONSTRAINT invitations_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT invitations_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        organization_id {uuid} NOT NULL,
        inviter_id {uuid} NOT NULL,
        code_hash {bytes} NOT NULL CONSTRAINT invitations_code_hash_key UNIQUE,
        mailed boolean NOT NULL,
        state text NOT NULL CONSTRAINT invitations_state_check
            CHECK (state IN ('PENDING', 'CLAIMED', 'ACCEPTED', 'REPLACED', 'REVOKED', 'VOID')),
        created bigint NOT NULL,
        expires bigint NOT NULL,
        claimed_password_hash text,
        claimed_until bigint
    )",
    "CREATE INDEX invitations_user_idx ON invitations (user_id)",
    "CREATE INDEX invitations_claimed_idx ON invitations (claimed_until) WHERE state = 'CLAIMED'",
    "CREATE INDEX invitations_pending_idx ON invitations (organization_id, invitation_id) WHERE state = 'PENDING'",
];
