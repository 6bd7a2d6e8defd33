//! The health of a server, for the health check of a container.

use clap::Args;
use serde_json::json;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, View};

/// Ask a server whether it serves (`grpc.health.v1`); exits with 5 when not
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rolecall health
  rolecall health --server https://localhost:50051 --ca-file certs/ca.pem --service liveness")]
pub struct Health {
    /// What to ask for: `liveness`, a service such as `rolecall.identity.v1.UserService`; everything when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    service: String,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

impl Health {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        let mut client = HealthClient::new(connection.channel());
        let status = client.check(HealthCheckRequest { service: self.service }).await?.into_inner().status();
        if status != ServingStatus::Serving {
            let status = status.as_str_name();
            return Err(Failure::Unreachable(format!("the server {} says {status}", connection.server())));
        }
        Ok(Answer::json(json!({ "status": "SERVING" }), View::Sentence("serving".to_owned())))
    }
}
