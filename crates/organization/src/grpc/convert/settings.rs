//! Requests about how an organization wants to be run.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_kernel::id::{OrganizationId, RequestId, UserId};
use rolecall_kernel::page::PageSize;
use rolecall_kernel::text::EmailDomain;
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::page::{by_creation, page_size as size, position};
use super::{Fields as _, Noted, OrganizationFields as _};
use crate::app::update_settings as update;
use crate::domain::page::Position;
use crate::domain::settings::{
    Change, LoginPolicy, MAX_DOMAINS, PasswordPolicy, RegistrationMode, SettingsChange, StoredSettings,
};
use crate::grpc::status::{invalid, organization_missing};
use crate::grpc::{Api, origin, render};
use rolecall_db::once::Repeat;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Reads which organization is meant; empty is the caller's own.
pub(in crate::grpc) fn own_or(caller: &Caller, text: &str) -> Result<OrganizationId, Status> {
    match text {
        "" => caller.organization().ok_or_else(organization_missing),
        text => super::one_id("organization_id", text, OrganizationId::parse),
    }
}

pub(in crate::grpc) fn update_settings(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateOrganizationSettingsRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let Some(settings) = &request.settings else {
        violations.push("settings", "REQUIRED", "is required");
        return Err(invalid(violations));
    };
    let organization = place(&mut violations, caller, "settings.organization_id", &settings.organization_id);
    let mask = Mask::read(&mut violations, request.update_mask.as_ref(), &fields(settings));
    let change = change(&mut violations, &mask, settings);
    let (Ok(request_id), Some(organization_id), true) = (request_id, organization, violations.is_empty()) else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.OrganizationService/UpdateOrganizationSettings";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&StoredSettings) -> Vec<u8> = |settings| render::settings_updated(settings).encode_to_vec();
    Ok(update::Command {
        organization_id,
        scope: caller.scope("organization.settings.update"),
        origin: origin(caller),
        change,
        etag: Some(settings.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

/// Reads the organization of a resource; empty is the caller's own.
pub fn place(violations: &mut Violations, caller: &Caller, field: &str, text: &str) -> Option<OrganizationId> {
    if !text.is_empty() {
        return violations.id(field, text, OrganizationId::parse);
    }
    if caller.organization().is_none() {
        violations.push(field, "REQUIRED", "is required of who belongs to no organization");
    }
    caller.organization()
}

fn fields(settings: &pb::OrganizationSettings) -> [(&'static str, Field); 15] {
    let (password, session) =
        (settings.password_policy.unwrap_or_default(), settings.session_limits.unwrap_or_default());
    let field = |populated| Field::Changeable { populated };
    [
        ("registration_mode", field(settings.registration_mode != 0)),
        ("allowed_email_domains", field(!settings.allowed_email_domains.is_empty())),
        ("mfa_policy", field(settings.mfa_policy != 0)),
        ("password_policy.min_characters", field(password.min_characters != 0)),
        ("password_policy.require_three_classes", field(password.require_three_classes)),
        ("invitation_lifetime", field(settings.invitation_lifetime.is_some())),
        ("session_limits.idle", field(session.idle.is_some())),
        ("session_limits.absolute", field(session.absolute.is_some())),
        ("guest_sessions", field(settings.guest_sessions)),
        ("owner_impersonation", field(settings.owner_impersonation)),
        ("login_policy", field(settings.login_policy != 0)),
        ("break_glass_user_id", field(!settings.break_glass_user_id.is_empty())),
        ("organization_id", Field::OutputOnly),
        ("etag", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ]
}

/// Reads the new values of the fields that are meant.
fn change(violations: &mut Violations, mask: &Mask, settings: &pb::OrganizationSettings) -> SettingsChange {
    let (password, session) =
        (settings.password_policy.unwrap_or_default(), settings.session_limits.unwrap_or_default());
    let meant = |path| mask.contains(path).then_some(());
    let mut read = |path, value, range| {
        meant(path).map_or(Change::Kept, |()| duration(violations, &format!("settings.{path}"), value, range))
    };
    let invitation_lifetime =
        read("invitation_lifetime", settings.invitation_lifetime, (HOUR, DAY * 30, "1 hour to 30 days"));
    let session_idle = read("session_limits.idle", session.idle, (MINUTE * 5, DAY, "5 minutes to 24 hours"));
    let session_absolute =
        read("session_limits.absolute", session.absolute, (MINUTE * 15, DAY * 7, "15 minutes to 7 days"));
    SettingsChange {
        registration_mode: meant("registration_mode").and_then(|()| mode(violations, settings.registration_mode)),
        allowed_email_domains: meant("allowed_email_domains")
            .and_then(|()| domains(violations, &settings.allowed_email_domains)),
        mfa_policy: meant("mfa_policy")
            .and_then(|()| violations.mfa_policy("settings.mfa_policy", settings.mfa_policy)),
        min_characters: meant("password_policy.min_characters")
            .map_or(Change::Kept, |()| min_characters(violations, password.min_characters)),
        require_three_classes: meant("password_policy.require_three_classes").map(|()| password.require_three_classes),
        invitation_lifetime,
        session_idle,
        session_absolute,
        guest_sessions: meant("guest_sessions").map(|()| settings.guest_sessions),
        owner_impersonation: meant("owner_impersonation").map(|()| settings.owner_impersonation),
        login_policy: meant("login_policy").and_then(|()| login_policy(violations, settings.login_policy)),
        break_glass: meant("break_glass_user_id")
            .map_or(Change::Kept, |()| break_glass(violations, &settings.break_glass_user_id)),
    }
}

fn mode(violations: &mut Violations, mode: i32) -> Option<RegistrationMode> {
    match pb::RegistrationMode::try_from(mode) {
        Ok(pb::RegistrationMode::Unspecified | pb::RegistrationMode::Manual) => Some(RegistrationMode::Manual),
        Ok(pb::RegistrationMode::SelfService) => Some(RegistrationMode::SelfService),
        Err(_) => {
            let description = "must be REGISTRATION_MODE_MANUAL or REGISTRATION_MODE_SELF_SERVICE";
            violations.push("settings.registration_mode", "ENUM_UNKNOWN", description);
            None
        }
    }
}

fn login_policy(violations: &mut Violations, policy: i32) -> Option<LoginPolicy> {
    match pb::LoginPolicy::try_from(policy) {
        Ok(pb::LoginPolicy::Unspecified | pb::LoginPolicy::Managed) => Some(LoginPolicy::Managed),
        Ok(pb::LoginPolicy::Sso) => Some(LoginPolicy::Sso),
        Err(_) => {
            let description = "must be LOGIN_POLICY_MANAGED or LOGIN_POLICY_SSO";
            violations.push("settings.login_policy", "ENUM_UNKNOWN", description);
            None
        }
    }
}

fn break_glass(violations: &mut Violations, id: &str) -> Change<UserId> {
    if id.is_empty() {
        return Change::To(None);
    }
    Change::To(violations.id("settings.break_glass_user_id", id, UserId::parse))
}

/// Reads domains into their canonical forms, in order, each once.
fn domains(violations: &mut Violations, names: &[String]) -> Option<Vec<EmailDomain>> {
    let field = "settings.allowed_email_domains";
    if names.len() > MAX_DOMAINS {
        violations.push(field, "TOO_MANY", format!("must have at most {MAX_DOMAINS} entries"));
        return None;
    }
    let mut domains: Vec<EmailDomain> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| violations.text(&format!("{field}[{index}]"), name, EmailDomain::parse))
        .collect();
    domains.sort();
    domains.dedup();
    Some(domains)
}

/// Zero leaves it to the policy for second factors.
fn min_characters(violations: &mut Violations, characters: i32) -> Change<u16> {
    if characters == 0 {
        return Change::To(None);
    }
    let range = PasswordPolicy::LEAST..=PasswordPolicy::MOST;
    let characters = u16::try_from(characters).ok().filter(|characters| range.contains(characters));
    if characters.is_none() {
        let (least, most) = (range.start(), range.end());
        let description = format!("must be 0 or {least} to {most}, at least 15 where no second factor is required");
        violations.push("settings.password_policy.min_characters", "OUT_OF_RANGE", description);
    }
    Change::To(characters)
}

/// Reads a duration; none leaves it to the instance.
fn duration(
    violations: &mut Violations,
    field: &str,
    duration: Option<prost_types::Duration>,
    (least, most, named): (Duration, Duration, &str),
) -> Change<Duration> {
    let Some(duration) = duration else { return Change::To(None) };
    let duration = Duration::try_from(duration).ok().filter(|duration| (least..=most).contains(duration));
    if duration.is_none() {
        violations.push(field, "OUT_OF_RANGE", format!("must be {named}"));
    }
    // Nobody means fractions; whole seconds are what is shown.
    Change::To(duration.map(|duration| Duration::from_secs(duration.as_secs())))
}

pub(in crate::grpc) fn list_discoverable(
    api: &Api,
    binding: &[&str],
    request: &pb::ListDiscoverableOrganizationsRequest,
) -> Result<(Option<Position>, PageSize), Status> {
    let mut violations = Violations::default();
    let size = size(&mut violations, request.page_size);
    let after: Result<_, Noted> = position(&mut violations, api, binding, &request.page_token, by_creation);
    match (after, size) {
        (Ok(after), Some(size)) => Ok((after, size)),
        _ => Err(invalid(violations)),
    }
}
