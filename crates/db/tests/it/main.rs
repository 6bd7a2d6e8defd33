//! Everything on SQLite and on PostgreSQL.

mod cancellation;
mod example;
mod feed;
mod idempotency;
mod inbox;
mod leases;
mod migrations;
mod relay;
mod transactions;
