//! Rate, errors and duration of calls, by method and code.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

/// The label of every method that is not on the list.
pub const OTHER: &str = "other";

/// Upper bounds of the histogram's buckets, in seconds: from a cached read to the longest unary call.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The instruments of one server; cheap to clone.
#[derive(Clone, Debug)]
pub struct RpcMetrics(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    calls: Counter<u64>,
    duration: Histogram<f64>,
    in_flight: UpDownCounter<i64>,
    labels: HashMap<String, KeyValue>,
}

impl RpcMetrics {
    /// Makes the instruments of the process; call it after [`init`](crate::init::init), or they measure nothing.
    ///
    /// `methods` are the only values that the label `rpc.method` takes beside [`OTHER`]: the path of a call comes from
    /// a stranger, who must not be able to fill the memory with labels.
    pub fn new(methods: impl IntoIterator<Item = String>) -> Self {
        Self::with_meter(&opentelemetry::global::meter("rolecall"), methods)
    }

    /// Makes the instruments of the given meter.
    pub fn with_meter(meter: &Meter, methods: impl IntoIterator<Item = String>) -> Self {
        let labels = methods.into_iter().map(|method| (method.clone(), KeyValue::new("rpc.method", method))).collect();
        let calls = meter.u64_counter("rpc.server.calls").with_description("Calls answered, by method and code.");
        let duration = meter
            .f64_histogram("rpc.server.duration")
            .with_description("Time from the head of a call to the end of its answer.")
            .with_unit("s")
            .with_boundaries(BUCKETS.to_vec());
        let in_flight = meter.i64_up_down_counter("rpc.server.in_flight").with_description("Calls being served.");
        Self(Arc::new(Instruments {
            calls: calls.build(),
            duration: duration.build(),
            in_flight: in_flight.build(),
            labels,
        }))
    }

    /// Returns the method's label: its own path when it is on the list, [`OTHER`] when not.
    pub fn label<'a>(&self, method: &'a str) -> &'a str {
        if self.0.labels.contains_key(method) { method } else { OTHER }
    }

    /// Notes that a call began.
    pub fn begin(&self) {
        self.0.in_flight.add(1, &[]);
    }

    /// Notes that a call ended with this code, such as `NOT_FOUND`, after this time.
    pub fn end(&self, method: &str, code: &'static str, took: Duration) {
        let method = self.0.labels.get(method).cloned().unwrap_or_else(|| KeyValue::new("rpc.method", OTHER));
        let both = [method, KeyValue::new("rpc.code", code)];
        self.0.in_flight.add(-1, &[]);
        self.0.calls.add(1, &both);
        self.0.duration.record(took.as_secs_f64(), &both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::metrics::MeterProvider as _;
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

    #[test]
    fn only_listed_methods_become_labels() {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let metrics = RpcMetrics::with_meter(&provider.meter("test"), ["/a.B/C".to_owned()]);
        for path in ["/a.B/C", "/evil/1", "/evil/2"] {
            metrics.begin();
            metrics.end(path, "OK", Duration::from_millis(3));
        }
        provider.force_flush().expect("flushes");
        let sent = format!("{:?}", exporter.get_finished_metrics().expect("exported"));
        for name in ["rpc.server.calls", "rpc.server.duration", "rpc.server.in_flight", "/a.B/C", OTHER] {
            assert!(sent.contains(name), "{name}");
        }
        assert!(!sent.contains("evil"));
    }
}
