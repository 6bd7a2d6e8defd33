use rolecall_templates::ParseLocaleError;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().expect("a time").as_microsecond())
}

fn berlin() -> Preferences {
    Preferences { zone: Zone::parse("Europe/Berlin").expect("known"), ..Preferences::default() }
}

#[test]
fn quiet_hours_end_on_the_clock_of_the_person_also_when_it_changes() {
    let night = Quiet { start: 22 * 60, end: 7 * 60 };
    let person = Preferences { quiet: Some(night), ..berlin() };
    let judge = |now| person.judge(Category::Workflow, at(now));
    assert_eq!(judge("2026-01-15T20:59:00Z"), Verdict::Send);
    assert_eq!(judge("2026-01-15T21:00:00Z"), Verdict::Hold(at("2026-01-16T06:00:00Z")));
    assert_eq!(judge("2026-01-16T05:59:59Z"), Verdict::Hold(at("2026-01-16T06:00:00Z")));
    assert_eq!(judge("2026-01-16T06:00:00Z"), Verdict::Send);
    // The clocks go forward in the night to 29 March.
    assert_eq!(judge("2026-03-28T22:00:00Z"), Verdict::Hold(at("2026-03-29T05:00:00Z")));
    let noon = Preferences { quiet: Some(Quiet { start: 12 * 60, end: 13 * 60 }), ..berlin() };
    assert_eq!(noon.judge(Category::Message, at("2026-07-01T10:30:00Z")), Verdict::Hold(at("2026-07-01T11:00:00Z")));
    assert_eq!(noon.judge(Category::Message, at("2026-07-01T11:00:00Z")), Verdict::Send);
}

#[test]
fn digests_are_due_in_the_morning_of_the_person() {
    let daily = Preferences { digest: Digest::Daily, ..berlin() };
    assert_eq!(daily.next_digest(at("2026-01-15T05:00:00Z")), at("2026-01-15T07:00:00Z"));
    assert_eq!(daily.next_digest(at("2026-01-15T07:00:00Z")), at("2026-01-16T07:00:00Z"));
    let weekly = Preferences { digest: Digest::Weekly, ..berlin() };
    // 2026-01-15 is a Thursday.
    assert_eq!(weekly.next_digest(at("2026-01-15T05:00:00Z")), at("2026-01-19T07:00:00Z"));
    assert_eq!(weekly.next_digest(at("2026-01-19T06:59:00Z")), at("2026-01-19T07:00:00Z"));
    assert_eq!(weekly.next_digest(at("2026-01-19T07:00:00Z")), at("2026-01-26T07:00:00Z"));
    assert_eq!(
        daily.judge(Category::Workflow, at("2026-01-15T05:00:00Z")),
        Verdict::Gather(at("2026-01-15T07:00:00Z"))
    );
}

#[test]
fn nothing_holds_up_what_is_mandatory() {
    let muted = Category::ALL.into_iter().flat_map(|category| Medium::ALL.map(|medium| (category, medium))).collect();
    let deaf = Preferences {
        enabled: false,
        muted,
        digest: Digest::Weekly,
        quiet: Some(Quiet { start: 0, end: 24 * 60 - 1 }),
        ..berlin()
    };
    for category in Category::ALL {
        let verdict = if category.is_mandatory() { Verdict::Send } else { Verdict::Drop };
        assert_eq!(deaf.judge(category, at("2026-01-15T05:00:00Z")), verdict, "{category:?}");
        assert_eq!(deaf.wants(category, Medium::Inbox), category.is_mandatory());
    }
}

#[test]
fn languages_times_and_zones_are_read_in_one_spelling() {
    for (given, spelled) in
        [("de", "de"), ("PT-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("sr-latn", "sr-Latn")]
    {
        assert_eq!(Locale::parse(given).map(|locale| locale.as_str().to_owned()).as_deref(), Ok(spelled));
    }
    for wrong in ["", "d", "deutsch", "de_DE", "de-", "de-D", "zh-Hant-TW-x", "d\u{e9}"] {
        assert_eq!(Locale::parse(wrong), Err(ParseLocaleError), "{wrong}");
    }
    assert_eq!((parse_clock("00:00"), parse_clock("23:59")), (Ok(0), Ok(1_439)));
    assert_eq!(spell_clock(1_439), "23:59");
    for wrong in ["24:00", "12:60", "7:00", "+7:00", "12:0", "noon!", ""] {
        assert_eq!(parse_clock(wrong), Err(ParseClockError), "{wrong}");
    }
    assert_eq!(Zone::parse("europe/berlin").as_ref().map(Zone::name), Ok("Europe/Berlin"));
    assert_eq!(Zone::default().name(), "");
    for wrong in ["Berlin", "", "UTC+1", "../etc/passwd"] {
        assert!(Zone::parse(wrong).is_err(), "{wrong}");
    }
}
