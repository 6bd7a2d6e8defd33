//! What a person wants to be told, how and when. Looked at when something is about to be sent.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::Locale;

use super::category::{Category, Medium};

/// The hour at which digests are sent.
const DIGEST_HOUR: i8 = 8;

/// The preferences of a person; the default is that of everybody who never set any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// The one switch for everything that is not mandatory.
    pub(crate) enabled: bool,
    /// What does not come, and how it does not.
    pub(crate) muted: BTreeSet<(Category, Medium)>,
    pub(crate) locale: Option<Locale>,
    pub(crate) digest: Digest,
    pub(crate) zone: Zone,
    pub(crate) quiet: Option<Quiet>,
    pub(crate) version: i64,
    pub(crate) updated: Option<Timestamp>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            enabled: true,
            muted: BTreeSet::new(),
            locale: None,
            digest: Digest::Off,
            zone: Zone::default(),
            quiet: None,
            version: 0,
            updated: None,
        }
    }
}

/// Whether mails are gathered into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Digest {
    #[default]
    Off,
    Daily,
    Weekly,
}

/// A time zone of the IANA database.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Zone(TimeZone);

/// The text names no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time zone such as Europe/Berlin (IANA)")]
pub(crate) struct ParseZoneError;

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// Looks a time zone up in the database that this build carries.
    pub(crate) fn parse(name: &str) -> Result<Self, ParseZoneError> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| ParseZoneError)?;
        if zone.iana_name().is_some() { Ok(Self(zone)) } else { Err(ParseZoneError) }
    }

    /// Returns its name; that of UTC is empty.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().filter(|name| *name != "UTC").unwrap_or_default()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// Hours of every day, in minutes since its beginning; they may span midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quiet {
    pub(crate) start: i16,
    pub(crate) end: i16,
}

/// The text is no time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of the day such as 22:00")]
pub(crate) struct ParseClockError;

/// Reads a time of the day in minutes.
pub(crate) fn parse_clock(text: &str) -> Result<i16, ParseClockError> {
    let is_plain = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let (hour, minute) = text.split_once(':').filter(|_| is_plain).ok_or(ParseClockError)?;
    let (hour, minute) = (hour.parse::<i16>(), minute.parse::<i16>());
    match (hour, minute) {
        (Ok(hour @ 0..24), Ok(minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => Err(ParseClockError),
    }
}

/// Spells a time of the day.
pub(crate) fn spell_clock(minutes: i16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// What becomes of a mail that is not mandatory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is sent.
    Send,
    /// It waits for the end of the quiet hours.
    Hold(Timestamp),
    /// A digest of that time tells it.
    Gather(Timestamp),
    /// It is not wanted.
    Drop,
}

impl Preferences {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// Tells whether something of a category is wanted that way.
    pub(crate) fn wants(&self, category: Category, medium: Medium) -> bool {
        category.is_mandatory() || (self.enabled && !self.muted.contains(&(category, medium)))
    }

    /// Judges a mail that is about to be sent.
    pub(crate) fn judge(&self, category: Category, now: Timestamp) -> Verdict {
        if category.is_mandatory() {
            return Verdict::Send;
        }
        if !self.wants(category, Medium::Mail) {
            return Verdict::Drop;
        }
        match self.digest {
            Digest::Off => self.quiet_until(now).map_or(Verdict::Send, Verdict::Hold),
            Digest::Daily | Digest::Weekly => Verdict::Gather(self.next_digest(now)),
        }
    }

    /// Judges a digest of these categories, which is not gathered once more.
    pub(crate) fn judge_digest(&self, categories: &BTreeSet<Category>, now: Timestamp) -> Verdict {
        if !categories.iter().any(|category| self.wants(*category, Medium::Mail)) {
            return Verdict::Drop;
        }
        self.quiet_until(now).map_or(Verdict::Send, Verdict::Hold)
    }

    fn quiet_until(&self, now: Timestamp) -> Option<Timestamp> {
        let quiet = self.quiet?;
        let local = local(now).to_zoned(self.zone.0.clone());
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        let is_quiet = if quiet.start <= quiet.end {
            (quiet.start..quiet.end).contains(&minute)
        } else {
            minute >= quiet.start || minute < quiet.end
        };
        let day = if minute < quiet.end { Some(local.date()) } else { local.date().tomorrow().ok() };
        is_quiet.then(|| self.at(day, quiet.end, now))
    }

    /// Returns when the next digest of this person is due; one that never asked for any gets what there is once a day.
    pub(crate) fn next_digest(&self, now: Timestamp) -> Timestamp {
        let local = local(now).to_zoned(self.zone.0.clone());
        let (today, is_before) = (local.date(), local.hour() < DIGEST_HOUR);
        let day = match self.digest {
            Digest::Off | Digest::Daily if is_before => Some(today),
            Digest::Off | Digest::Daily => today.tomorrow().ok(),
            Digest::Weekly if is_before && today.weekday() == Weekday::Monday => Some(today),
            Digest::Weekly => today.nth_weekday(1, Weekday::Monday).ok(),
        };
        self.at(day, i16::from(DIGEST_HOUR) * 60, now)
    }

    /// A time of a day here; what falls into the hour that a change of the clock leaves out comes after it.
    fn at(&self, day: Option<Date>, minutes: i16, now: Timestamp) -> Timestamp {
        let (hour, minute) = (i8::try_from(minutes / 60), i8::try_from(minutes % 60));
        let time = day.zip(hour.ok().zip(minute.ok()));
        let time = time.and_then(|(day, (hour, minute))| day.at(hour, minute, 0, 0).to_zoned(self.zone.0.clone()).ok());
        // Only the end of the calendar has no such time.
        time.map_or(now.plus(Duration::from_hours(24)), |time| {
            Timestamp::from_micros(time.timestamp().as_microsecond())
        })
    }
}

fn local(now: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
