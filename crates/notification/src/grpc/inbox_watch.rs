//! The stream of an inbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use rolecall_api::notification::v1::{WatchInboxRequest, WatchInboxResponse};
use rolecall_authz::{Standing, standing};
use rolecall_rpc::status::Violations;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Status};

use super::convert::inbox as wire;
use super::status::violations;
use crate::app::watch_inbox::{self, Place, Position};
use crate::context::Shared;
use crate::domain::message::InboxMessage;

/// How long the stream is silent at most.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is looked whether the session has ended, and for what nothing told of.
const POLL: Duration = Duration::from_millis(500);

/// The stream of an inbox as it goes over the wire.
pub(super) type Messages = BoxStream<'static, Result<WatchInboxResponse, Status>>;

/// Somebody who follows its inbox.
struct Follower {
    shared: Arc<Shared>,
    standing: Standing,
    /// What it was told up to.
    number: i64,
    /// What it is to be told next.
    waiting: VecDeque<(i64, InboxMessage)>,
    /// When the next heartbeat is due.
    due: Instant,
    _place: Place,
}

/// Begins to follow the inbox of whoever calls.
pub(super) async fn watch(shared: &Arc<Shared>, request: &Request<WatchInboxRequest>) -> Result<Messages, Status> {
    let standing = standing(request)?;
    let place = shared.watchers.enter(standing.caller().subject())?;
    let position = resume(shared, &standing, &request.get_ref().resume_token).await?;
    let follower = Follower {
        shared: Arc::clone(shared),
        standing,
        number: position.number,
        waiting: VecDeque::new(),
        due: Instant::now(),
        _place: place,
    };
    // The follower is gone once the stream has failed, and with it the stream and its place.
    let steps = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            Ok(message) => Some((Ok(message), Some(follower))),
            Err(status) => Some((Err(status), None)),
        }
    });
    Ok(steps.boxed())
}

/// What tokens are bound to.
fn binding(standing: &Standing) -> [String; 2] {
    ["notification.WatchInbox".to_owned(), standing.caller().subject().to_string()]
}

async fn resume(shared: &Shared, standing: &Standing, token: &str) -> Result<Position, Status> {
    let opened = shared.page_tokens.open(&binding(standing).each_ref().map(String::as_str), token);
    match opened {
        Ok(None) => Ok(watch_inbox::beginning(shared).await?),
        Ok(Some(bytes)) if let Some(position) = Position::parse(&bytes) => {
            watch_inbox::check(shared, position).await?;
            Ok(position)
        }
        Ok(Some(_)) | Err(_) => {
            let mut found = Violations::default();
            let what = "must be the resume_token of an earlier answer to the same person";
            found.push("resume_token", "RESUME_TOKEN_FOREIGN", what);
            Err(violations(found))
        }
    }
}

impl Follower {
    /// Waits for the next answer: a message, or a heartbeat.
    async fn next(&mut self) -> Result<WatchInboxResponse, Status> {
        let mut changes = self.shared.database.feed_changes();
        loop {
            // A stream outlives the check at its beginning, so it is checked again, whether or not there is news.
            let caller = self.standing.confirm().await.map_err(|refusal| refusal.into_status(None))?;
            if self.waiting.is_empty() {
                self.waiting = watch_inbox::step(&self.shared, caller.subject(), self.number).await?.into();
            }
            let now = Instant::now();
            if let Some((number, message)) = self.waiting.pop_front() {
                (self.number, self.due) = (number, now + HEARTBEAT);
                return Ok(self.answer(Some(&message)));
            }
            if now >= self.due {
                self.due = now + HEARTBEAT;
                watch_inbox::check(&self.shared, self.position()).await?;
                return Ok(self.answer(None));
            }
            // Woken when messages were numbered; what such news misses is polled for.
            let _ = timeout_at(self.due.min(now + POLL), changes.changed()).await;
        }
    }

    fn position(&self) -> Position {
        Position { number: self.number, told: self.shared.clock.now() }
    }

    fn answer(&self, message: Option<&InboxMessage>) -> WatchInboxResponse {
        let binding = binding(&self.standing);
        let binding = binding.each_ref().map(String::as_str);
        let position = self.position().to_bytes();
        let resume_token = self.shared.page_tokens.seal(&binding, &position, &*self.shared.entropy);
        WatchInboxResponse { message: message.map(wire::message), resume_token }
    }
}
