//! The test parts themselves, against a real client.

#![expect(clippy::expect_used, reason = "a test that lacks what it needs fails there")]

mod postgres;
mod smtp;
