//! For how long somebody acts as another.

use std::time::Duration;

/// When nothing is named.
pub(crate) const USUAL: Duration = Duration::from_mins(15);

/// The shortest that can be named.
pub(crate) const SHORTEST: Duration = Duration::from_mins(1);

/// The longest that can be named; no token is accepted that lives longer.
pub(crate) const LONGEST: Duration = Duration::from_mins(30);

/// Decides for how long; none when what was named is out of range.
pub(crate) fn lifetime(wish: Option<Duration>) -> Option<Duration> {
    wish.map_or(Some(USUAL), |wish| (SHORTEST..=LONGEST).contains(&wish).then_some(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_t18_nobody_acts_as_another_for_more_than_half_an_hour() {
        assert_eq!(lifetime(None), Some(USUAL));
        assert_eq!(lifetime(Some(LONGEST)), Some(LONGEST));
        for wrong in
            [LONGEST + Duration::from_nanos(1), SHORTEST.saturating_sub(Duration::from_nanos(1)), Duration::ZERO]
        {
            assert_eq!(lifetime(Some(wrong)), None, "{wrong:?}");
        }
        assert!(LONGEST <= rolecall_authz::MAX_ACCESS_LIFETIME);
    }
}
