//! Of how many accounts of others organizations were told; a row an activation, for a day.

pub(super) const UP: &[&str] = &["CREATE TABLE beneficiary_disclosures (
        organization_id {uuid} NOT NULL CONSTRAINT beneficiary_disclosures_organization_fkey
            REFERENCES organizations (organization_id) ON DELETE CASCADE,
        revision bigint NOT NULL,
        told bigint NOT NULL,
        amount bigint NOT NULL,
        CONSTRAINT beneficiary_disclosures_pkey PRIMARY KEY (organization_id, revision)
    )"];
