//! The notification context on real databases, with a real mail server and real peers on loopback.

#![expect(clippy::expect_used, reason = "a test that lacks what it needs fails there")]

mod accept;
mod deliver;
mod folder;
mod lists;
mod peers;
mod retry;
mod secure;
mod world;
