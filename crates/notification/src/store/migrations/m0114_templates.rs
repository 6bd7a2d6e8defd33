//! Templates of organizations, in all their versions.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE templates (
        template_id {uuid} NOT NULL CONSTRAINT templates_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        name text NOT NULL,
        version integer NOT NULL,
        created bigint NOT NULL,
        CONSTRAINT templates_name_key UNIQUE (organization_id, name)
    )",
    "CREATE INDEX templates_organization_idx ON templates (organization_id, template_id)",
    "CREATE TABLE template_versions (
        template_id {uuid} NOT NULL
            CONSTRAINT template_versions_template_id_fkey REFERENCES templates (template_id) ON DELETE CASCADE,
        version integer NOT NULL,
        content text NOT NULL,
        published bigint NOT NULL,
        CONSTRAINT template_versions_pkey PRIMARY KEY (template_id, version)
    )",
];
