//! The W3C trace context: in the headers of calls, and as text in stored events.
//!
//! Only `traceparent` is carried; `tracestate` and baggage of strangers are not taken over.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";
const HEADER: HeaderName = HeaderName::from_static(TRACEPARENT);

/// Returns the `traceparent` of the current span; `None` when nothing is traced.
pub fn current() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
    span.is_valid().then(|| format!("00-{trace}-{id}-{flags:02x}"))
}

/// Adds the `traceparent` of the current span to the headers of a call that is about to leave.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(value) = current().and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(HEADER, value);
    }
}

/// Makes `span` a child of the trace whose `traceparent` this is; a text that is none changes nothing.
pub fn continue_trace(span: &Span, traceparent: &str) {
    let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &One(traceparent));
    if context.span().span_context().is_valid() {
        // An error means that nobody traces, which is no reason to fail.
        let _ = span.set_parent(context);
    }
}

/// Makes `span` a child of the trace that the headers of an arrived call name.
pub fn continue_from_headers(span: &Span, headers: &HeaderMap) {
    if let Some(traceparent) = headers.get(HEADER).and_then(|value| value.to_str().ok()) {
        continue_trace(span, traceparent);
    }
}

/// The one header that is looked at.
struct One<'a>(&'a str);

impl Extractor for One<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traced<T>(run: impl FnOnce() -> T) -> T {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        tracing::subscriber::with_default(subscriber, run)
    }

    #[test]
    fn a_trace_goes_on_across_headers_and_stored_text() {
        traced(|| {
            let span = tracing::info_span!("call");
            let arrived = HeaderMap::from_iter([(HEADER, HeaderValue::from_static(PARENT))]);
            continue_from_headers(&span, &arrived);
            let _entered = span.enter();
            let stored = current().expect("traced");
            assert_eq!(stored[..35], PARENT[..35], "same trace");
            assert_ne!(stored, PARENT, "another span");
            let mut leaving = HeaderMap::new();
            inject(&mut leaving);
            assert_eq!(leaving.get(HEADER).and_then(|value| value.to_str().ok()), Some(stored.as_str()));
        });
    }

    #[test]
    fn a_malformed_parent_starts_a_trace_of_its_own() {
        traced(|| {
            for text in [
                "",
                "00-0-0-0",
                "zz",
                &PARENT.replace('4', "X"),
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            ] {
                let span = tracing::info_span!("call");
                continue_trace(&span, text);
                let _entered = span.enter();
                assert!(current().is_some_and(|parent| parent[..35] != PARENT[..35]));
            }
        });
    }

    #[test]
    fn without_tracing_nothing_is_sent() {
        let mut leaving = HeaderMap::new();
        inject(&mut leaving);
        assert!(leaving.is_empty());
    }
}
