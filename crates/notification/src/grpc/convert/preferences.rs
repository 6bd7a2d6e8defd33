//! Messages of `PreferenceService`.

use prost::Message as _;
use rolecall_api::notification::v1 as api;
use rolecall_authz::Caller;
use rolecall_db::once::{Repeat, RequestKey};
use rolecall_kernel::key::KeyedHash;
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use rolecall_templates::Locale;
use tonic::Status;

use super::{call_id, category, read_category, request_id, timestamp};
use crate::app::preferences::{Change, Command, LOCALE, QUIET};
use crate::domain::category::{Category, Medium};
use crate::domain::preferences::{Digest, Preferences, Quiet, Zone, parse_clock, spell_clock};
use crate::grpc::status::violations;

const UPDATE: &str = "notification.PreferenceService/UpdatePreferences";

/// Reads what `UpdatePreferences` needs.
pub(in crate::grpc) fn update(
    caller: &Caller,
    request: &api::UpdatePreferencesRequest,
    fingerprints: &KeyedHash,
) -> Result<Command, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let default = api::Preferences::default();
    if request.preferences.is_none() {
        found.push("preferences", "REQUIRED", "is required");
    }
    let change = change(request, request.preferences.as_ref().unwrap_or(&default), &mut found);
    if !found.is_empty() {
        return Err(violations(found));
    }
    let encode = |preferences: &Preferences| updated(preferences).encode_to_vec();
    let content = request.encode_to_vec();
    let key = RequestKey::new(fingerprints, caller.subject(), UPDATE, request_id, &content);
    Ok(Command {
        subject: caller.subject(),
        organization: caller.organization(),
        call_id: call_id(),
        change,
        etag: request.preferences.as_ref().map(|given| given.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

fn change(request: &api::UpdatePreferencesRequest, given: &api::Preferences, found: &mut Violations) -> Change {
    let known = [
        ("enabled", Field::Changeable { populated: given.enabled }),
        ("categories", Field::Changeable { populated: !given.categories.is_empty() }),
        (LOCALE, Field::Changeable { populated: !given.locale.is_empty() }),
        ("digest", Field::Changeable { populated: given.digest != 0 }),
        ("time_zone", Field::Changeable { populated: !given.time_zone.is_empty() }),
        (QUIET, Field::Changeable { populated: given.quiet_hours.is_some() }),
        ("etag", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ];
    let mask = Mask::read(found, request.update_mask.as_ref(), &known);
    let meant = |path| mask.contains(path);
    Change {
        enabled: meant("enabled").then_some(given.enabled),
        switches: if meant("categories") { switches(&given.categories, found) } else { Vec::new() },
        locale: match given.locale.as_str() {
            text if meant(LOCALE) && !text.is_empty() => {
                found.check("preferences.locale", "LOCALE_INVALID", Locale::parse(text))
            }
            _ => None,
        },
        digest: if meant("digest") { digest(given.digest, found) } else { None },
        zone: meant("time_zone").then(|| match given.time_zone.as_str() {
            "" => Zone::default(),
            text => found.check("preferences.time_zone", "TIME_ZONE_UNKNOWN", Zone::parse(text)).unwrap_or_default(),
        }),
        quiet: given.quiet_hours.as_ref().filter(|_| meant(QUIET)).and_then(|hours| quiet(hours, found)),
        fields: known.iter().map(|(path, _)| *path).filter(|path| meant(path)).collect(),
    }
}

/// Everything that is not mandatory can be switched; what is, may be given as it is.
fn switches(given: &[api::CategoryPreference], found: &mut Violations) -> Vec<(Category, Medium, bool)> {
    let mut switches: Vec<(Category, Medium, bool)> = Vec::new();
    for (index, one) in given.iter().enumerate().take(Category::ALL.len() + 1) {
        let place = format!("preferences.categories[{index}]");
        match read_category(one.category) {
            None => {
                found.push(format!("{place}.category"), "CATEGORY_UNKNOWN", "must be one of the values of Category");
            }
            Some(category) if switches.iter().any(|(known, ..)| *known == category) => {
                found.push(place, "DUPLICATE", "names a category once more");
            }
            Some(category) if category.is_mandatory() && !(one.mail && one.inbox) => {
                found.push(place, "MANDATORY", "cannot be switched off: it is mandatory");
            }
            Some(category) => {
                switches.extend([(category, Medium::Mail, one.mail), (category, Medium::Inbox, one.inbox)]);
            }
        }
    }
    switches.retain(|(category, ..)| !category.is_mandatory());
    switches
}

fn digest(number: i32, found: &mut Violations) -> Option<Digest> {
    match api::Digest::try_from(number) {
        Ok(api::Digest::Unspecified | api::Digest::Off) => Some(Digest::Off),
        Ok(api::Digest::Daily) => Some(Digest::Daily),
        Ok(api::Digest::Weekly) => Some(Digest::Weekly),
        Err(_) => {
            found.push("preferences.digest", "DIGEST_UNKNOWN", "must be one of the values of Digest");
            None
        }
    }
}

fn quiet(hours: &api::QuietHours, found: &mut Violations) -> Option<Quiet> {
    let start = found.check("preferences.quiet_hours.start", "TIME_INVALID", parse_clock(&hours.start));
    let end = found.check("preferences.quiet_hours.end", "TIME_INVALID", parse_clock(&hours.end));
    let (start, end) = start.zip(end)?;
    if start == end {
        found.push("preferences.quiet_hours.end", "EMPTY", "must be another time than the start");
    }
    Some(Quiet { start, end })
}

/// Renders what `UpdatePreferences` answers.
pub(in crate::grpc) fn updated(preferences: &Preferences) -> api::UpdatePreferencesResponse {
    api::UpdatePreferencesResponse { preferences: Some(message(preferences)) }
}

/// Renders preferences.
pub(in crate::grpc) fn message(preferences: &Preferences) -> api::Preferences {
    let categories = Category::ALL.map(|one| api::CategoryPreference {
        category: category(one).into(),
        mandatory: one.is_mandatory(),
        mail: one.is_mandatory() || !preferences.muted.contains(&(one, Medium::Mail)),
        inbox: one.is_mandatory() || !preferences.muted.contains(&(one, Medium::Inbox)),
    });
    let digest = match preferences.digest {
        Digest::Off => api::Digest::Off,
        Digest::Daily => api::Digest::Daily,
        Digest::Weekly => api::Digest::Weekly,
    };
    let spelled = |quiet: Quiet| api::QuietHours { start: spell_clock(quiet.start), end: spell_clock(quiet.end) };
    api::Preferences {
        enabled: preferences.enabled,
        categories: categories.into(),
        locale: preferences.locale.as_ref().map(|locale| locale.as_str().to_owned()).unwrap_or_default(),
        digest: digest.into(),
        time_zone: preferences.zone.name().to_owned(),
        quiet_hours: preferences.quiet.map(spelled),
        etag: preferences.etag(),
        update_time: preferences.updated.map(timestamp),
    }
}
