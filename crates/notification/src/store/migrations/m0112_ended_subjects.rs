//! Whose accounts are gone.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE ended_subjects (
        subject_id {uuid} NOT NULL CONSTRAINT ended_subjects_pkey PRIMARY KEY,
        erased boolean NOT NULL,
        ended bigint NOT NULL
    )"];
