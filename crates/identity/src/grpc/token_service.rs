//! `rolecall.identity.v1.TokenService`.

mod introspect;
mod rotate;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::stream::{self, BoxStream, StreamExt as _};
use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::token_service_server::TokenService;
use rolecall_api::identity::v1::{
    ErrorReason, JsonWebKey, ListSigningKeysRequest, ListSigningKeysResponse, WatchRevocationsRequest,
    WatchRevocationsResponse,
};
use rolecall_authz::{Caller, PublicKey, Refusal, Scope, Standing, standing};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use super::convert::Fields;
use super::status::refuse;
use super::{Grpc, render};
use crate::app::fault::Fault;
use crate::app::signing_keys;
use crate::app::watch_revocations::{self, Step};
use crate::domain::revocation::Position;

/// How often the feed is read when nothing wakes the stream.
const POLL: Duration = Duration::from_millis(100);
/// How long the stream is silent at most, unless something waits to be told.
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
    async fn resume(&self, token: &str) -> Result<Position, Status> {
        if token.is_empty() {
            return Ok(watch_revocations::beginning(&self.resources).await.map_err(Fault::from)?);
        }
        let opened = URL_SAFE_NO_PAD.decode(token).ok().and_then(|sealed| self.resumes.open(STREAM, &sealed).ok());
        let position = opened.and_then(|bytes| Position::parse(&bytes));
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
        let sealed = self.resumes.seal(STREAM, &step.position.to_bytes(), self.resources.entropy.as_ref());
        WatchRevocationsResponse {
            revocations: step.revocations.iter().map(render::revocation).collect(),
            resume_token: URL_SAFE_NO_PAD.encode(sealed),
        }
    }
}

/// The stream tells of every organization, so it is for those who may see all of them.
fn demand_all(caller: &Caller) -> Result<(), Status> {
    if caller.scope(PERMISSION) == Scope::All {
        return Ok(());
    }
    Err(Refusal::PermissionMissing(vec![PERMISSION.into()]).into_status(None))
}

/// Somebody who follows the stream.
struct Follower {
    grpc: Grpc,
    standing: Standing,
    /// What was read up to.
    position: Position,
    /// When the next heartbeat is due.
    due: Instant,
}

impl Follower {
    /// Waits for the next message: revocations, or a heartbeat when none is missing.
    async fn next(&mut self) -> Result<WatchRevocationsResponse, Status> {
        let mut changes = self.grpc.resources.db.feed_changes();
        loop {
            let step = watch_revocations::step(&self.grpc.resources, self.position).await.map_err(Fault::from)?;
            let (now, has_news) = (Instant::now(), !step.revocations.is_empty());
            let is_due = now >= self.due;
            self.position = step.position;
            if has_news || is_due {
                self.check_right().await?;
            }
            let beats = is_due && step.is_complete && !has_news;
            if beats {
                self.due = now + HEARTBEAT;
            }
            if beats || has_news {
                return Ok(self.grpc.message(&step));
            }
            // Woken by this process's own changes; those of others are polled for.
            let look_again = if is_due { now + POLL } else { self.due.min(now + POLL) };
            let _ = timeout_at(look_again, changes.changed()).await;
        }
    }

    /// A stream outlives the check at its beginning, so it is checked again before each message.
    async fn check_right(&self) -> Result<(), Status> {
        let caller = self.standing.confirm().await.map_err(|refusal| refusal.into_status(None))?;
        demand_all(&caller)
    }
}

#[tonic::async_trait]
impl TokenService for Grpc {
    async fn list_signing_keys(
        &self,
        _: Request<ListSigningKeysRequest>,
    ) -> Result<Response<ListSigningKeysResponse>, Status> {
        let keys = signing_keys::list(&self.resources.db, self.resources.now()).await.map_err(Fault::from)?;
        Ok(Response::new(ListSigningKeysResponse { keys: keys.iter().map(key).collect() }))
    }

    async fn introspect_token(
        &self,
        request: Request<wire::IntrospectTokenRequest>,
    ) -> Result<Response<wire::IntrospectTokenResponse>, Status> {
        introspect::introspect_token(self, request).await
    }

    async fn rotate_signing_keys(
        &self,
        request: Request<wire::RotateSigningKeysRequest>,
    ) -> Result<Response<wire::RotateSigningKeysResponse>, Status> {
        rotate::rotate_signing_keys(self, request).await
    }

    type WatchRevocationsStream = BoxStream<'static, Result<WatchRevocationsResponse, Status>>;

    async fn watch_revocations(
        &self,
        request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let standing = standing(&request)?;
        demand_all(standing.caller())?;
        let start = self.resume(&request.into_inner().resume_token).await?;
        // The first heartbeat comes at once: from then on the follower is up to date.
        let follower = Follower { grpc: self.clone(), standing, position: start, due: Instant::now() };
        // The follower is gone once the stream has failed, and with it the stream.
        let steps = stream::unfold(Some(follower), |follower| async move {
            let mut follower = follower?;
            match follower.next().await {
                Ok(message) => Some((Ok(message), Some(follower))),
                Err(status) => Some((Err(status), None)),
            }
        });
        Ok(Response::new(steps.boxed()))
    }
}
