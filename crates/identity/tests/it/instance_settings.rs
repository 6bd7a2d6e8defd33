//! How the installation presents itself.

use std::time::Duration;

use prost::Message as _;
use prost_types::FieldMask;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, bearer, reason, request_id};
use crate::profile::violations;

fn update(settings: InstanceSettings, paths: &[&str]) -> UpdateSettingsRequest {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = Some(FieldMask { paths }).filter(|mask| !mask.paths.is_empty());
    UpdateSettingsRequest { settings: Some(settings), update_mask, ..Default::default() }
}

fn named(name: &str) -> InstanceSettings {
    InstanceSettings { name: name.to_owned(), ..Default::default() }
}

async fn change(world: &World, token: &str, request: UpdateSettingsRequest) -> Result<InstanceSettings, Status> {
    let answer = world.instance().update_settings(bearer(token, request)).await?;
    Ok(answer.into_inner().settings.expect("settings"))
}

async fn get(world: &World, token: &str) -> Result<InstanceSettings, Status> {
    let answer = world.instance().get_settings(bearer(token, GetSettingsRequest {})).await?;
    Ok(answer.into_inner().settings.expect("settings"))
}

async fn info(world: &World) -> GetServerInfoResponse {
    world.instance().get_server_info(GetServerInfoRequest {}).await.expect("told").into_inner()
}

on_each_database! {
    async fn the_identifier_of_the_first_start_counts_in_every_process(database) {
        let world = World::start(&database).await;
        let first = info(&world).await;
        assert_eq!((first.name.as_str(), first.instance_id.len()), ("Rolecall", 36));
        assert!(first.organization_directory && !first.guests_allowed && first.welcome_text.is_empty());
        let replica = world.replica(&database).await;
        assert_eq!(info(&replica).await, first);
    }

    async fn an_administrator_names_the_installation_and_all_processes_say_so(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let replica = world.replica(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let settings = InstanceSettings {
            welcome_text: "Welcome.\r\nBe kind.".to_owned(),
            ..named("Institute of Examples")
        };
        let changed = change(&world, &token, update(settings, &[])).await.expect("changed");
        assert_eq!((changed.name.as_str(), changed.welcome_text.as_str()), ("Institute of Examples", "Welcome.\nBe kind."));
        assert!(changed.organization_directory && changed.update_time.is_some());
        let off = update(InstanceSettings::default(), &["organization_directory", "welcome_text"]);
        let changed = change(&world, &token, off).await.expect("changed");
        assert!(!changed.organization_directory && changed.welcome_text.is_empty());
        assert_eq!(get(&world, &token).await.expect("read"), changed);
        for world in [&world, &replica] {
            let info = info(world).await;
            assert_eq!((info.name.as_str(), info.organization_directory), ("Institute of Examples", false));
            let request = bearer(&world.service_token(), GetInstanceRequest {});
            let told = world.directory().get_instance(request).await.expect("told").into_inner();
            assert_eq!((told.name.as_str(), told.organization_directory), ("Institute of Examples", false));
        }
        let request = bearer(&token, EnrollTotpRequest::default());
        let shown = world.accounts().enroll_totp(request).await.expect("begun").into_inner();
        let uri = shown.enrollment.expect("an enrolment").otpauth_uri;
        assert!(uri.starts_with("otpauth://totp/Institute%20of%20Examples:"), "{uri}");
    }

    async fn guests_are_allowed_where_the_home_organization_allows_them(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        assert!(!info(&world).await.guests_allowed);
        world.peers.known().guests_allowed.insert(admin.organization_id);
        assert!(info(&world).await.guests_allowed);
    }

    async fn only_administrators_see_and_change_the_settings(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let (_, owner) = world.second_organization("charles@example.org").await;
        assert_eq!(reason(&get(&world, &owner.access_token).await.expect_err("an owner")), "PERMISSION_MISSING");
        let told = change(&world, &owner.access_token, update(named("Mine"), &[])).await.expect_err("an owner");
        assert_eq!(reason(&told), "PERMISSION_MISSING");
        let begun = world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_mins(3));
        let request = RefreshTokensRequest { refresh_token: begun.refresh_token, ..Default::default() };
        let tokens = world.authentication().refresh_tokens(request).await.expect("refreshed").into_inner().tokens;
        world.clock.advance(Duration::from_mins(3));
        let token = tokens.expect("tokens").access_token;
        let told = change(&world, &token, update(named("Late"), &[])).await.expect_err("it logged in long ago");
        assert_eq!(reason(&told), "STEP_UP_REQUIRED");
        get(&world, &token).await.expect("reading asks for nothing");
    }

    async fn what_is_wrong_is_told_and_late_changes_are_refused(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let wrong = InstanceSettings { welcome_text: "x".repeat(2_001), ..named("Line\nbreak") };
        let told = violations(&change(&world, &token, update(wrong, &[])).await.expect_err("wrong"));
        let expected = [("settings.name", "CONTROL_CHARACTER"), ("settings.welcome_text", "TOO_LONG")];
        assert_eq!(told, expected.map(|(field, why)| (field.to_owned(), why.to_owned())));
        let told = violations(&change(&world, &token, update(named(""), &["name"])).await.expect_err("empty"));
        assert_eq!(told, [("settings.name".to_owned(), "REQUIRED".to_owned())]);
        let told = change(&world, &token, UpdateSettingsRequest::default()).await.expect_err("empty");
        assert_eq!(violations(&told), [("settings".to_owned(), "REQUIRED".to_owned())]);
        let etag = get(&world, &token).await.expect("read").etag;
        let based = |name: &str| update(InstanceSettings { etag: etag.clone(), ..named(name) }, &[]);
        let trial = UpdateSettingsRequest { validate_only: true, ..based("Tried") };
        assert_eq!(change(&world, &token, trial).await.expect("it would").name, "Tried");
        let changed = change(&world, &token, based("First")).await.expect("in time");
        let late = change(&world, &token, based("Second")).await.expect_err("late");
        let told = late.get_details_error_info().expect("info");
        assert_eq!((told.reason.as_str(), told.metadata.get("etag")), ("ETAG_MISMATCH", Some(&changed.etag)));
        assert_eq!(get(&world, &token).await.expect("read"), changed);
    }

    async fn a_repeat_is_answered_as_before_and_a_change_is_audited_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let request = UpdateSettingsRequest { request_id: request_id(&world.clock), ..update(named("First"), &[]) };
        let first = change(&world, &token, request.clone()).await.expect("changed");
        change(&world, &token, update(named("Second"), &[])).await.expect("changed");
        assert_eq!(change(&world, &token, request.clone()).await.expect("as before"), first);
        let other = UpdateSettingsRequest { settings: Some(named("Other")), ..request };
        assert_eq!(reason(&change(&world, &token, other).await.expect_err("other")), "REQUEST_ID_REUSED");
        world.identity.relay().drain().await;
        let known = world.peers.known();
        let told = known.audit.iter().filter(|event| event.topic == "identity.instance_settings_changed");
        let told: Vec<_> = told.map(|event| DomainEvent::decode(event.payload.as_slice()).expect("an event")).collect();
        assert_eq!(told.len(), 2);
        let Some(domain_event::Event::InstanceSettingsChanged(changed)) = &told[0].event else { panic!("the change") };
        assert_eq!((&changed.old_settings[..], &changed.new_settings[..]), (&["name=Rolecall".to_owned()][..], &["name=First".to_owned()][..]));
    }
}
