//! Filters and orders of `ListUsers`: only what an index serves.

use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::filter::{self, Comparison, FilterError, Group, MAX_COMPARISONS, Operator, Star};
use tonic::Status;

use super::convert::{self, Fields};
use super::status::not_indexed;
use crate::domain::fold;
use crate::domain::user::UserState;
use crate::domain::user_list::{TextField, TimeField, UserFilter, UserOrder, UserTerm};

/// The longest time as text; what is longer is none.
const MAX_TIME_CHARS: usize = 40;

impl Fields {
    /// Reads a filter of accounts; what cannot be read is noted, what no index serves is refused.
    pub(super) fn user_filter(&mut self, text: &str) -> Result<Option<UserFilter>, Status> {
        let error = match parse(text) {
            Ok(filter) => return Ok(Some(filter)),
            Err(error) => error,
        };
        let reason = match &error {
            FilterError::NotIndexed { what, .. } => return Err(not_indexed(what, &error)),
            FilterError::Syntax { .. } => "FILTER_SYNTAX",
            FilterError::Value { .. } => "FILTER_VALUE",
            FilterError::TooLong => "TOO_LONG",
            FilterError::TooMany | FilterError::TooDeep => "FILTER_TOO_COMPLEX",
        };
        self.violate("filter", reason, &error.to_string());
        Ok(None)
    }

    /// Reads an order of accounts.
    pub(super) fn user_order(&mut self, text: &str) -> Option<UserOrder> {
        let order = UserOrder::parse(text);
        if order.is_none() {
            let known = "must be create_time, email or name, each alone or followed by desc";
            self.violate("order_by", "ORDER_UNKNOWN", known);
        }
        order
    }
}

fn parse(text: &str) -> Result<UserFilter, FilterError> {
    let all = filter::parse(text)?.iter().map(group).collect::<Result<Vec<_>, _>>()?;
    let asked = |term: &UserTerm| if let UserTerm::Words(words) = term { words.len() } else { 1 };
    if all.iter().flatten().map(asked).sum::<usize>() > MAX_COMPARISONS {
        return Err(FilterError::TooMany);
    }
    Ok(UserFilter { all })
}

fn group(group: &Group) -> Result<Vec<UserTerm>, FilterError> {
    let first = group.first().and_then(|first| first.field.as_ref());
    if let Some(other) = group.iter().find(|other| other.field.as_ref() != first) {
        let what = "OR between different fields".to_owned();
        return Err(FilterError::NotIndexed { position: other.position, what });
    }
    group.iter().map(term).collect()
}

fn term(comparison: &Comparison) -> Result<UserTerm, FilterError> {
    let Some(field) = comparison.field.as_deref() else {
        return words(comparison);
    };
    match (field, comparison.operator) {
        ("email", Operator::Equal) => email(comparison),
        ("email", Operator::Has) => begins(comparison, TextField::Email, fold::email),
        ("name", Operator::Has) => begins(comparison, TextField::Name, fold::key),
        ("given_name", Operator::Has) => begins(comparison, TextField::GivenName, fold::key),
        ("family_name", Operator::Has) => begins(comparison, TextField::FamilyName, fold::key),
        ("institution", Operator::Has) => begins(comparison, TextField::Institution, fold::key),
        ("state", Operator::Equal) => state(comparison),
        ("create_time", operator) => time(comparison, TimeField::Created, operator),
        ("last_login_time", operator) => time(comparison, TimeField::LastLogin, operator),
        _ => Err(unserved(comparison)),
    }
}

fn unserved(comparison: &Comparison) -> FilterError {
    let star = match comparison.value.star {
        Star::None => "",
        Star::Last => " \"..*\"",
        Star::Within => " \"*..\"",
    };
    let field: String = comparison.field.iter().flat_map(|field| field.chars()).take(50).collect();
    let what = format!("{field} {}{star}", comparison.operator.sign());
    FilterError::NotIndexed { position: comparison.position, what: what.trim().to_owned() }
}

fn wrong(comparison: &Comparison, problem: impl Into<String>) -> FilterError {
    FilterError::Value { position: comparison.position, problem: problem.into() }
}

/// The value as it stands, which a star would not.
fn plain(comparison: &Comparison) -> Result<&str, FilterError> {
    if comparison.value.star == Star::None { Ok(&comparison.value.value) } else { Err(unserved(comparison)) }
}

fn words(comparison: &Comparison) -> Result<UserTerm, FilterError> {
    if comparison.value.star == Star::Within {
        return Err(unserved(comparison));
    }
    let words = fold::words([comparison.value.value.as_str()]);
    if words.is_empty() {
        return Err(wrong(comparison, "a word has a letter or a digit"));
    }
    Ok(UserTerm::Words(words.into_iter().collect()))
}

fn email(comparison: &Comparison) -> Result<UserTerm, FilterError> {
    let email = EmailAddress::parse(plain(comparison)?);
    email.map(UserTerm::Email).map_err(|error| wrong(comparison, error.to_string()))
}

fn begins(comparison: &Comparison, field: TextField, fold: fn(&str) -> String) -> Result<UserTerm, FilterError> {
    let prefix = fold(&comparison.value.value);
    // Without the star an index could serve it too, but it would be read as "contains", which none does.
    if comparison.value.star != Star::Last || prefix.is_empty() {
        return Err(unserved(comparison));
    }
    Ok(UserTerm::Begins(field, prefix))
}

fn state(comparison: &Comparison) -> Result<UserTerm, FilterError> {
    let state = UserState::parse(plain(comparison)?);
    state.map(UserTerm::State).ok_or_else(|| wrong(comparison, "a state is ACTIVE or INVITED"))
}

fn time(comparison: &Comparison, field: TimeField, operator: Operator) -> Result<UserTerm, FilterError> {
    let term = match operator {
        Operator::AtLeast => UserTerm::From,
        Operator::Less => UserTerm::Before,
        Operator::Equal | Operator::NotEqual | Operator::AtMost | Operator::Greater | Operator::Has => {
            return Err(unserved(comparison));
        }
    };
    let time = parse_time(plain(comparison)?);
    let time = time.ok_or_else(|| wrong(comparison, "a time is written as \"2026-01-01T00:00:00Z\""))?;
    Ok(term(field, time))
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let has_year = text.bytes().take(4).filter(u8::is_ascii_digit).count() == 4;
    let time = (has_year && text.len() <= MAX_TIME_CHARS).then(|| text.parse::<prost_types::Timestamp>().ok())??;
    Some(convert::time(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(filter: &str) -> Vec<Vec<UserTerm>> {
        parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}")).all
    }

    #[test]
    fn every_listed_comparison_is_read() {
        let begins = |field, prefix: &str| UserTerm::Begins(field, prefix.to_owned());
        let new_year = Timestamp::from_seconds(1_767_225_600);
        let address = EmailAddress::parse("Ada@Example.org").expect("valid");
        for (filter, expected) in [
            ("email = \"Ada@Example.org\"", UserTerm::Email(address)),
            ("email : \"Ada@*\"", begins(TextField::Email, "ada@")),
            ("name : \"Áda*\"", begins(TextField::Name, "ada")),
            ("given_name : \"A*\"", begins(TextField::GivenName, "a")),
            ("family_name : 'love*'", begins(TextField::FamilyName, "love")),
            ("institution : \"Inst*\"", begins(TextField::Institution, "inst")),
            ("state = INVITED", UserTerm::State(UserState::Invited)),
            ("create_time >= \"2026-01-01T00:00:00Z\"", UserTerm::From(TimeField::Created, new_year)),
            ("create_time < \"2026-01-01T01:00:00+01:00\"", UserTerm::Before(TimeField::Created, new_year)),
            ("last_login_time >= \"2026-01-01T00:00:00Z\"", UserTerm::From(TimeField::LastLogin, new_year)),
            ("last_login_time < \"2026-01-01T00:00:00Z\"", UserTerm::Before(TimeField::LastLogin, new_year)),
            ("Love", UserTerm::Words(vec!["love".to_owned()])),
            ("ada.l*", UserTerm::Words(vec!["ada".to_owned(), "l".to_owned()])),
        ] {
            assert_eq!(read(filter), [[expected]], "{filter}");
        }
    }

    #[test]
    fn or_joins_comparisons_of_one_field() {
        assert_eq!(read("state = ACTIVE OR state = INVITED")[0].len(), 2);
        assert_eq!(read("(ada OR grace) AND name : \"a*\"").len(), 2);
        for mixed in ["name : \"a*\" OR email : \"a*\"", "ada OR name : \"a*\""] {
            assert!(matches!(parse(mixed), Err(FilterError::NotIndexed { .. })), "{mixed}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_served() {
        for filter in [
            "role = OWNER",
            "roles : OWNER",
            "blocked = true",
            "organization_id = x",
            "website : \"h*\"",
            "email != \"a@b.org\"",
            "email = \"a*\"",
            "name = \"Ada\"",
            "name : \"ada\"",
            "name : \"*ada\"",
            "name : \"*\"",
            "name > a",
            "state : ACTIVE",
            "state = A*",
            "create_time = \"2026-01-01T00:00:00Z\"",
            "create_time > \"2026-01-01T00:00:00Z\"",
            "create_time <= \"2026-01-01T00:00:00Z\"",
            "a*b",
            "NAME : \"a*\"",
            "user.name : \"a*\"",
        ] {
            assert!(matches!(parse(filter), Err(FilterError::NotIndexed { .. })), "{filter}: {:?}", parse(filter));
        }
    }

    #[test]
    fn values_that_are_none_are_told_with_their_place() {
        for (filter, place) in [
            ("email = \"nobody\"", 1),
            ("ada AND state = SLEEPING", 9),
            ("create_time >= \"yesterday\"", 1),
            ("create_time >= \"+99999999999999-01-01T00:00:00Z\"", 1),
            ("create_time >= \"2026-13-01T00:00:00Z\"", 1),
            ("\"--\"", 1),
        ] {
            let error = parse(filter).expect_err(filter);
            assert!(matches!(&error, FilterError::Value { position, .. } if *position == place), "{filter}: {error}");
        }
    }

    #[test]
    fn words_count_one_by_one() {
        let words = |count: usize| format!("\"{}\"", (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" "));
        assert!(parse(&words(20)).is_ok());
        assert_eq!(parse(&words(21)), Err(FilterError::TooMany));
    }
}
