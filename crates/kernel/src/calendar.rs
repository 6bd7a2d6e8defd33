//! Times as people read them, in UTC: a mail or a page does not know where its reader is.

use crate::time::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Spells a time, such as `Sunday, 29 November 2026, 01:14 UTC`; seconds are dropped.
pub fn spell(time: Timestamp) -> String {
    let (days, seconds) = (time.as_seconds().div_euclid(86_400), time.as_seconds().rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute) = (seconds / 3_600, seconds / 60 % 60);
    // 1970-01-01 was a Thursday.
    let (weekday, month) = (pick(&DAYS, days + 3), pick(&MONTHS, month - 1));
    format!("{weekday}, {day} {month} {year}, {hour:02}:{minute:02} UTC")
}

fn pick<const N: usize>(names: &[&'static str; N], index: i64) -> &'static str {
    let length = i64::try_from(N).unwrap_or(1);
    names[usize::try_from(index.rem_euclid(length)).unwrap_or_default()]
}

/// Year, month and day in the proleptic Gregorian calendar of the day since 1970-01-01.
///
/// The algorithm is Howard Hinnant's `civil_from_days`: eras of 400 years that begin on 1 March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_v16_2_2_times_are_spelled_in_utc() {
        for (seconds, text) in [
            (0, "Thursday, 1 January 1970, 00:00 UTC"),
            (-1, "Wednesday, 31 December 1969, 23:59 UTC"),
            (951_782_400, "Tuesday, 29 February 2000, 00:00 UTC"),
            (1_767_225_600, "Thursday, 1 January 2026, 00:00 UTC"),
            (1_795_914_840, "Sunday, 29 November 2026, 01:14 UTC"),
            (4_107_542_399, "Sunday, 28 February 2100, 23:59 UTC"),
            (4_107_542_400, "Monday, 1 March 2100, 00:00 UTC"),
        ] {
            assert_eq!(spell(Timestamp::from_seconds(seconds)), text);
        }
    }
}
