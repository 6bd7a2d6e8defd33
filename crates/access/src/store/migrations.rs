//! The steps of the schema, oldest first; they follow those of governance.

use rolecall_organization::ground::step;
use sea_orm_migration::MigrationTrait;

/// The name of this history of access: whoever makes it anew has another.
const EPOCH: &[&str] = &[
    "CREATE TABLE access_epoch (
        id smallint NOT NULL CONSTRAINT access_epoch_pkey PRIMARY KEY CONSTRAINT access_epoch_id_check CHECK (id = 1),
        epoch text NOT NULL
    )",
    "{sqlite}INSERT INTO access_epoch (id, epoch) VALUES (1, lower(hex(randomblob(8))))",
    "{postgres}INSERT INTO access_epoch (id, epoch) VALUES (1, substr(replace(gen_random_uuid()::text, '-', ''), 17))",
];

/// How far the replicas have come that answer from memory.
const REPLICAS: &[&str] = &[
    "CREATE TABLE access_replicas (
        replica_id {uuid} NOT NULL CONSTRAINT access_replicas_pkey PRIMARY KEY,
        revision bigint NOT NULL,
        seen bigint NOT NULL
    )",
    "CREATE INDEX access_replicas_seen_idx ON access_replicas (seen, revision)",
];

/// Returns all steps.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![step("organization_0110_access_epoch", EPOCH), step("organization_0111_access_replicas", REPLICAS)]
}
