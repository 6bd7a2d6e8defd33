//! What people want to be told; who never said has no row.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE preferences (
        subject_id {uuid} NOT NULL CONSTRAINT preferences_pkey PRIMARY KEY,
        enabled boolean NOT NULL,
        muted text NOT NULL,
        locale text,
        digest smallint NOT NULL CONSTRAINT preferences_digest_check CHECK (digest IN (0, 1, 2)),
        time_zone text NOT NULL,
        quiet_start smallint,
        quiet_end smallint,
        version bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT preferences_quiet_check CHECK ((quiet_start IS NULL) = (quiet_end IS NULL))
    )"];
