//! Logs, traces and metrics, set up once from the configuration.
//!
//! | Module | Holds |
//! |---|---|
//! | [`config`] | the `telemetry` section of the configuration |
//! | [`init`](mod@init) | the subscriber, the exporters and the [`Guard`] that flushes them |
//! | [`context`] | the W3C trace context in headers and in stored events |
//! | [`red`] | rate, errors and duration of calls |
//! | [`redacted`] | a wrapper whose content is never printed |
//!
//! To add a metric: an instrument in `red.rs`, with labels from a closed list, since every new label value costs memory
//! in the process and in whatever stores the metrics.

pub mod config;
pub mod context;
pub mod init;
pub mod red;
pub mod redacted;

pub use config::{Config, Format, OtlpConfig};
pub use init::{Guard, InitError, init};
pub use redacted::Redacted;
