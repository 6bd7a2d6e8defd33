//! Accounts of programs; no organization means the whole instance.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE service_accounts (
        service_account_id {uuid} NOT NULL CONSTRAINT service_accounts_pkey PRIMARY KEY,
        organization_id {uuid},
        name text NOT NULL,
        permissions text NOT NULL,
        version bigint NOT NULL,
        created bigint NOT NULL
    )",
    "CREATE INDEX service_accounts_organization_idx ON service_accounts (organization_id, service_account_id)",
];
