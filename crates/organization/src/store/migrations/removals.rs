//! Subjects that were removed, for as long as an addition of them could still be on its way.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE removed_subjects (
        subject_id {uuid} NOT NULL CONSTRAINT removed_subjects_pkey PRIMARY KEY,
        removed bigint NOT NULL
    )",
    "CREATE INDEX removed_subjects_removed_idx ON removed_subjects (removed)",
];
