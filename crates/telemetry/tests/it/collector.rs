//! A collector that keeps the names of what it gets.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// What came, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Got {
    pub(crate) spans: Vec<String>,
    pub(crate) metrics: Vec<String>,
    /// Who sent, once for each thing that came.
    pub(crate) services: Vec<String>,
}

/// A running collector.
pub(crate) struct Collector {
    port: u16,
    folder: TempDir,
    kept: Kept,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Got>>);

impl Kept {
    fn keep(&self, change: impl FnOnce(&mut Got)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Collector {
    /// Starts it on a free port, with a certificate for `localhost`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let made = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate can be made");
        let CertifiedKey { cert, signing_key } = made;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), cert.pem()).expect("written");
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(cert.pem(), signing_key.serialize_pem()));
        let kept = Kept::default();
        let server = Server::builder()
            .tls_config(tls)
            .expect("a certificate and its key")
            .add_service(TraceServiceServer::new(kept.clone()))
            .add_service(MetricsServiceServer::new(kept.clone()));
        #[expect(clippy::disallowed_methods, reason = "the collector lives as long as the test")]
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { port, folder, kept }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn got(&self) -> Got {
        self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn service(resource: Option<Resource>) -> String {
    let attributes = resource.unwrap_or_default().attributes;
    let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
    match name.and_then(|attribute| attribute.value?.value) {
        Some(Value::StringValue(name)) => name,
        _ => String::new(),
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for group in request.into_inner().resource_spans {
            self.keep(|got| {
                got.services.push(service(group.resource));
                let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
                got.spans.extend(spans.map(|span| span.name));
            });
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Kept {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        for group in request.into_inner().resource_metrics {
            self.keep(|got| {
                got.services.push(service(group.resource));
                let metrics = group.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
                got.metrics.extend(metrics.map(|metric| metric.name));
            });
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
