//! Words by which accounts are found, folded.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE user_words (
        word {key} NOT NULL,
        user_id {uuid} NOT NULL CONSTRAINT user_words_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        CONSTRAINT user_words_pkey PRIMARY KEY (word, user_id)
    )",
    "CREATE INDEX user_words_user_idx ON user_words (user_id)",
];
