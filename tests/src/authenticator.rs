//! An authenticator app on the real clock (RFC 6238).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rolecall_api::identity::v1::TotpEnrollment;
use sha1::Sha1;

const STEP: u64 = 30;

/// An app that holds one secret.
#[derive(Debug, Clone)]
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Takes the secret as a person would type it.
    pub fn new(enrollment: &TotpEnrollment) -> Self {
        Self::of_secret(&enrollment.secret)
    }

    /// Takes the secret as it is shown.
    pub fn of_secret(secret: &str) -> Self {
        Self(BASE32_NOPAD.decode(secret.as_bytes()).expect("Base32"))
    }

    /// What the app showed a step ago, which is still accepted and leaves the code of now for the next login.
    pub async fn previous_code(&self) -> String {
        self.code(steady_step().await - 1)
    }

    /// What the app shows now.
    pub async fn code_of_now(&self) -> String {
        self.code(steady_step().await)
    }

    fn code(&self, step: u64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 15);
        let word: [u8; 4] = digest[offset..offset + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }
}

/// The step of now, with time left in it for the code to arrive.
async fn steady_step() -> u64 {
    loop {
        #[expect(clippy::disallowed_methods, reason = "the app of a person looks at the real clock")]
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        if seconds % STEP < STEP - 5 {
            return seconds / STEP;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
