//! Guests.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE guests (
        guest_id {uuid} NOT NULL CONSTRAINT guests_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL
            CONSTRAINT guests_organization_id_fkey REFERENCES organizations (organization_id),
        expires bigint NOT NULL
    )",
    "CREATE INDEX guests_organization_id_idx ON guests (organization_id)",
    "CREATE INDEX guests_expires_idx ON guests (expires)",
];
