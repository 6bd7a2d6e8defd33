//! `rolecall.identity.v1.TokenService`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::stream::{self, BoxStream, StreamExt as _};
use rolecall_api::identity::v1::token_service_server::TokenService;
use rolecall_api::identity::v1::{
    ErrorReason, JsonWebKey, ListSigningKeysRequest, ListSigningKeysResponse, WatchRevocationsRequest,
    WatchRevocationsResponse,
};
use rolecall_authz::{PublicKey, Refusal, Scope, caller};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use super::convert::Fields;
use super::status::refuse;
use super::{Grpc, render};
use crate::app::fault::Fault;
use crate::app::watch_revocations::{self, Step};
use crate::app::{Resources, signing_keys};

/// How often the feed is read when nothing wakes the stream.
const POLL: Duration = Duration::from_millis(100);
/// How long the stream is silent at most.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// What others than the services of the suite need to follow the stream.
const PERMISSION: &str = "identity.tokens.introspect";
/// What resume tokens are bound to.
const STREAM: &[u8] = b"TokenService/WatchRevocations";

fn key(key: &PublicKey) -> JsonWebKey {
    JsonWebKey {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        kid: key.kid().to_owned(),
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
        x: key.x(),
    }
}

impl Grpc {
    async fn resume(&self, token: &str) -> Result<i64, Status> {
        if token.is_empty() {
            return Ok(watch_revocations::beginning(&self.resources).await.map_err(Fault::from)?);
        }
        let opened = URL_SAFE_NO_PAD.decode(token).ok().and_then(|sealed| self.resumes.open(STREAM, &sealed).ok());
        let position = opened.and_then(|bytes| Some(i64::from_be_bytes(bytes.as_slice().try_into().ok()?)));
        let mut fields = Fields::default();
        if position.is_none() {
            fields.violate("resume_token", "RESUME_TOKEN_FOREIGN", "must be the resume_token of an earlier message");
        }
        let position = fields.finish(position)?;
        if watch_revocations::is_kept(&self.resources, position).await.map_err(Fault::from)? {
            Ok(position)
        } else {
            Err(refuse(ErrorReason::ResumeTokenExpired))
        }
    }

    fn message(&self, step: &Step) -> WatchRevocationsResponse {
        let sealed = self.resumes.seal(STREAM, &step.position.to_be_bytes(), self.resources.entropy.as_ref());
        WatchRevocationsResponse {
            revocations: step.revocations.iter().map(render::revocation).collect(),
            resume_token: URL_SAFE_NO_PAD.encode(sealed),
        }
    }
}

/// Waits for revocations after a position, at most until the next heartbeat is due.
async fn next(resources: &Resources, after: i64) -> Result<Step, Fault> {
    let due = Instant::now() + HEARTBEAT;
    let mut changes = resources.db.feed_changes();
    loop {
        let step = watch_revocations::step(resources, after).await?;
        let now = Instant::now();
        if !step.revocations.is_empty() || step.position != after || now >= due {
            return Ok(step);
        }
        // Woken by this process's own changes; those of others are polled for.
        let _ = timeout_at(due.min(now + POLL), changes.changed()).await;
    }
}

#[tonic::async_trait]
impl TokenService for Grpc {
    async fn list_signing_keys(
        &self,
        _: Request<ListSigningKeysRequest>,
    ) -> Result<Response<ListSigningKeysResponse>, Status> {
        let keys = signing_keys::list(&self.resources.db, self.resources.now()).await.map_err(|error| match error {
            signing_keys::SigningKeyError::Store(error) => Fault::from(error),
            signing_keys::SigningKeyError::WrongMasterKey | signing_keys::SigningKeyError::Malformed => {
                Fault::Defect("a stored signing key is not usable")
            }
        })?;
        Ok(Response::new(ListSigningKeysResponse { keys: keys.iter().map(key).collect() }))
    }

    type WatchRevocationsStream = BoxStream<'static, Result<WatchRevocationsResponse, Status>>;

    async fn watch_revocations(
        &self,
        request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        // The stream tells of every organization, so it is for those who may see all of them.
        if caller(&request)?.scope(PERMISSION) != Scope::All {
            return Err(Refusal::PermissionMissing(vec![PERMISSION.into()]).into_status(None));
        }
        let start = self.resume(&request.into_inner().resume_token).await?;
        let grpc = Arc::new(self.clone());
        // The position is gone once the stream has failed, and with it the stream.
        let steps = stream::unfold(Some(start), move |position| {
            let grpc = Arc::clone(&grpc);
            async move {
                match next(&grpc.resources, position?).await {
                    Ok(step) => Some((Ok(grpc.message(&step)), Some(step.position))),
                    Err(fault) => Some((Err(fault.into_status()), None)),
                }
            }
        });
        Ok(Response::new(steps.boxed()))
    }
}
