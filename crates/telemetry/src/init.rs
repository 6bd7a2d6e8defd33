//! The subscriber, the exporters, and the guard that flushes them.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

use crate::config::{Config, Format, OtlpConfig};

/// Libraries that speak of every statement and frame; a filter that names one of them overrules this.
const QUIET: &str = "sqlx=warn,sea_orm=warn,sea_orm_migration=warn,h2=warn,hyper=warn,hyper_util=warn,tonic=warn,\
    tower=warn,tower_http=warn,rustls=warn,axum=warn,lettre=warn,opentelemetry=warn,opentelemetry_sdk=warn,\
    opentelemetry_otlp=warn";

/// How long the exporters may take to send what they hold when the process ends.
const FLUSH: Duration = Duration::from_secs(5);

/// Why logs and exporters could not be set up; the text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter cannot be read.
    #[error("telemetry.filter is not a filter such as `info,rolecall_identity=debug`: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The sample ratio is no part of a whole.
    #[error("telemetry.otlp.sample_ratio must be between 0 and 1")]
    SampleRatio,
    /// The collector's address or certificate cannot be used.
    #[error("telemetry.otlp.endpoint cannot be used: {0}")]
    Endpoint(#[from] tonic::transport::Error),
    /// The file of the certificate authority cannot be read.
    #[error("telemetry.otlp.ca_file cannot be read: {0}")]
    CaFile(#[from] std::io::Error),
    /// An exporter could not be made.
    #[error("the exporter cannot be made: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Holds the exporters; [`shutdown`](Self::shutdown) sends what they still hold.
#[derive(Debug, Default)]
#[must_use = "the exporters stop when the guard is dropped"]
pub struct Guard {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
}

impl Guard {
    /// Sends what is still held, for at most a few seconds.
    pub async fn shutdown(self) {
        // The exporters need the runtime while they are waited for, so the wait is not on its threads.
        let flushed = tokio::task::spawn_blocking(move || {
            let traces = self.tracer.map_or(Ok(()), |tracer| tracer.shutdown_with_timeout(FLUSH));
            let metrics = self.meter.map_or(Ok(()), |meter| meter.shutdown_with_timeout(FLUSH));
            traces.and(metrics)
        });
        if let Ok(Err(error)) = flushed.await {
            tracing::warn!(%error, "the last traces and metrics could not be sent");
        }
    }
}

/// Sets up logs, traces and metrics of the process; with an OTLP endpoint it must be called inside the runtime.
///
/// Once a process has a subscriber, a further call changes nothing and is no error, so that tests may call it at will.
pub fn init(config: &Config) -> Result<Guard, InitError> {
    let exporters = config.otlp.as_ref().map(Exporters::new).transpose()?;
    let subscriber = subscriber(config, exporters.as_ref().map(|one| &one.tracer), std::io::stderr)?;
    if subscriber.try_init().is_err() {
        return Ok(Guard::default());
    }
    let Some(Exporters { tracer, meter }) = exporters else {
        return Ok(Guard::default());
    };
    opentelemetry::global::set_meter_provider(meter.clone());
    Ok(Guard { tracer: Some(tracer), meter: Some(meter) })
}

/// Makes the subscriber; its lines go to `writer`.
fn subscriber<W>(
    config: &Config,
    tracer: Option<&SdkTracerProvider>,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, InitError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(format!("{QUIET},{}", config.filter))?;
    let lines = fmt::layer::<Registry>().with_writer(writer);
    let lines = match config.format {
        Format::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        Format::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
    };
    // Only our own spans are exported: those of the HTTP stack would trace the exporter's own calls.
    let spans = tracer.map(|tracer| {
        let ours = Targets::new().with_target("rolecall", Level::INFO);
        tracing_opentelemetry::layer().with_tracer(tracer.tracer("rolecall")).with_filter(ours)
    });
    Ok(Registry::default().with(lines.with_filter(filter)).with(spans))
}

struct Exporters {
    tracer: SdkTracerProvider,
    meter: SdkMeterProvider,
}

impl Exporters {
    fn new(config: &OtlpConfig) -> Result<Self, InitError> {
        if !(0.0..=1.0).contains(&config.sample_ratio) {
            return Err(InitError::SampleRatio);
        }
        let channel = connect(config)?;
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let spans = SpanExporter::builder().with_tonic().with_channel(channel.clone()).build()?;
        let tracer = SdkTracerProvider::builder()
            .with_batch_exporter(spans)
            // By the trace id alone, so that every service decides alike and a stranger's `sampled` flag decides nothing.
            .with_sampler(Sampler::TraceIdRatioBased(config.sample_ratio))
            .with_resource(resource.clone())
            .build();
        let numbers = MetricExporter::builder().with_tonic().with_channel(channel).build()?;
        let reader = PeriodicReader::builder(numbers).with_interval(config.metrics_interval).build();
        let meter = SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build();
        Ok(Self { tracer, meter })
    }
}

fn connect(config: &OtlpConfig) -> Result<Channel, InitError> {
    let endpoint = Endpoint::from_shared(config.endpoint.clone())?.connect_timeout(FLUSH).timeout(FLUSH);
    if !config.endpoint.starts_with("https://") {
        return Ok(endpoint.connect_lazy());
    }
    let tls = match &config.ca_file {
        Some(file) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(std::fs::read(file)?)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    Ok(endpoint.tls_config(tls)?.connect_lazy())
}

#[cfg(test)]
mod tests;
