//! The hash chains of the audit log: what is numbered is neither changed nor deleted any more.
//!
//! Entries without a number, those of before included, are chained by the job. An older version that still runs adds
//! entries as it always did.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE audit_events ADD COLUMN chain_id {uuid}",
    "ALTER TABLE audit_events ADD COLUMN sequence bigint",
    "ALTER TABLE audit_events ADD COLUMN hash {bytes}",
    "ALTER TABLE audit_events ADD COLUMN commitment {bytes}",
    "ALTER TABLE audit_events ADD COLUMN sealed_for {uuid}",
    "ALTER TABLE audit_events ADD COLUMN sealed {bytes}",
    "ALTER TABLE audit_events ADD COLUMN source_number bigint NOT NULL DEFAULT 0",
    "CREATE UNIQUE INDEX audit_events_chain_key ON audit_events (chain_id, sequence)",
    "CREATE INDEX audit_events_unchained_idx ON audit_events (occurred, event_id) WHERE sequence IS NULL",
    "CREATE INDEX audit_events_organization_actor_idx ON audit_events (organization_id, actor_id, occurred, event_id)",
    "CREATE INDEX audit_events_organization_target_idx ON audit_events (organization_id, target_id, occurred, event_id)",
    "CREATE TABLE audit_chains (
        chain_id {uuid} NOT NULL CONSTRAINT audit_chains_pkey PRIMARY KEY,
        head bigint NOT NULL,
        hash {bytes} NOT NULL,
        signed bigint NOT NULL,
        signed_at bigint NOT NULL
    )",
    "CREATE INDEX audit_chains_unsigned_idx ON audit_chains (signed_at, chain_id) WHERE head > signed",
    "CREATE TABLE audit_checkpoints (
        chain_id {uuid} NOT NULL,
        sequence bigint NOT NULL,
        hash {bytes} NOT NULL,
        signed_at bigint NOT NULL,
        public_key {bytes} NOT NULL,
        signature {bytes} NOT NULL,
        CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (chain_id, sequence)
    )",
    "CREATE TABLE audit_subject_keys (
        subject_id {uuid} NOT NULL CONSTRAINT audit_subject_keys_pkey PRIMARY KEY,
        sealed_key {bytes},
        erased bigint
    )",
    "CREATE TABLE audit_sources (
        source text NOT NULL CONSTRAINT audit_sources_pkey PRIMARY KEY,
        head bigint NOT NULL,
        delay bigint NOT NULL,
        taken bigint NOT NULL
    )",
    "CREATE TABLE audit_gaps (
        source text NOT NULL,
        number bigint NOT NULL,
        since bigint NOT NULL,
        CONSTRAINT audit_gaps_pkey PRIMARY KEY (source, number)
    )",
    "{sqlite}CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events WHEN OLD.sequence IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'entries of the audit log stay as they are'); END",
    "{sqlite}CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
        BEGIN SELECT RAISE(ABORT, 'entries of the audit log stay'); END",
    "{postgres}CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'entries of the audit log stay as they are'; END $$",
    "{postgres}CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
        FOR EACH ROW WHEN (OLD.sequence IS NOT NULL) EXECUTE FUNCTION audit_events_refuse()",
    "{postgres}CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()",
    "{postgres}CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()",
];
