//! The `grpc-timeout` header (gRPC over HTTP/2, "Requests").

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// The name of the header.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("grpc-timeout");

/// The value is not one to eight digits and a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads a timeout such as `250m`.
pub(crate) fn parse(value: &HeaderValue) -> Result<Duration, Malformed> {
    let text = value.to_str().map_err(|_| Malformed)?;
    let unit = text.as_bytes().last().ok_or(Malformed)?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    let amount: u64 = digits.parse().map_err(|_| Malformed)?;
    match unit {
        b'H' => Ok(Duration::from_secs(amount * 3_600)),
        b'M' => Ok(Duration::from_secs(amount * 60)),
        b'S' => Ok(Duration::from_secs(amount)),
        b'm' => Ok(Duration::from_millis(amount)),
        b'u' => Ok(Duration::from_micros(amount)),
        b'n' => Ok(Duration::from_nanos(amount)),
        _ => Err(Malformed),
    }
}

/// Writes a timeout in the finest unit that eight digits hold.
pub(crate) fn format(timeout: Duration) -> Option<HeaderValue> {
    const MOST: u128 = 99_999_999;
    let text = if timeout.as_micros() <= MOST {
        format!("{}u", timeout.as_micros())
    } else if timeout.as_millis() <= MOST {
        format!("{}m", timeout.as_millis())
    } else {
        format!("{}S", u128::from(timeout.as_secs()).min(MOST))
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_digits_and_a_unit_are_a_timeout() {
        let parsed = |text| parse(&HeaderValue::from_static(text));
        assert_eq!(parsed("250m"), Ok(Duration::from_millis(250)));
        assert_eq!(parsed("2H"), Ok(Duration::from_hours(2)));
        assert_eq!(parsed("99999999n"), Ok(Duration::from_nanos(99_999_999)));
        for wrong in ["", "m", "5", "5 s", "5s", "-5S", "+5S", "1.5S", "123456789S", "S5", "5SS"] {
            assert_eq!(parsed(wrong), Err(Malformed), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_written_timeout_is_read_back_to_its_precision(millis in 0_u64..2_000_000_000) {
            let timeout = Duration::from_millis(millis);
            let back = format(timeout).map(|value| parse(&value));
            prop_assert!(matches!(back, Some(Ok(back)) if back <= timeout && timeout < back + Duration::from_secs(1)));
        }

        #[test]
        fn no_value_panics(text in "[ -~]{0,12}") {
            if let Ok(value) = HeaderValue::try_from(text) {
                let _ = parse(&value);
            }
        }
    }
}
