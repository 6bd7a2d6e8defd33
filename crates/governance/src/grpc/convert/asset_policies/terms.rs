//! What an asset policy says, field by field; each notes what is wrong and gives `None`.

use std::collections::HashSet;

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{DatasetId, ModelId};
use rolecall_kernel::text::{EmailAddress, ResourceName};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{Fields as _, parse_time};
use rolecall_rpc::status::Violations;

use crate::domain::asset_policy::{
    Beneficiary, MAX_BENEFICIARIES, MAX_DATASETS, Obligation, PrivacyBudget, PrivacyControls, Terms, Window,
};
use crate::domain::model::VersionName;
use crate::domain::schema::{ParameterSchema, SchemaError};

/// The largest cohort that can be demanded.
const MAX_COHORT: i32 = 1_000_000;
/// The largest bound on a loss of privacy; beyond it nothing is private.
const MAX_EPSILON: f64 = 100.0;
/// How many wrong entries of a list are told.
const TOLD: usize = 20;

pub(super) fn terms(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<Terms> {
    let name = name(violations, policy);
    let datasets = datasets(violations, policy);
    let emails = emails(violations, policy);
    let model_id = model_id(violations, policy);
    let model_version = model_version(violations, policy);
    let bounds = bounds(violations, policy);
    let controls = controls(violations, policy);
    let starts = time(violations, "asset_policy.start_time", policy.start_time);
    let ends = time(violations, "asset_policy.end_time", policy.end_time);
    let window = starts.zip(ends).map(|(starts, ends)| Window { starts, ends });
    if window.is_some_and(|window| !window.is_ordered()) {
        violations.push("asset_policy.end_time", "NOT_AFTER_START", "must be after start_time");
    }
    Some(Terms {
        name: name?,
        datasets: datasets?,
        beneficiaries: emails?.into_iter().map(Beneficiary::waiting).collect(),
        model_id: model_id?,
        model_version: model_version?,
        bounds: bounds?,
        controls: controls?,
        window: window?,
    })
}

pub(super) fn name(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<ResourceName> {
    violations.text("asset_policy.name", &policy.name, ResourceName::parse)
}

/// Reads a list of one to `max` entries, each once; the first wrong ones are told.
pub(in crate::grpc::convert) fn list<S, T>(
    violations: &mut Violations,
    field: &str,
    max: usize,
    given: &[S],
    key: fn(&T) -> String,
    read: impl Fn(&mut Violations, &str, &S) -> Option<T>,
) -> Option<Vec<T>> {
    if given.is_empty() {
        violations.push(field, "REQUIRED", "is required");
        return None;
    }
    if given.len() > max {
        violations.push(field, "TOO_MANY", format!("must have at most {max} entries"));
        return None;
    }
    let (mut seen, mut taken, mut wrong) = (HashSet::new(), Vec::with_capacity(given.len()), 0);
    for (index, entry) in given.iter().enumerate() {
        let place = || if wrong < TOLD { format!("{field}[{index}]") } else { field.to_owned() };
        match read(violations, &place(), entry) {
            Some(entry) if seen.insert(key(&entry)) => taken.push(entry),
            Some(_) => {
                violations.push(place(), "DUPLICATE", "is there already");
                wrong += 1;
            }
            None => wrong += 1,
        }
        if wrong == TOLD {
            return None;
        }
    }
    taken.sort_by_cached_key(key);
    (wrong == 0).then_some(taken)
}

pub(super) fn datasets(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<Vec<DatasetId>> {
    let read = |violations: &mut Violations, field: &str, text: &String| violations.id(field, text, DatasetId::parse);
    let given = &policy.dataset_ids;
    list(violations, "asset_policy.dataset_ids", MAX_DATASETS, given, ToString::to_string, read)
}

/// The addresses, in order of their canonical forms.
pub(super) fn emails(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<Vec<EmailAddress>> {
    let read = |violations: &mut Violations, field: &str, beneficiary: &pb::Beneficiary| {
        violations.text(&format!("{field}.email"), &beneficiary.email, EmailAddress::parse)
    };
    let given = &policy.beneficiaries;
    let key = |email: &EmailAddress| email.key().to_owned();
    list(violations, "asset_policy.beneficiaries", MAX_BENEFICIARIES, given, key, read)
}

pub(super) fn model_id(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<ModelId> {
    violations.id("asset_policy.model_id", &policy.model_id, ModelId::parse)
}

pub(super) fn model_version(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<VersionName> {
    let (field, text) = ("asset_policy.model_version", &policy.model_version);
    if text.is_empty() {
        violations.push(field, "REQUIRED", "is required");
        return None;
    }
    violations.check(field, "VERSION_MALFORMED", VersionName::parse(text))
}

#[expect(clippy::option_option, reason = "what is wrong is not what is absent")]
pub(super) fn bounds(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<Option<ParameterSchema>> {
    if policy.parameter_bounds.is_empty() {
        return Some(None);
    }
    let parsed = ParameterSchema::parse(&policy.parameter_bounds);
    let reason = parsed.as_ref().err().map_or("", SchemaError::reason);
    violations.check("asset_policy.parameter_bounds", reason, parsed).map(Some)
}

#[expect(clippy::option_option, reason = "what is wrong is not what is absent")]
pub(super) fn time(
    violations: &mut Violations,
    field: &str,
    time: Option<prost_types::Timestamp>,
) -> Option<Option<Timestamp>> {
    let Some(time) = time else { return Some(None) };
    let parsed = parse_time(time);
    if parsed.is_none() {
        violations.push(field, "TIME_MALFORMED", "must be a time of the years 1 to 9999");
    }
    parsed.map(Some)
}

pub(super) fn controls(violations: &mut Violations, policy: &pb::AssetPolicy) -> Option<PrivacyControls> {
    let Some(given) = &policy.privacy_controls else { return Some(PrivacyControls::default()) };
    let minimum_cohort = cohort(violations, given.minimum_cohort_size);
    let budget = match given.privacy_budget {
        Some(budget) => self::budget(violations, budget).map(Some),
        None => Some(None),
    };
    let field = "asset_policy.privacy_controls.obligations";
    let read = |violations: &mut Violations, field: &str, text: &String| {
        violations.check(field, "OBLIGATION_MALFORMED", Obligation::parse(text))
    };
    let key = |name: &Obligation| name.as_str().to_owned();
    let obligations = match given.obligations.as_slice() {
        [] => Some(Vec::new()),
        names => list(violations, field, PrivacyControls::MAX_OBLIGATIONS, names, key, read),
    };
    Some(PrivacyControls {
        minimum_cohort: minimum_cohort?,
        budget: budget?,
        output_review: given.output_review_required,
        obligations: obligations?,
    })
}

#[expect(clippy::option_option, reason = "what is wrong is not what is absent")]
fn cohort(violations: &mut Violations, size: i32) -> Option<Option<i32>> {
    match size {
        0 => Some(None),
        2..=MAX_COHORT => Some(Some(size)),
        _ => {
            let field = "asset_policy.privacy_controls.minimum_cohort_size";
            violations.push(field, "OUT_OF_RANGE", format!("must be 0, or 2 to {MAX_COHORT}"));
            None
        }
    }
}

fn budget(violations: &mut Violations, given: pb::PrivacyBudget) -> Option<PrivacyBudget> {
    let pb::PrivacyBudget { epsilon, delta } = given;
    let field = "asset_policy.privacy_controls.privacy_budget";
    // Said so that what is no number is refused as well.
    let is_epsilon = epsilon > 0.0 && epsilon <= MAX_EPSILON;
    let is_delta = (0.0..1.0).contains(&delta);
    if !is_epsilon {
        violations.push(format!("{field}.epsilon"), "OUT_OF_RANGE", "must be above 0 and at most 100");
    }
    if !is_delta {
        violations.push(format!("{field}.delta"), "OUT_OF_RANGE", "must be 0 at least and below 1");
    }
    (is_epsilon && is_delta).then_some(PrivacyBudget { epsilon, delta })
}
