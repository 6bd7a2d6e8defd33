//! Organizations whose members have no passwords, and the one owner who keeps one.

use prost::Message as _;
use prost_types::FieldMask;
use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::domain_event::Event;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::stage::{Mood, Stage, block, refused, roles};

fn switched(owner: UserId) -> pb::OrganizationSettings {
    pb::OrganizationSettings {
        login_policy: pb::LoginPolicy::Sso.into(),
        break_glass_user_id: owner.to_string(),
        ..Default::default()
    }
}

async fn update(
    stage: &Stage,
    actor: UserId,
    id: OrganizationId,
    settings: pb::OrganizationSettings,
    paths: &[&str],
) -> Result<pb::OrganizationSettings, Status> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let request = pb::UpdateOrganizationSettingsRequest {
        settings: Some(pb::OrganizationSettings { organization_id: id.to_string(), ..settings }),
        update_mask: Some(FieldMask { paths }).filter(|mask| !mask.paths.is_empty()),
        ..Default::default()
    };
    let answer = stage.organizations(actor).update_organization_settings(request).await?;
    Ok(answer.into_inner().settings.expect("settings"))
}

fn broken(status: &Status) -> Vec<(String, String)> {
    let told = status.get_details_bad_request().map(|told| told.field_violations).unwrap_or_default();
    told.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

fn violation(field: &str, reason: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), reason.to_owned())]
}

async fn found(stage: &Stage) -> (OrganizationId, UserId) {
    stage.identity.set_sso(true, true);
    stage.found("Acme").await
}

on_each_database! {
    async fn passwords_are_switched_off_when_somebody_could_still_log_in(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = found(&stage).await;
        stage.identity.set_sso(false, true);
        assert_eq!(refused(update(&stage, owner, id, switched(owner), &[]).await), "PROVIDER_MISSING");
        stage.identity.set_sso(true, false);
        assert_eq!(refused(update(&stage, owner, id, switched(owner), &[]).await), "BREAK_GLASS_UNFIT");
        stage.identity.set_sso(true, true);
        let steward = stage.add_active(owner, id, &["DATA_STEWARD"]).await;
        let pending = stage.add_pending(owner, id, &["OWNER"]).await;
        let (_, foreign) = stage.found("Other").await;
        for unfit in [steward, pending, foreign, stage.new_user()] {
            assert_eq!(refused(update(&stage, owner, id, switched(unfit), &[]).await), "BREAK_GLASS_UNFIT");
        }
        let second = stage.add_active(owner, id, &["OWNER"]).await;
        stage.block(owner, second).await.expect("blocked");
        assert_eq!(refused(update(&stage, owner, id, switched(second), &[]).await), "BREAK_GLASS_UNFIT");
        stage.identity.set_mood(Mood::Down);
        assert_eq!(refused(update(&stage, owner, id, switched(owner), &[]).await), "PEER_UNAVAILABLE");
        stage.identity.set_mood(Mood::Willing);
        let settings = update(&stage, owner, id, switched(owner), &[]).await.expect("switched");
        assert_eq!((settings.login_policy(), settings.break_glass_user_id.as_str()), (pb::LoginPolicy::Sso, &*owner.to_string()));
        stage.drain().await;
        let told = stage.identity.topics();
        assert_eq!(told.iter().filter(|topic| *topic == "organization.single_sign_on_required").count(), 1);
    }

    async fn administrators_of_the_instance_are_not_left_without_a_way_in(database) {
        let stage = Stage::open(&database).await;
        stage.identity.set_sso(true, true);
        let home = stage.home;
        let second = stage.add_active(stage.admin, home, &["OWNER"]).await;
        assert_eq!(refused(update(&stage, second, home, switched(second), &[]).await), "ADMIN_AMONG_MEMBERS");
        update(&stage, second, home, switched(stage.admin), &[]).await.expect("the administrator keeps its password");
    }

    async fn asvs_v2_2_3_single_sign_on_takes_an_owner_with_a_password_and_no_registrations(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = found(&stage).await;
        let nobody = pb::OrganizationSettings { login_policy: pb::LoginPolicy::Sso.into(), ..Default::default() };
        let told = broken(&update(&stage, owner, id, nobody, &[]).await.expect_err("who has a password"));
        assert_eq!(told, violation("settings.break_glass_user_id", "REQUIRED"));
        let early = pb::OrganizationSettings { break_glass_user_id: owner.to_string(), ..Default::default() };
        let told = broken(&update(&stage, owner, id, early, &[]).await.expect_err("everybody has one"));
        assert_eq!(told, violation("settings.break_glass_user_id", "MISFIT"));
        let open = pb::OrganizationSettings {
            registration_mode: pb::RegistrationMode::SelfService.into(),
            ..Default::default()
        };
        update(&stage, owner, id, open.clone(), &[]).await.expect("open");
        let told = broken(&update(&stage, owner, id, switched(owner), &[]).await.expect_err("open"));
        assert_eq!(told, violation("settings.registration_mode", "MISFIT"));
        update(&stage, owner, id, switched(owner), &["registration_mode", "login_policy", "break_glass_user_id"]).await.expect("both at once");
        let told = broken(&update(&stage, owner, id, open, &[]).await.expect_err("single sign-on"));
        assert_eq!(told, violation("settings.registration_mode", "MISFIT"));
        let wrong = pb::OrganizationSettings {
            login_policy: 9,
            break_glass_user_id: "nobody".to_owned(),
            ..Default::default()
        };
        let told = broken(&update(&stage, owner, id, wrong, &[]).await.expect_err("wrong"));
        assert_eq!(told.len(), 2, "{told:?}");
    }

    async fn the_break_glass_owner_stays_until_another_is_named(database) {
        let stage = Stage::open(&database).await;
        let (id, owner) = found(&stage).await;
        let second = stage.add_active(owner, id, &["OWNER"]).await;
        update(&stage, owner, id, switched(owner), &[]).await.expect("switched");
        let is_kept = "BREAK_GLASS_OWNER";
        assert_eq!(refused(stage.block(second, owner).await), is_kept);
        assert_eq!(refused(stage.members(second).update_member_roles(roles(owner, &["GUEST"])).await), is_kept);
        let end = |user: UserId| pb::EndMemberRequest { user_id: user.to_string(), actor_id: second.to_string() };
        assert_eq!(refused(stage.memberships().end_member(end(owner)).await), is_kept);
        update(&stage, second, id, switched(second), &["break_glass_user_id"]).await.expect("another is named");
        stage.drain().await;
        let told = stage.identity.told().into_iter().filter_map(|event| {
            let event = pb::DomainEvent::decode(event.payload.as_slice()).expect("an event").event;
            event.and_then(|event| if let Event::SingleSignOnRequired(required) = event { Some(required) } else { None })
        });
        let told: Vec<_> =
            told.map(|told| (told.break_glass_user_id, told.previous_break_glass_user_id)).collect();
        let (first, then) = (owner.to_string(), second.to_string());
        assert_eq!(told, [(first.clone(), String::new()), (then, first)], "a replacement is not a switch");
        stage.members(second).block_member(block(owner)).await.expect("one of many now");
        let back = pb::OrganizationSettings { login_policy: pb::LoginPolicy::Managed.into(), ..Default::default() };
        let back = update(&stage, second, id, back, &[]).await.expect("switched back");
        assert_eq!((back.login_policy(), back.break_glass_user_id.as_str()), (pb::LoginPolicy::Managed, ""));
        stage.memberships().end_member(end(owner)).await.expect("nobody special");
    }
}
