//! The public keys of access tokens, asked of identity.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::token_service_client::TokenServiceClient;
use rolecall_api::identity::v1::{JsonWebKey, ListSigningKeysRequest};
use rolecall_authz::{AccessError, KeySet, KeySource, PublicKey};
use rolecall_rpc::channel::Channel;
use tokio_util::sync::CancellationToken;

/// How often the keys are asked for. That somebody stole one is told at once by the stream of revocations; where that
/// is silent, such a key is believed at most this long.
const INTERVAL: Duration = Duration::from_secs(5);

/// How soon a try that failed is repeated.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks identity, wherever it is.
pub(crate) struct PeerKeys(pub(crate) Channel);

impl PeerKeys {
    async fn json_web_keys(&self) -> Result<Vec<JsonWebKey>, tonic::Status> {
        let answer = TokenServiceClient::new(self.0.clone()).list_signing_keys(ListSigningKeysRequest {}).await?;
        Ok(answer.into_inner().keys)
    }
}

#[async_trait::async_trait]
impl KeySource for PeerKeys {
    async fn signing_keys(&self) -> Result<Vec<PublicKey>, AccessError> {
        let keys = self.json_web_keys().await.map_err(AccessError::unavailable)?;
        keys.iter().map(|key| PublicKey::from_jwk(&key.kid, &key.x).map_err(AccessError::unavailable)).collect()
    }
}

/// Keeps the set up to date until the shutdown; a key that is not known yet is also asked for at once, by the verifier.
pub(crate) async fn follow_keys(source: Arc<PeerKeys>, keys: Arc<KeySet>, shutdown: CancellationToken) {
    let following = async {
        loop {
            let pause = match source.signing_keys().await {
                Ok(current) => {
                    keys.replace(current);
                    INTERVAL
                }
                Err(error) => {
                    tracing::debug!(%error, "the signing keys could not be read");
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(following).await;
}
