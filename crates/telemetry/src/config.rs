//! The `telemetry` section of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and where traces and metrics go.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How log lines are written.
    pub format: Format,
    /// Which lines are written, such as `info` or `info,rolecall_identity=debug`.
    pub filter: String,
    /// Where traces and metrics go; absent means nowhere.
    pub otlp: Option<OtlpConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self { format: Format::Text, filter: "info".to_owned(), otlp: None }
    }
}

/// A collector that speaks OTLP over gRPC.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpConfig {
    /// The collector's address, such as `http://localhost:4317`.
    pub endpoint: String,
    /// The certificate authority of the collector in PEM form; absent means those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The part of the traces that is kept, from 0 to 1.
    #[serde(default = "OtlpConfig::default_sample_ratio")]
    pub sample_ratio: f64,
    /// How often metrics are sent.
    #[serde(default = "OtlpConfig::default_metrics_interval", with = "humantime_serde")]
    pub metrics_interval: Duration,
    /// The name under which the process reports, `service.name`.
    #[serde(default = "OtlpConfig::default_service_name")]
    pub service_name: String,
}

impl OtlpConfig {
    fn default_sample_ratio() -> f64 {
        0.05
    }

    fn default_metrics_interval() -> Duration {
        Duration::from_secs(30)
    }

    fn default_service_name() -> String {
        "rolecall".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_enough_for_a_collector() {
        let config: Config = toml::from_str("[otlp]\nendpoint = 'http://localhost:4317'").expect("parses");
        let otlp = config.otlp.expect("given");
        assert_eq!((otlp.metrics_interval, otlp.service_name.as_str()), (Duration::from_secs(30), "rolecall"));
        assert_eq!(config.filter, "info");
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(toml::from_str::<Config>("level = 'info'").is_err());
    }
}
