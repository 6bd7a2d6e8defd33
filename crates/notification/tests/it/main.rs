//! The notification context on real databases, with a real mail server and real peers on loopback.

#![expect(clippy::expect_used, reason = "a test that lacks what it needs fails there")]

mod accept;
mod deliver;
mod erased;
mod folder;
mod inbox;
mod lists;
mod notifications;
mod peers;
mod preferences;
mod retry;
mod secure;
mod sending;
mod suppressions;
mod tables;
mod templates;
mod unsubscribe;
mod watching;
mod world;
