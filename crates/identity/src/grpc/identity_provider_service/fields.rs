//! The fields of a provider.

use prost_types::FieldMask;
use rolecall_api::identity::v1 as wire;
use rolecall_kernel::text::PersonName;

use crate::domain::sso::{ProviderChange, RoleRule, RoleSource};
use crate::grpc::convert::Fields;
use crate::grpc::mask::Field;

/// The roles that a claim may stand for.
const ROLES: [&str; 3] = ["DATA_STEWARD", "DATA_SCIENTIST", "GUEST"];
/// What is asked for when nothing is named.
const SCOPES: [&str; 2] = ["email", "profile"];

/// Reads a new provider.
pub(super) fn all(fields: &mut Fields, given: &wire::IdentityProvider) -> ProviderChange {
    read(fields, given, |_| true)
}

/// Reads the fields that a request changes.
pub(super) fn masked(fields: &mut Fields, given: &wire::IdentityProvider, mask: Option<&FieldMask>) -> ProviderChange {
    let changeable = |populated| Field::Changeable { populated };
    let resource = [
        ("identity_provider_id", Field::OutputOnly),
        ("organization_id", Field::OutputOnly),
        ("display_name", changeable(!given.display_name.is_empty())),
        ("issuer", changeable(!given.issuer.is_empty())),
        ("client_id", changeable(!given.client_id.is_empty())),
        ("client_secret", changeable(!given.client_secret.is_empty())),
        ("scopes", changeable(!given.scopes.is_empty())),
        ("role_source", changeable(given.role_source != 0)),
        ("role_claim", changeable(!given.role_claim.is_empty())),
        ("role_mappings", changeable(!given.role_mappings.is_empty())),
        ("required_acr_values", changeable(!given.required_acr_values.is_empty())),
        ("required_amr_values", changeable(!given.required_amr_values.is_empty())),
        ("just_in_time", changeable(given.just_in_time)),
        ("linking", changeable(given.linking)),
        ("enabled", changeable(given.enabled)),
        ("redirect_uri", Field::OutputOnly),
        ("etag", Field::OutputOnly),
        ("create_time", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ];
    let mask = fields.mask(mask, &resource);
    read(fields, given, |field| mask.contains(field))
}

fn read(fields: &mut Fields, given: &wire::IdentityProvider, wanted: impl Fn(&str) -> bool) -> ProviderChange {
    let path = |field: &str| format!("identity_provider.{field}");
    let name = wanted("display_name")
        .then(|| fields.line(&path("display_name"), &given.display_name, PersonName::parse))
        .flatten();
    let mut text = |field: &str, value: &str, least: usize, most: usize| {
        wanted(field).then(|| plain(fields, &path(field), value, least, most)).flatten()
    };
    let issuer = text("issuer", &given.issuer, 1, 500);
    let client_id = text("client_id", &given.client_id, 1, 255);
    let client_secret = text("client_secret", &given.client_secret, 0, 1_000);
    let role_claim = text("role_claim", &given.role_claim, 0, 100);
    let mut texts =
        |field: &str, values: &[String], most: usize| wanted(field).then(|| list(fields, &path(field), values, most));
    let scopes = texts("scopes", &given.scopes, 20)
        .map(|scopes| if scopes.is_empty() { SCOPES.map(str::to_owned).to_vec() } else { scopes });
    let contexts = texts("required_acr_values", &given.required_acr_values, 10);
    let methods = texts("required_amr_values", &given.required_amr_values, 10);
    let issuer = issuer.filter(|issuer| {
        let is_plain = !issuer.contains(['?', '#']) && !issuer.ends_with(char::is_whitespace);
        if !is_plain {
            fields.violate(&path("issuer"), "ISSUER_MALFORMED", "must be an address without query and fragment");
        }
        is_plain
    });
    ProviderChange {
        name,
        issuer,
        client_id,
        client_secret,
        scopes,
        role_source: wanted("role_source").then(|| role_source(fields, &path("role_source"), given.role_source)),
        role_claim,
        role_mapping: wanted("role_mappings").then(|| mappings(fields, &path("role_mappings"), &given.role_mappings)),
        required_acr: contexts,
        required_amr: methods,
        just_in_time: wanted("just_in_time").then_some(given.just_in_time),
        linking: wanted("linking").then_some(given.linking),
        enabled: wanted("enabled").then_some(given.enabled),
    }
}

/// Reads a text of visible characters.
fn plain(fields: &mut Fields, field: &str, text: &str, least: usize, most: usize) -> Option<String> {
    let length = text.chars().count();
    if length < least {
        fields.violate(field, "REQUIRED", "is required");
        return None;
    }
    if length > most {
        fields.violate(field, "TOO_LONG", &format!("must have at most {most} characters"));
        return None;
    }
    if text.chars().any(rolecall_kernel::text::is_forbidden) {
        fields.violate(field, "CONTROL_CHARACTER", "must not contain control or invisible formatting characters");
        return None;
    }
    Some(text.to_owned())
}

fn list(fields: &mut Fields, field: &str, values: &[String], most: usize) -> Vec<String> {
    if values.len() > most {
        fields.violate(field, "TOO_MANY", &format!("must have at most {most} entries"));
    }
    let values = values.iter().enumerate().take(most);
    values
        .filter_map(|(index, value)| {
            let field = format!("{field}[{index}]");
            if value.contains(' ') {
                fields.violate(&field, "SPACE", "must not contain spaces");
            }
            plain(fields, &field, value, 1, 200)
        })
        .collect()
}

fn role_source(fields: &mut Fields, field: &str, source: i32) -> RoleSource {
    match wire::RoleSource::try_from(source) {
        Ok(wire::RoleSource::Unspecified | wire::RoleSource::Rolecall) => RoleSource::Rolecall,
        Ok(wire::RoleSource::Claims) => RoleSource::Claims,
        Err(_) => {
            fields.violate(field, "ROLE_SOURCE_UNKNOWN", "must be ROLECALL or CLAIMS");
            RoleSource::Rolecall
        }
    }
}

fn mappings(fields: &mut Fields, field: &str, mappings: &[wire::RoleMapping]) -> Vec<RoleRule> {
    if mappings.len() > 100 {
        fields.violate(field, "TOO_MANY", "must have at most 100 entries");
    }
    let mappings = mappings.iter().enumerate().take(100);
    mappings
        .filter_map(|(index, mapping)| {
            if !ROLES.contains(&mapping.role.as_str()) {
                let known = ROLES.join(", ");
                fields.violate(&format!("{field}[{index}].role"), "ROLE_UNKNOWN", &format!("must be one of {known}"));
            }
            let value = plain(fields, &format!("{field}[{index}].value"), &mapping.value, 1, 200)?;
            Some(RoleRule { value, role: mapping.role.clone() })
        })
        .collect()
}
