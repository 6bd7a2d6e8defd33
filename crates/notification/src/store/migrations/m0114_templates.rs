//! Templates of organizations, in all their versions.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0114_templates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        let uuid = if is_postgres { "uuid" } else { "blob" };
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(&statement.replace("{uuid}", uuid)).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &[
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
