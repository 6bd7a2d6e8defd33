//! The stream of an export: a part is read when the one before it was taken, so that memory stays bounded.

use std::sync::Arc;

use futures::Stream;
use futures::stream::unfold;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Refusal, Scope, Standing};
use tonic::Status;

use super::{convert, render};
use crate::app::audit_log::export::{self, Part, Position};
use crate::app::audit_log::walk;
use crate::grpc::{Api, status};

struct Exporter {
    api: Arc<Api>,
    standing: Standing,
    /// All of the right to it, as it was at the beginning.
    held: Scope,
    /// The part of it that is exported.
    scope: Scope,
    organization_id: String,
    position: Position,
}

/// Begins after the resume token.
pub(super) async fn begin(
    api: Arc<Api>,
    standing: Standing,
    request: &pb::ExportAuditEventsRequest,
) -> Result<impl Stream<Item = Result<pb::ExportAuditEventsResponse, Status>> + Send + use<>, Status> {
    let caller = standing.caller();
    let (organization, position) = convert::export(&api, caller, request)?;
    let held = caller.scope(convert::PERMISSION);
    let scope = walk::narrow(&api.app, &held, organization).await.map_err(status::store)?;
    let scope = scope.ok_or_else(status::organization_not_found)?;
    convert::check_chain(&scope, "resume_token", position.chain)?;
    let organization_id = request.organization_id.clone();
    let exporter = Exporter { api, standing, held, scope, organization_id, position };
    Ok(unfold(Some(exporter), |exporter| async move {
        let mut exporter = exporter?;
        match exporter.next().await {
            Ok(Some(message)) => Some((Ok(message), Some(exporter))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    }))
}

impl Exporter {
    async fn next(&mut self) -> Result<Option<pb::ExportAuditEventsResponse>, Status> {
        let part = export::next(&self.api.app, &self.scope, self.position).await.map_err(status::store)?;
        let Some(part) = part else { return Ok(None) };
        self.check_right().await?;
        self.position = part.position;
        Ok(Some(self.message(part)))
    }

    /// A stream outlives the check at its beginning, so it is checked again before each message.
    async fn check_right(&self) -> Result<(), Status> {
        let caller = self.standing.confirm().await.map_err(|refusal| refusal.into_status(None))?;
        if caller.scope(convert::PERMISSION) == self.held {
            return Ok(());
        }
        Err(Refusal::PermissionMissing(vec![convert::PERMISSION.into()]).into_status(None))
    }

    fn message(&self, part: Part) -> pb::ExportAuditEventsResponse {
        pb::ExportAuditEventsResponse {
            audit_events: part.entries.into_iter().map(render::event).collect(),
            checkpoints: part.checkpoints.into_iter().map(render::checkpoint).collect(),
            resume_token: convert::resume_token(
                &self.api,
                self.standing.caller(),
                &self.organization_id,
                part.position,
            ),
        }
    }
}
