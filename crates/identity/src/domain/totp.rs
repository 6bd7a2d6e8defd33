//! Time-based one-time passwords (RFC 6238 over RFC 4226: SHA-1, 6 digits, 30 seconds).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::time::Timestamp;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
const STEP_SECONDS: i64 = 30;
/// 160 bits, as RFC 4226 recommends (section 4, R6).
const SECRET_BYTES: usize = 20;

/// What an authenticator app and the server share.
#[derive(Clone)]
pub(crate) struct TotpSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl TotpSecret {
    /// Makes a new secret.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        entropy.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Takes a secret that was stored.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Returns the bytes, to be sealed.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Spells the secret for those who type it.
    pub(crate) fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(self.as_bytes()))
    }

    /// Spells what an app needs as the URI that apps read from QR codes.
    pub(crate) fn to_uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let (issuer, account, secret) = (escaped(issuer), escaped(account), self.to_base32());
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            *secret
        ))
    }

    /// Finds the step that a code is of: the one of now or the one before, and later than the last that was used.
    pub(crate) fn step_of(&self, code: TotpCode, now: Timestamp, last_used: i64) -> Option<i64> {
        let current = now.as_seconds().div_euclid(STEP_SECONDS);
        // Both are always compared, so that time does not tell which of them it was.
        let matches = [current, current - 1].map(|step| bool::from(self.code_of(step).0.ct_eq(&code.0)));
        let steps = [current, current - 1].into_iter().zip(matches);
        steps.filter(|(step, matches)| *matches && *step > last_used).map(|(step, _)| step).next()
    }

    fn code_of(&self, step: i64) -> TotpCode {
        TotpCode(hotp(self.as_bytes(), step.unsigned_abs()) % MODULUS)
    }

    /// What an app shows at a time; for tests.
    #[cfg(test)]
    pub(crate) fn shown_at(&self, now: Timestamp) -> TotpCode {
        self.code_of(now.as_seconds().div_euclid(STEP_SECONDS))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(redacted)")
    }
}

/// The six digits that an app shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TotpCode(u32);

impl TotpCode {
    /// Reads six digits; apps show them in two groups, so spaces do not count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != ' ').take(DIGITS + 1).collect();
        let is_code = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_code { digits.parse().ok().map(Self) } else { None }
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode(redacted)")
    }
}

/// The truncated HMAC of RFC 4226, section 5.3, before it is cut to digits.
fn hotp(key: &[u8], counter: u64) -> u32 {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any key length");
    mac.update(&counter.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let word = [digest[offset] & 0x7f, digest[offset + 1], digest[offset + 2], digest[offset + 3]];
    u32::from_be_bytes(word)
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const RFC_KEY: &[u8; SECRET_BYTES] = b"12345678901234567890";

    fn rfc_secret() -> TotpSecret {
        TotpSecret::from_bytes(RFC_KEY).expect("20 bytes")
    }

    #[test]
    fn the_values_of_rfc_4226_appendix_d_are_computed() {
        let truncated = [
            0x4c93_cf18,
            0x4139_7eea,
            0x082f_ef30,
            0x66ef_7655,
            0x61c5_938a,
            0x33c0_83d4,
            0x7256_c032,
            0x04e5_b397,
            0x2823_443f,
            0x2679_dc69,
        ];
        let digits = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (counter, (truncated, digits)) in (0..).zip(truncated.into_iter().zip(digits)) {
            assert_eq!(hotp(RFC_KEY, counter), truncated, "{counter}");
            assert_eq!(hotp(RFC_KEY, counter) % MODULUS, digits, "{counter}");
        }
    }

    /// ASVS: V11.4.1
    #[test]
    fn asvs_v6_5_5_the_values_of_rfc_6238_appendix_b_are_computed() {
        for (seconds, eight_digits) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let step = u64::try_from(seconds / STEP_SECONDS).expect("positive");
            assert_eq!(hotp(RFC_KEY, step) % 100_000_000, eight_digits, "{seconds}");
            let code = TotpCode(eight_digits % MODULUS);
            assert_eq!(rfc_secret().shown_at(Timestamp::from_seconds(seconds)), code);
        }
    }

    #[test]
    fn asvs_v6_5_5_a_code_is_accepted_in_its_step_and_the_next_and_never_before_or_after() {
        let secret = TotpSecret::new(&SystemEntropy);
        let shown = Timestamp::from_seconds(1_000_020);
        let (code, step) = (secret.shown_at(shown), 1_000_020 / STEP_SECONDS);
        for offset in [0, 29, 30, 59] {
            let now = shown.plus(Duration::from_secs(offset));
            assert_eq!(secret.step_of(code, now, 0), Some(step), "{offset}");
            assert_eq!(secret.step_of(code, now, step), None, "used: {offset}");
        }
        for now in [shown.minus(Duration::from_secs(1)), shown.plus(Duration::from_mins(1))] {
            assert_eq!(secret.step_of(code, now, 0), None);
        }
    }

    #[test]
    fn the_uri_holds_everything_that_an_app_needs() {
        let uri = rfc_secret().to_uri("Rolecall & Co", "ada@example.org");
        assert_eq!(
            uri.as_str(),
            "otpauth://totp/Rolecall%20%26%20Co:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Rolecall%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn asvs_v6_5_4_a_code_is_six_digits_spaces_aside_and_neither_it_nor_a_secret_is_printed() {
        assert_eq!(TotpCode::parse("123 456"), Some(TotpCode(123_456)));
        assert_eq!(TotpCode::parse("000000"), Some(TotpCode(0)));
        for wrong in ["", "12345", "1234567", "12345a", "+12345", "１２３４５６", "123-456"] {
            assert_eq!(TotpCode::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?} {:?}", TotpCode(1), rfc_secret()), "TotpCode(redacted) TotpSecret(redacted)");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsing_panic(text in "\\PC{0,300}") {
            let _ = TotpCode::parse(&text);
        }
    }
}
