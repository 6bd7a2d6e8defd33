//! The test parts themselves, against a real client.

mod postgres;
mod smtp;
