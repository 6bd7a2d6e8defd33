//! Service accounts.

pub(super) const UP: &[&str] = &["CREATE TABLE service_accounts (
        service_account_id {uuid} NOT NULL CONSTRAINT service_accounts_pkey PRIMARY KEY,
        organization_id {uuid} CONSTRAINT service_accounts_organization_id_fkey REFERENCES organizations (organization_id),
        permissions text NOT NULL,
        created bigint NOT NULL
    )"];
