//! How organizations want to be run, and which of them strangers find.

use prost_types::{Duration, FieldMask};
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::stage::{Mood, Stage, bytes, reason, refused};

fn request(
    id: OrganizationId,
    settings: pb::OrganizationSettings,
    paths: &[&str],
) -> pb::UpdateOrganizationSettingsRequest {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateOrganizationSettingsRequest {
        settings: Some(pb::OrganizationSettings { organization_id: id.to_string(), ..settings }),
        update_mask: Some(FieldMask { paths }).filter(|mask| !mask.paths.is_empty()),
        ..Default::default()
    }
}

async fn update(
    stage: &Stage,
    user: UserId,
    request: pb::UpdateOrganizationSettingsRequest,
) -> Result<pb::OrganizationSettings, Status> {
    let answer = stage.organizations(user).update_organization_settings(request).await?;
    Ok(answer.into_inner().settings.expect("settings"))
}

async fn get(stage: &Stage, user: UserId, id: impl ToString) -> Result<pb::OrganizationSettings, Status> {
    let request = pb::GetOrganizationSettingsRequest { organization_id: id.to_string() };
    let answer = stage.organizations(user).get_organization_settings(request).await?;
    Ok(answer.into_inner().settings.expect("settings"))
}

const fn lasting(hours: i64) -> Duration {
    Duration { seconds: hours * 3_600, nanos: 0 }
}

fn open() -> pb::OrganizationSettings {
    pb::OrganizationSettings { registration_mode: pb::RegistrationMode::SelfService.into(), ..Default::default() }
}

fn broken(status: &Status) -> Vec<(String, String)> {
    let told = status.get_details_bad_request().map(|told| told.field_violations).unwrap_or_default();
    told.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

async fn directory(stage: &Stage, size: i32, token: &str) -> Result<pb::ListDiscoverableOrganizationsResponse, Status> {
    let request = pb::ListDiscoverableOrganizationsRequest { page_size: size, page_token: token.to_owned() };
    Ok(stage.organizations(stage.admin).list_discoverable_organizations(request).await?.into_inner())
}

on_each_database! {
    async fn an_organization_begins_closed(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let settings = get(&stage, owner, "").await.expect("its own");
        assert_eq!(settings.organization_id, id.to_string());
        assert_eq!(settings.registration_mode(), pb::RegistrationMode::Manual);
        assert_eq!(settings.mfa_policy(), pb::MfaPolicy::Required);
        assert_eq!(settings.password_policy, Some(pb::PasswordPolicy::default()));
        assert_eq!(settings.session_limits, Some(pb::SessionLimits::default()));
        assert!(settings.allowed_email_domains.is_empty() && settings.invitation_lifetime.is_none());
        assert!(!settings.guest_sessions && !settings.owner_impersonation && settings.update_time.is_none());
    }

    async fn settings_change_field_by_field_and_are_told_to_the_services(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let new = pb::OrganizationSettings {
            registration_mode: pb::RegistrationMode::SelfService.into(),
            allowed_email_domains: ["B\u{fc}cher.example", "a.example", "A.EXAMPLE"].map(str::to_owned).to_vec(),
            password_policy: Some(pb::PasswordPolicy { min_characters: 20, require_three_classes: true }),
            invitation_lifetime: Some(lasting(24)),
            session_limits: Some(pb::SessionLimits { idle: Some(lasting(1)), absolute: Some(lasting(8)) }),
            guest_sessions: true,
            owner_impersonation: true,
            ..Default::default()
        };
        let changed = update(&stage, owner, request(id, new.clone(), &[])).await.expect("changes");
        assert_eq!(changed.allowed_email_domains, ["a.example", "xn--bcher-kva.example"]);
        assert_eq!((changed.password_policy, changed.session_limits), (new.password_policy, new.session_limits));
        assert!(changed.update_time.is_some() && changed.mfa_policy() == pb::MfaPolicy::Required);
        let paths = ["password_policy.min_characters", "session_limits", "guest_sessions"];
        let back = update(&stage, stage.admin, request(id, pb::OrganizationSettings::default(), &paths)).await;
        let back = back.expect("an administrator may");
        let policy = pb::PasswordPolicy { min_characters: 0, require_three_classes: true };
        assert_eq!((back.password_policy, back.session_limits), (Some(policy), Some(pb::SessionLimits::default())));
        assert!(!back.guest_sessions && back.owner_impersonation && back.etag != changed.etag);
        let request = pb::BatchGetOrganizationsRequest { organization_ids: vec![id.to_string(), stage.random_id()] };
        let told = stage.memberships().batch_get_organizations(request).await.expect("told").into_inner();
        assert_eq!((told.organizations.len(), told.settings), (1, vec![back.clone()]));
        assert_eq!(get(&stage, owner, id).await.expect("reads"), back);
    }

    async fn asvs_v8_2_1_only_those_in_charge_see_and_change_settings(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let (other, stranger) = stage.found("Other").await;
        let steward = stage.add_active(owner, id, &["DATA_STEWARD"]).await;
        assert_eq!(refused(get(&stage, steward, "").await), "PERMISSION_MISSING");
        assert_eq!(refused(update(&stage, steward, request(id, open(), &[])).await), "PERMISSION_MISSING");
        let foreign = get(&stage, stranger, id).await.expect_err("foreign");
        let random = get(&stage, stranger, stage.random_id()).await.expect_err("random");
        assert_eq!(bytes(&foreign), bytes(&random));
        assert_eq!(reason(&foreign), "ORGANIZATION_NOT_FOUND");
        let foreign = update(&stage, stranger, request(id, open(), &[])).await.expect_err("foreign");
        assert_eq!(reason(&foreign), "ORGANIZATION_NOT_FOUND");
        update(&stage, stage.admin, request(other, open(), &[])).await.expect("an administrator may everywhere");
    }

    async fn a_late_change_is_told_the_version(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let etag = get(&stage, owner, id).await.expect("reads").etag;
        let based = |etag: &str| request(id, pb::OrganizationSettings { etag: etag.to_owned(), ..open() }, &[]);
        let changed = update(&stage, owner, based(&etag)).await.expect("in time");
        let late = update(&stage, owner, based(&etag)).await.expect_err("late");
        let info = late.get_details_error_info().expect("info");
        assert_eq!((info.reason.as_str(), info.metadata.get("etag")), ("ETAG_MISMATCH", Some(&changed.etag)));
        let same = update(&stage, owner, based(&changed.etag)).await.expect("in time");
        assert_eq!(same, changed, "what changes nothing leaves the version");
    }

    async fn a_repeat_is_answered_as_before_and_a_trial_changes_nothing(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let named = pb::UpdateOrganizationSettingsRequest { request_id: stage.random_id(), ..request(id, open(), &[]) };
        let before = get(&stage, owner, id).await.expect("reads");
        let trial = pb::UpdateOrganizationSettingsRequest { validate_only: true, ..named.clone() };
        let would = update(&stage, owner, trial).await.expect("it would");
        assert_eq!(would.registration_mode(), pb::RegistrationMode::SelfService);
        assert_eq!(get(&stage, owner, id).await.expect("reads"), before);
        let first = update(&stage, owner, named.clone()).await.expect("changes");
        let closed = pb::OrganizationSettings { registration_mode: pb::RegistrationMode::Manual.into(), ..Default::default() };
        update(&stage, owner, request(id, closed.clone(), &[])).await.expect("changes back");
        assert_eq!(update(&stage, owner, named.clone()).await.expect("as before"), first);
        let other = pb::UpdateOrganizationSettingsRequest { request_id: named.request_id, ..request(id, closed, &[]) };
        assert_eq!(refused(update(&stage, owner, other).await), "REQUEST_ID_REUSED");
    }

    async fn all_that_is_wrong_is_told_at_once(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let wrong = pb::OrganizationSettings {
            registration_mode: 9,
            allowed_email_domains: ["a.example", "not a domain", ""].map(str::to_owned).to_vec(),
            mfa_policy: 9,
            password_policy: Some(pb::PasswordPolicy { min_characters: 7, require_three_classes: false }),
            invitation_lifetime: Some(lasting(721)),
            session_limits: Some(pb::SessionLimits { idle: Some(lasting(25)), absolute: Some(Duration { seconds: -1, nanos: 0 }) }),
            ..Default::default()
        };
        let told = broken(&update(&stage, owner, request(id, wrong, &[])).await.expect_err("wrong"));
        let expected = [
            ("settings.invitation_lifetime", "OUT_OF_RANGE"),
            ("settings.session_limits.idle", "OUT_OF_RANGE"),
            ("settings.session_limits.absolute", "OUT_OF_RANGE"),
            ("settings.registration_mode", "ENUM_UNKNOWN"),
            ("settings.allowed_email_domains[1]", "DOMAIN_MALFORMED"),
            ("settings.allowed_email_domains[2]", "REQUIRED"),
            ("settings.mfa_policy", "ENUM_UNKNOWN"),
            ("settings.password_policy.min_characters", "OUT_OF_RANGE"),
        ];
        assert_eq!(told, expected.map(|(field, why)| (field.to_owned(), why.to_owned())));
        let many = (0..101).map(|index| format!("d{index}.example")).collect();
        let many = pb::OrganizationSettings { allowed_email_domains: many, ..Default::default() };
        let told = broken(&update(&stage, owner, request(id, many, &[])).await.expect_err("too many"));
        assert_eq!(told, [("settings.allowed_email_domains".to_owned(), "TOO_MANY".to_owned())]);
        let nothing = request(id, pb::OrganizationSettings::default(), &[]);
        let told = broken(&update(&stage, owner, nothing).await.expect_err("means nothing"));
        assert_eq!(told, [("update_mask".to_owned(), "REQUIRED".to_owned())]);
        let nothing = pb::UpdateOrganizationSettingsRequest::default();
        let told = broken(&update(&stage, owner, nothing).await.expect_err("means nothing"));
        assert_eq!(told, [("settings".to_owned(), "REQUIRED".to_owned())]);
    }

    async fn asvs_v2_2_3_what_does_not_fit_together_is_refused_whichever_was_there_first(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        let short = pb::PasswordPolicy { min_characters: 8, require_three_classes: false };
        let short = pb::OrganizationSettings { password_policy: Some(short), ..Default::default() };
        update(&stage, owner, request(id, short, &[])).await.expect("fits beside a second factor");
        let optional = pb::OrganizationSettings { mfa_policy: pb::MfaPolicy::Optional.into(), ..Default::default() };
        let alone = update(&stage, owner, request(id, optional.clone(), &[])).await.expect_err("too short alone");
        let field = "settings.password_policy.min_characters".to_owned();
        assert_eq!(broken(&alone), [(field, "OUT_OF_RANGE".to_owned())]);
        let paths = ["mfa_policy", "password_policy.min_characters"];
        let both = update(&stage, owner, request(id, optional, &paths)).await.expect("both at once");
        assert_eq!(both.mfa_policy(), pb::MfaPolicy::Optional);
        let limits = |idle, absolute| {
            let limits = Some(pb::SessionLimits { idle, absolute });
            request(id, pb::OrganizationSettings { session_limits: limits, ..Default::default() }, &[])
        };
        update(&stage, owner, limits(None, Some(lasting(1)))).await.expect("fits");
        let late = update(&stage, owner, limits(Some(lasting(2)), None)).await.expect_err("ends before");
        assert_eq!(broken(&late), [("settings.session_limits.idle".to_owned(), "OUT_OF_RANGE".to_owned())]);
    }

    async fn a_change_is_audited_with_what_was_before(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = stage.found("Acme").await;
        update(&stage, owner, request(id, open(), &[])).await.expect("changes");
        update(&stage, owner, request(id, open(), &[])).await.expect("changes nothing");
        stage.drain().await;
        let topic = "organization.organization_settings_changed".to_owned();
        let list = pb::ListAuditEventsRequest { organization_id: id.to_string(), topic, ..Default::default() };
        let entries = stage.audit(owner).list_audit_events(list).await.expect("lists").into_inner().audit_events;
        assert_eq!(entries.len(), 1);
        let (entry, detail) = (&entries[0], |name: &str| entries[0].details.get(name).cloned());
        assert_eq!(entry.actor_id, owner.to_string());
        assert_eq!(detail("old_settings"), Some("registration_mode=MANUAL".to_owned()));
        assert_eq!(detail("new_settings"), Some("registration_mode=SELF_SERVICE".to_owned()));
    }

    async fn strangers_find_organizations_that_take_registrations(database) {
        let stage = Stage::open(&database).await;
        let mut listed = Vec::new();
        for name in ["First", "Second", "Third"] {
            let (id, owner) = stage.found(name).await;
            stage.clock.advance(std::time::Duration::from_millis(1));
            if name != "Second" {
                update(&stage, owner, request(id, open(), &[])).await.expect("opens");
                listed.push((id.to_string(), name.to_owned()));
            }
        }
        let page = directory(&stage, 1, "").await.expect("lists");
        assert_eq!(page.organizations.len(), 1);
        let policy = page.organizations[0].password_policy.expect("always told");
        assert_eq!((policy.min_characters, policy.require_three_classes), (12, false));
        let rest = directory(&stage, 1, &page.next_page_token).await.expect("lists");
        assert_eq!(rest.next_page_token, "");
        let found = page.organizations.iter().chain(&rest.organizations);
        let found: Vec<_> = found.map(|found| (found.organization_id.clone(), found.name.clone())).collect();
        assert_eq!(found, listed);
        stage.identity.switch_directory(false);
        assert_eq!(directory(&stage, 0, "").await.expect("answers"), pb::ListDiscoverableOrganizationsResponse::default());
        stage.identity.set_mood(Mood::Down);
        assert_eq!(refused(directory(&stage, 0, "").await), "PEER_UNAVAILABLE");
        assert_eq!(refused(directory(&stage, -1, "").await), "REQUEST_INVALID");
        assert_eq!(refused(directory(&stage, 0, "forged").await), "REQUEST_INVALID");
    }
}
