//! Ended sessions, tokens and signing keys, as identity's stream tells of them.

use std::sync::{Arc, Mutex, PoisonError};

use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_api::identity::v1::revocation::Ended as What;
use rolecall_api::identity::v1::token_service_client::TokenServiceClient;
use rolecall_api::identity::v1::{CheckSessionRequest, Revocation, WatchRevocationsRequest};
use rolecall_authz::{AccessError, KeySet, RevocationSource, Revocations};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::channel::Channel;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::{Ended, keep_up, next};

/// Asks identity, wherever it is, while its stream is silent.
pub(crate) struct PeerSessions(pub(crate) Channel);

#[async_trait::async_trait]
impl RevocationSource for PeerSessions {
    async fn is_session_active(&self, session: SessionId) -> Result<bool, AccessError> {
        let request = CheckSessionRequest { session_id: session.to_string() };
        let answer = DirectoryServiceClient::new(self.0.clone()).check_session(request).await;
        answer.map(|answer| answer.into_inner().active).map_err(AccessError::unavailable)
    }
}

/// Follows the revocations until the shutdown.
pub(crate) async fn follow_revocations(
    channel: Channel,
    revocations: Revocations,
    keys: Arc<KeySet>,
    entropy: Arc<dyn Entropy>,
    shutdown: CancellationToken,
) {
    let follower = Follower { channel, revocations, keys, token: Mutex::default() };
    keep_up("revocations", entropy, shutdown, || follower.run()).await;
}

struct Follower {
    channel: Channel,
    revocations: Revocations,
    keys: Arc<KeySet>,
    token: Mutex<String>,
}

impl Follower {
    async fn run(&self) -> Ended {
        let request = WatchRevocationsRequest { resume_token: self.token() };
        let mut stream = match TokenServiceClient::new(self.channel.clone()).watch_revocations(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return Ended::Never(self.give_up(status)),
        };
        let mut heard = false;
        loop {
            match next(&mut stream).await {
                Ok(message) => {
                    heard = true;
                    if !message.revocations.iter().all(|revocation| self.take(revocation)) {
                        // One that cannot be read must not be passed over: without a heartbeat nothing is believed.
                        return Ended::Never(Status::internal("a revocation cannot be read"));
                    }
                    // One with revocations may be followed by more at once.
                    if message.revocations.is_empty() {
                        self.revocations.heartbeat();
                    }
                    self.set_token(message.resume_token);
                }
                Err(status) if heard => return Ended::After(self.give_up(status)),
                Err(status) => return Ended::Never(self.give_up(status)),
            }
        }
    }

    fn take(&self, revocation: &Revocation) -> bool {
        let time = |time: Option<prost_types::Timestamp>| time.map(from_wire);
        match &revocation.ended {
            Some(What::SessionId(id)) => {
                let (Ok(session), Some(until)) = (SessionId::parse(id), time(revocation.expire_time)) else {
                    return false;
                };
                self.revocations.revoke_session(session, until);
            }
            Some(What::SubjectId(id)) => {
                let (Ok(subject), Some(before)) = (SubjectId::parse(id), time(revocation.not_before)) else {
                    return false;
                };
                self.revocations.revoke_subject_before(subject, before);
            }
            // The keys that are good come from the verifier's question when the first token names one of them.
            Some(What::Kid(kid)) => self.keys.retire(kid),
            None => return false,
        }
        true
    }

    /// Without a token the stream begins with every revocation that can still matter.
    fn give_up(&self, status: Status) -> Status {
        if status.code() == Code::OutOfRange {
            self.set_token(String::new());
        }
        status
    }

    fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_token(&self, token: String) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

fn from_wire(time: prost_types::Timestamp) -> Timestamp {
    Timestamp::from_micros(time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos) / 1_000))
}
