//! The built binary as the one who runs it meets it.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod program;
mod refused_starts;
mod starts;
