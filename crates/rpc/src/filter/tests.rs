use proptest::prelude::*;

use super::*;

/// Spells what was read: groups by `&`, comparisons by `|`.
fn spell(filter: &str) -> String {
    let spell = |comparison: &Comparison| {
        let star = match comparison.value.star {
            Star::None => "",
            Star::Last => "*",
            Star::Within => "?",
        };
        let (field, sign) = (comparison.field.as_deref().unwrap_or_default(), comparison.operator.sign());
        format!("{field}{sign}{}{star}", comparison.value.value)
    };
    let groups = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let groups = groups.iter().map(|group| group.iter().map(spell).collect::<Vec<_>>().join("|"));
    groups.collect::<Vec<_>>().join("&")
}

fn refused(filter: &str) -> FilterError {
    parse(filter).expect_err(filter)
}

#[test]
fn comparisons_and_words_are_read() {
    for (filter, expected) in [
        ("", ""),
        ("  ", ""),
        ("ada", ":ada"),
        ("ada lovelace", ":ada&:lovelace"),
        ("\"ada lovelace\"", ":ada lovelace"),
        ("email = \"a@b\"", "email=a@b"),
        ("email=\"a@b\"", "email=a@b"),
        ("name : \"ada*\"", "name:ada*"),
        ("name:'ada*'", "name:ada*"),
        ("state = ACTIVE AND ada*", "state=ACTIVE&:ada*"),
        ("a >= b c < d", "a>=b&c<d"),
        ("a <= b AND c > d AND e != f", "a<=b&c>d&e!=f"),
        ("x-y", ":x-y"),
        ("android oreo nothing", ":android&:oreo&:nothing"),
    ] {
        assert_eq!(spell(filter), expected, "{filter}");
    }
}

#[test]
fn or_binds_tighter_than_and() {
    for (filter, expected) in [
        ("a OR b AND c", ":a|:b&:c"),
        ("a AND b OR c", ":a&:b|:c"),
        ("a b OR c d", ":a&:b|:c&:d"),
        ("(a OR b) AND (c OR d)", ":a|:b&:c|:d"),
        ("(a OR (b OR c)) d", ":a|:b|:c&:d"),
        ("((a)) AND(b)", ":a&:b"),
        ("(a AND b) c", ":a&:b&:c"),
    ] {
        assert_eq!(spell(filter), expected, "{filter}");
    }
}

#[test]
fn asvs_v1_2_9_stars_and_escapes_are_told_apart() {
    for (filter, expected) in [
        (r"ad\*", ":ad*"),
        ("a*a", ":aa?"),
        ("*a", ":a?"),
        ("a**", ":a?"),
        (r#""say \"hi\"""#, ":say \"hi\""),
        (r#""back\\slash""#, r":back\slash"),
        ("'it is \"quoted\"'", ":it is \"quoted\""),
    ] {
        assert_eq!(spell(filter), expected, "{filter}");
    }
    let literal = parse(r"ad\*").expect("readable");
    assert_eq!(literal[0][0].value.star, Star::None, "an escaped star is a character");
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    for (filter, place) in [
        ("name :", 7),
        ("name : AND", 8),
        ("AND a", 1),
        ("a AND", 6),
        ("a OR", 5),
        ("(a", 1),
        ("a)", 2),
        ("()", 2),
        ("name = \"ada", 8),
        ("a ! b", 3),
        ("a, b", 2),
        ("\"name\" : \"a*\"", 1),
        ("= a", 1),
        ("a\\", 2),
        ("create_time >= 2026-01-01T00:00:00Z", 29),
    ] {
        let error = refused(filter);
        assert!(matches!(&error, FilterError::Syntax { position, .. } if *position == place), "{filter}: {error}");
    }
}

#[test]
fn what_no_index_serves_is_told_with_its_place() {
    for (filter, place) in [("NOT a", 1), ("a AND -b", 7), ("(a b) OR c", 2), ("f(x)", 1)] {
        let error = refused(filter);
        assert!(matches!(&error, FilterError::NotIndexed { position, .. } if *position == place), "{filter}: {error}");
    }
}

#[test]
fn asvs_v2_2_1_a_filter_is_bounded_in_every_direction() {
    let words = |count: usize| vec!["a"; count].join(" ");
    assert_eq!(parse(&words(20)).expect("accepted").len(), 20);
    assert_eq!(refused(&words(21)), FilterError::TooMany);
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(spell(&nested(10)), ":a");
    assert_eq!(refused(&nested(11)), FilterError::TooDeep);
    assert_eq!(refused(&nested(499)), FilterError::TooDeep);
    assert_eq!(spell(&"ä".repeat(1_000)).chars().count(), 1_001);
    assert_eq!(refused(&"ä".repeat(1_001)), FilterError::TooLong);
}

proptest! {
    /// ASVS: T36
    #[test]
    fn asvs_v1_5_2_whatever_is_given_is_read_or_refused(filter in "\\PC{0,60}") {
        let _ = parse(&filter);
    }

    #[test]
    fn whatever_is_made_of_the_signs_is_read_or_refused(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "AND", "OR", "NOT", "(", ")", "a", "\"b c\"", "=", ":", ">=", "!", "-", "*", "\\", "'", " ",
        ]), 0..30),
    ) {
        let filter = parts.concat();
        if let Err(FilterError::Syntax { position, .. }) = parse(&filter) {
            prop_assert!((1..=filter.chars().count() + 1).contains(&position));
        }
    }
}
