//! Access decisions as their callers see them, on both databases: real messages, the real codec, the real rules.
#![expect(clippy::expect_used, reason = "a test that cannot go on has to fail where it stands")]

mod access;
mod consistency;
mod data;
mod replicas;
mod stage;
mod worlds;
