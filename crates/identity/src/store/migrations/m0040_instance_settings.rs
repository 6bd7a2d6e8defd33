//! How the installation presents itself: one row. A name that is NULL is as configured.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE instance_settings (
        id smallint NOT NULL CONSTRAINT instance_settings_pkey PRIMARY KEY
            CONSTRAINT instance_settings_one_check CHECK (id = 1),
        instance_id {uuid} NOT NULL,
        name text,
        welcome_text text NOT NULL DEFAULT '',
        organization_directory boolean NOT NULL DEFAULT true,
        version bigint NOT NULL DEFAULT 1,
        updated bigint
    )"];
