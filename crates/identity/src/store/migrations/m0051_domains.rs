//! Mail domains that organizations claim; a proven one belongs to one organization.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE domains (
        domain_id {uuid} NOT NULL CONSTRAINT domains_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        name {key} NOT NULL,
        token text NOT NULL,
        verified bigint,
        checked bigint,
        created bigint NOT NULL,
        CONSTRAINT domains_organization_key UNIQUE (organization_id, name)
    )",
    "CREATE UNIQUE INDEX domains_name_key ON domains (name) WHERE verified IS NOT NULL",
    "CREATE INDEX domains_list_idx ON domains (organization_id, domain_id)",
    "CREATE INDEX domains_checked_idx ON domains (checked) WHERE verified IS NOT NULL",
];
