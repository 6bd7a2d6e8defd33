//! Traces and metrics against a collector that speaks OTLP over gRPC and TLS.

#![expect(clippy::expect_used, reason = "a test that lacks what it needs fails there")]

mod collector;

use std::time::Duration;

use rolecall_telemetry::init::init;
use rolecall_telemetry::red::RpcMetrics;
use rolecall_telemetry::{Config, OtlpConfig};

use collector::Collector;

const METHOD: &str = "/rolecall.identity.v1.UserService/GetUser";

/// ASVS: V12.3.2
#[tokio::test(flavor = "multi_thread")]
async fn asvs_v12_3_1_a_collector_gets_spans_and_metrics_under_tls_before_the_process_ends() {
    let collector = Collector::start().await;
    let otlp = OtlpConfig {
        endpoint: collector.endpoint(),
        ca_file: Some(collector.authority()),
        sample_ratio: 1.0,
        // Longer than the test: what arrives was sent at the end.
        metrics_interval: Duration::from_hours(1),
        service_name: "rolecall-of-a-test".to_owned(),
    };
    let guard = init(&Config { otlp: Some(otlp), ..Config::default() }).expect("set up");
    let metrics = RpcMetrics::new([METHOD.to_owned()]);
    tracing::info_span!(target: "rolecall", "rpc", otel.name = METHOD).in_scope(|| {
        metrics.begin();
        metrics.end(METHOD, "OK", Duration::from_millis(3));
    });
    tracing::info_span!(target: "h2", "frame").in_scope(|| ());
    guard.shutdown().await;
    let got = collector.got();
    assert_eq!(got.spans, [METHOD], "our own spans, and no others");
    assert!(got.services.iter().all(|name| name == "rolecall-of-a-test") && got.services.len() >= 2, "{got:?}");
    for name in ["rpc.server.calls", "rpc.server.duration", "rpc.server.in_flight"] {
        assert!(got.metrics.iter().any(|metric| metric == name), "{name}: {got:?}");
    }
}
