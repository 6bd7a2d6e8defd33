//! Filters of `ListMembers`: only what an index serves.

use rolecall_rpc::filter::{self, Comparison, FilterError, Group, Operator, Star};
use rolecall_rpc::status::Violations;
use tonic::Status;

use crate::domain::custom_role::RoleName;
use crate::domain::member::MemberState;
use crate::domain::member_filter::{MemberFilter, MemberTerm};
use crate::domain::role::Role;
use crate::grpc::status::not_indexed;

/// Reads a filter; what cannot be read is noted, what no index serves is refused.
pub(super) fn member_filter(violations: &mut Violations, text: &str) -> Result<Option<MemberFilter>, Status> {
    match parse(text) {
        Ok(filter) => Ok(Some(filter)),
        Err(error) => refuse_filter(violations, &error).map(|()| None),
    }
}

/// Notes what is wrong with a filter, or refuses what no index serves.
pub fn refuse_filter(violations: &mut Violations, error: &FilterError) -> Result<(), Status> {
    let reason = match error {
        FilterError::NotIndexed { what, .. } => return Err(not_indexed(what, error)),
        FilterError::Syntax { .. } => "FILTER_SYNTAX",
        FilterError::Value { .. } => "FILTER_VALUE",
        FilterError::TooLong => "TOO_LONG",
        FilterError::TooMany | FilterError::TooDeep => "FILTER_TOO_COMPLEX",
    };
    violations.push("filter", reason, error.to_string());
    Ok(())
}

fn parse(text: &str) -> Result<MemberFilter, FilterError> {
    Ok(MemberFilter { all: filter::parse(text)?.iter().map(group).collect::<Result<_, _>>()? })
}

fn group(group: &Group) -> Result<Vec<MemberTerm>, FilterError> {
    one_field(group)?;
    group.iter().map(term).collect()
}

/// Checks that the comparisons of a group are of one field: no index serves others together.
pub fn one_field(group: &Group) -> Result<(), FilterError> {
    let first = group.first().and_then(|first| first.field.as_ref());
    if let Some(other) = group.iter().find(|other| other.field.as_ref() != first) {
        let what = "OR between different fields".to_owned();
        return Err(FilterError::NotIndexed { position: other.position, what });
    }
    Ok(())
}

fn term(comparison: &Comparison) -> Result<MemberTerm, FilterError> {
    let value = comparison.value.value.as_str();
    let is_plain = comparison.operator == Operator::Equal && comparison.value.star == Star::None;
    let wrong = |problem: &str| FilterError::Value { position: comparison.position, problem: problem.to_owned() };
    match comparison.field.as_deref().filter(|_| is_plain) {
        Some("role") => role_term(value).ok_or_else(|| wrong("must be the name of a role")),
        Some("blocked") => match value {
            "true" => Ok(MemberTerm::Blocked(true)),
            "false" => Ok(MemberTerm::Blocked(false)),
            _ => Err(wrong("must be true or false")),
        },
        Some("state") => match value.strip_prefix("MEMBER_STATE_").unwrap_or(value) {
            "ACTIVE" => Ok(MemberTerm::State(MemberState::Active)),
            "PENDING" => Ok(MemberTerm::State(MemberState::Pending)),
            _ => Err(wrong("must be ACTIVE or PENDING")),
        },
        _ => Err(not_served(comparison)),
    }
}

/// Says that no index serves a comparison.
pub fn not_served(comparison: &Comparison) -> FilterError {
    let field: String = comparison.field.iter().flat_map(|field| field.chars()).take(50).collect();
    let what = format!("{field} {}", comparison.operator.sign()).trim().to_owned();
    FilterError::NotIndexed { position: comparison.position, what }
}

/// Reads the name of a role of either kind.
pub(in crate::grpc) fn role_term(name: &str) -> Option<MemberTerm> {
    let custom = || RoleName::parse(name).ok().map(MemberTerm::Custom);
    Role::parse(name).ok().map(MemberTerm::Role).or_else(custom)
}
