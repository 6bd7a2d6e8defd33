//! The stream of access changes: what changed, a heartbeat when nothing did.

use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Caller, Refusal, Scope, Standing};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Status;

use super::{Api, status};
use crate::app::watch_access_changes::{self, Next, Step};

const PERMISSION: &str = "organization.access.check";

/// A message arrives at least this often.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How often changes by other processes are looked for; those of this process wake the stream.
const POLL: Duration = Duration::from_millis(100);

/// A watcher, and how far it has been told.
struct Watcher {
    api: Arc<Api>,
    standing: Standing,
    scope: Scope,
    changed: watch::Receiver<()>,
    revision: i64,
    /// The first message comes at once, so that the watcher knows where it begins.
    begun: bool,
}

/// Begins after the resume token, or now.
pub(super) async fn begin(
    api: Arc<Api>,
    standing: Standing,
    resume_token: &str,
) -> Result<impl Stream<Item = Result<pb::WatchAccessChangesResponse, Status>> + Send + use<>, Status> {
    let opened = api.resume.open(&binding(standing.caller()), resume_token);
    let opened =
        opened.map_err(|_| status::invalid_field("resume_token", "FOREIGN", "must be one that you were sent"))?;
    let revision = match opened {
        None => watch_access_changes::head(&api.app).await.map_err(status::store)?,
        Some(bytes) => bytes.try_into().map(i64::from_be_bytes).map_err(|_| status::resume_token_expired())?,
    };
    let (changed, scope) = (api.app.changed.subscribe(), standing.caller().scope(PERMISSION));
    let watcher = Watcher { api, standing, scope, changed, revision, begun: false };
    // Whether the token is too old is told before the stream begins.
    watcher.look().await?;
    Ok(unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(message) => Some((Ok(message), Some(watcher))),
            Err(status) => Some((Err(status), None)),
        }
    }))
}

fn binding(caller: &Caller) -> [&'static str; 2] {
    // The subjects that a token's holder is told are bounded by its rights, not by the token.
    ["WatchAccessChanges", if caller.service().is_some() { "service" } else { "subject" }]
}

impl Watcher {
    /// Waits for the next change, or for the time of a heartbeat.
    async fn next(&mut self) -> Result<pb::WatchAccessChangesResponse, Status> {
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            self.changed.mark_unchanged();
            let step = self.look().await?;
            self.revision = step.revision;
            let is_first = !std::mem::replace(&mut self.begun, true);
            if is_first || !step.is_empty() || Instant::now() >= heartbeat {
                self.check_right().await?;
                return Ok(self.message(&step));
            }
            let look_again = heartbeat.min(Instant::now() + POLL);
            // Ends by a change or by the time; a sender that is gone changes nothing any more.
            if let Ok(Err(_)) = timeout_at(look_again, self.changed.changed()).await {
                sleep(POLL).await;
            }
        }
    }

    async fn look(&self) -> Result<Step, Status> {
        match watch_access_changes::after(&self.api.app, &self.scope, self.revision).await {
            Ok(Next::Step(step)) => Ok(step),
            Ok(Next::Gone) => Err(status::resume_token_expired()),
            Err(error) => Err(status::store(error)),
        }
    }

    /// A stream outlives the check at its beginning, so it is checked again before each message.
    async fn check_right(&self) -> Result<(), Status> {
        let caller = self.standing.confirm().await.map_err(|refusal| refusal.into_status(None))?;
        if caller.scope(PERMISSION) == self.scope {
            return Ok(());
        }
        Err(Refusal::PermissionMissing(vec![PERMISSION.into()]).into_status(None))
    }

    fn message(&self, step: &Step) -> pb::WatchAccessChangesResponse {
        let entropy = self.api.app.entropy.as_ref();
        let position = step.revision.to_be_bytes();
        let organizations = step.organizations.iter().map(ToString::to_string);
        pb::WatchAccessChangesResponse {
            subject_ids: step.subjects.iter().map(ToString::to_string).collect(),
            organization_ids: organizations.chain(step.everybody.then(|| "-".to_owned())).collect(),
            revision: step.revision.to_string(),
            resume_token: self.api.resume.seal(&binding(self.standing.caller()), &position, entropy),
        }
    }
}
