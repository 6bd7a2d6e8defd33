//! What changed elsewhere: streams and polls that keep this process's view of access, revocations and keys fresh.
//!
//! A stream that breaks is taken up again where it stopped. While it is silent, nothing that it feeds is believed:
//! that is decided in `authz`, by the heartbeats that arrive here.

mod access;
mod keys;
mod revocations;

use std::sync::Arc;
use std::time::Duration;

use rolecall_kernel::entropy::Entropy;
use tokio_util::sync::CancellationToken;

pub(crate) use access::{PeerAccess, follow_access};
pub(crate) use keys::{PeerKeys, follow_keys};
pub(crate) use revocations::{PeerSessions, follow_revocations};

/// A heartbeat comes every 500 ms; a stream that is silent for this long is given up.
const SILENCE: Duration = Duration::from_secs(2);

/// The pauses between tries: short, since calls are refused meanwhile.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a stream ended.
pub(crate) enum Ended {
    /// It brought messages before it broke or was ended.
    After(tonic::Status),
    /// It could not be begun.
    Never(tonic::Status),
}

/// Takes a stream up again whenever it ends, until the shutdown.
pub(crate) async fn keep_up<F, Fut>(
    name: &'static str,
    entropy: Arc<dyn Entropy>,
    shutdown: CancellationToken,
    mut run: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Ended>,
{
    let following = async {
        let mut pause = FIRST_PAUSE;
        loop {
            let status = match run().await {
                Ended::After(status) => {
                    pause = FIRST_PAUSE;
                    status
                }
                Ended::Never(status) => status,
            };
            tracing::debug!(stream = name, code = ?status.code(), message = status.message(), "a stream is taken up again");
            tokio::time::sleep(jitter(pause, entropy.as_ref())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(following).await;
}

/// Returns half to all of the pause, so that many processes do not come back at once.
fn jitter(pause: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [0];
    entropy.fill(&mut byte);
    pause / 2 + pause / 2 * u32::from(byte[0]) / 255
}

/// Waits for the next message of a stream, for as long as silence is believable.
pub(crate) async fn next<T>(stream: &mut tonic::Streaming<T>) -> Result<T, tonic::Status> {
    match tokio::time::timeout(SILENCE, stream.message()).await {
        Ok(Ok(Some(message))) => Ok(message),
        Ok(Ok(None)) => Err(tonic::Status::unavailable("the stream ended")),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(tonic::Status::unavailable("the stream was silent for too long")),
    }
}
