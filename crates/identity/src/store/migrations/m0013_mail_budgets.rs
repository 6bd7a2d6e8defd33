//! Mails that strangers caused; the address is a keyed hash, so that addresses nobody has are not kept.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE mail_budgets (
        address {bytes} NOT NULL CONSTRAINT mail_budgets_pkey PRIMARY KEY,
        sent {bytes} NOT NULL,
        updated bigint NOT NULL
    )",
    "CREATE INDEX mail_budgets_updated_idx ON mail_budgets (updated)",
];
