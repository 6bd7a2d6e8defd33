//! What the crate under test logs and traces, for those who look.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;

/// Lines of log, spans among them.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Begins to trace, and returns what is told from now on by all tests.
///
/// For the whole process: a subscriber of one thread is missed by spans that another thread looked at first.
pub(crate) fn observe() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    let begin = || {
        let log = Log::default();
        let tracer = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
        let tracer = opentelemetry::trace::TracerProvider::tracer(&tracer, "test");
        let spans = tracing_opentelemetry::layer().with_tracer(tracer);
        let lines = tracing_subscriber::fmt::layer().with_span_events(FmtSpan::FULL).with_ansi(false);
        let ours = Targets::new().with_target("rolecall_rpc", LevelFilter::TRACE);
        let lines = lines.with_writer(log.clone()).with_filter(ours);
        let subscriber = tracing_subscriber::registry().with(spans).with(lines);
        tracing::subscriber::set_global_default(subscriber).expect("the only one");
        log
    };
    LOG.get_or_init(begin).clone()
}

impl Log {
    /// All that was told.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
