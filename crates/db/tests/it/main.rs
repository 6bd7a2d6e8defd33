//! Everything on SQLite and on PostgreSQL.

#![expect(clippy::expect_used, reason = "a test that lacks what it needs fails there")]

mod cancellation;
mod example;
mod feed;
mod idempotency;
mod inbox;
mod killed;
mod leases;
mod migrations;
mod nudges;
mod relay;
mod secrets;
mod transactions;
