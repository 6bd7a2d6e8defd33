//! What people want to be told, looked at when it is about to be sent.

use prost_types::FieldMask;
use rolecall_api::notification::v1::{
    Category, CategoryPreference, DeliveryState, Digest, GetPreferencesRequest, Preferences, QuietHours,
    UpdatePreferencesRequest,
};
use rolecall_kernel::id::{RequestId, SubjectId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::notifications::{reason, send, to, user};
use crate::world::{DAY, MINUTE, World, smtp};

pub(crate) async fn get(world: &World, person: SubjectId) -> Preferences {
    let answer = world.preferences(world.as_person(person)).get_preferences(GetPreferencesRequest {}).await;
    answer.expect("read").into_inner().preferences.expect("preferences")
}

async fn update(world: &World, person: SubjectId, request: UpdatePreferencesRequest) -> Result<Preferences, Status> {
    let answer = world.preferences(world.as_person(person)).update_preferences(request).await?;
    Ok(answer.into_inner().preferences.expect("preferences"))
}

pub(crate) fn change(paths: &[&str], preferences: Preferences) -> UpdatePreferencesRequest {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = Some(FieldMask { paths });
    UpdatePreferencesRequest { preferences: Some(preferences), update_mask, ..Default::default() }
}

fn switch(category: Category, mail: bool, inbox: bool) -> CategoryPreference {
    CategoryPreference { category: category.into(), mail, inbox, ..Default::default() }
}

on_each_database! {
    async fn only_what_is_named_changes_and_only_the_version_that_was_read(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let fresh = get(&world, ada).await;
        assert!(fresh.enabled && fresh.update_time.is_none() && fresh.digest() == Digest::Off);
        let categories = vec![switch(Category::Workflow, false, true), switch(Category::Security, true, true)];
        let wanted = Preferences {
            categories,
            locale: "pt-br".to_owned(),
            time_zone: "europe/lisbon".to_owned(),
            etag: fresh.etag.clone(),
            ..Preferences::default()
        };
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let request = UpdatePreferencesRequest { request_id, preferences: Some(wanted), update_mask: None };
        let changed = update(&world, ada, request.clone()).await.expect("changed");
        assert_eq!((changed.locale.as_str(), changed.time_zone.as_str()), ("pt-BR", "Europe/Lisbon"));
        assert!(changed.enabled && changed.update_time.is_some());
        let off: Vec<_> = changed.categories.iter().filter(|one| !one.mail || !one.inbox).collect();
        assert_eq!((off.len(), off[0].category(), off[0].inbox), (1, Category::Workflow, true));
        assert_eq!(get(&world, ada).await, changed);
        assert_eq!(update(&world, ada, request.clone()).await.expect("the same"), changed, "a repeat changes nothing");
        let late = UpdatePreferencesRequest { request_id: String::new(), ..request };
        let status = update(&world, ada, late).await.expect_err("an older version");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "PREFERENCES_CHANGED"));
        assert_eq!(status.get_details_error_info().expect("ErrorInfo").metadata["etag"], changed.etag);
        assert_eq!(get(&world, world.person("Bob")).await.etag, fresh.etag, "nobody else's changed");
        world.notification.relay().drain().await;
        assert_eq!(world.doubles.know(|known| known.audited.clone()), ["notification.preferences_updated"]);
    }

    /// ASVS: T31
    async fn the_one_switch_holds_back_everything_but_what_is_mandatory(database) {
        let world = World::new(database).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        // Accepted before it was switched off: what counts is what the person wants when it is sent.
        let sent = send(&world, to(vec![user(ada)])).await.expect("accepted");
        update(&world, ada, change(&["enabled"], Preferences::default())).await.expect("off");
        world.ingest(vec![world.blocked(engines, grace, ada)]).await;
        world.drain().await;
        let mails = world.sink.mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].subject(), "Your account in Engines was blocked");
        let kept: Vec<_> = world.all().await.into_iter().filter(|one| one.template == "message").collect();
        assert_eq!((kept.len(), kept[0].state(), kept[0].suppression.as_str()), (1, DeliveryState::Suppressed, "preference"));
        assert_eq!(kept[0].category(), Category::Workflow);
        assert_eq!(sent.recipient_count, 1);
        update(&world, ada, change(&["enabled"], Preferences { enabled: true, ..Default::default() })).await.expect("on");
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!((world.drain().await, world.sink.mails().len()), (1, 2));
    }

    async fn mail_waits_for_the_end_of_quiet_hours(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let minute = world.clock.now().as_seconds().rem_euclid(86_400) / 60;
        let clock = |minutes: i64| format!("{:02}:{:02}", minutes.rem_euclid(1_440) / 60, minutes.rem_euclid(60));
        let hours = QuietHours { start: clock(minute - 60), end: clock(minute + 60) };
        let quiet = Preferences { quiet_hours: Some(hours), ..Default::default() };
        update(&world, ada, change(&["quiet_hours"], quiet)).await.expect("quiet");
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        assert!(world.sink.mails().is_empty());
        assert_eq!(world.outcomes().await, ["held"]);
        assert_eq!(world.drain_after(MINUTE * 50).await, 0, "not before their end");
        assert_eq!(world.drain_after(MINUTE * 11).await, 1);
        assert_eq!((world.sink.mails().len(), world.outcomes().await), (1, vec!["held".to_owned(), "sent".to_owned()]));
        let without = update(&world, ada, change(&["quiet_hours"], Preferences::default())).await.expect("taken away");
        assert_eq!(without.quiet_hours, None);
    }

    async fn a_digest_tells_in_one_mail_what_came_since(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        let daily = Preferences { digest: Digest::Daily.into(), ..Default::default() };
        update(&world, ada, change(&["digest"], daily)).await.expect("daily");
        for _ in 0..3 {
            send(&world, to(vec![user(ada), user(bob)])).await.expect("accepted");
        }
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 3, "Bob gets each by itself");
        world.doubles.know(|known| "ada@new.example".clone_into(&mut known.contacts.get_mut(&ada.to_string()).expect("Ada").email));
        world.drain_after(DAY).await;
        world.drain_after(DAY).await;
        let mails = world.sink.mails();
        assert_eq!(mails.len(), 4);
        assert_eq!((mails[3].recipients[0].as_str(), mails[3].subject().as_str()), ("ada@new.example", "3 notifications"));
        assert_eq!(mails[3].text().matches("- Spec 7 was approved").count(), 3, "{}", mails[3].text());
        assert!(mails[3].header("List-Unsubscribe").is_some());
    }

    async fn more_than_a_day_may_bring_is_told_by_a_digest(database) {
        let world = World::with(database, |config, port| {
            config.smtp = Some(smtp(port));
            config.mails_per_day = 2;
        }).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        for _ in 0..4 {
            send(&world, to(vec![user(ada)])).await.expect("the sender hears nothing of it");
        }
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 2);
        // What is mandatory is neither counted nor held back.
        world.ingest(vec![world.blocked(engines, grace, ada)]).await;
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 3);
        world.drain_after(DAY).await;
        let mails = world.sink.mails();
        assert_eq!((mails.len(), mails[3].subject().as_str()), (4, "2 notifications"));
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 5, "a day later it comes by itself");
    }

    async fn two_processes_make_one_digest(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let daily = Preferences { digest: Digest::Daily.into(), ..Default::default() };
        update(&world, ada, change(&["digest"], daily)).await.expect("daily");
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        world.clock.advance(DAY);
        let other = world.replica();
        let (one, two) = tokio::join!(world.notification.drain(), other.drain());
        assert_eq!((one.expect("drained") + two.expect("drained"), world.sink.mails().len()), (1, 1));
    }
}

#[tokio::test]
async fn what_is_mandatory_cannot_be_switched_off_and_every_mistake_is_told() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let ada = world.person("Ada");
    let wrong = Preferences {
        categories: vec![
            switch(Category::Security, false, true),
            switch(Category::Workflow, true, true),
            switch(Category::Workflow, true, true),
            switch(Category::Unspecified, true, true),
        ],
        locale: "deutsch".to_owned(),
        digest: 9,
        time_zone: "Berlin".to_owned(),
        quiet_hours: Some(QuietHours { start: "25:00".to_owned(), end: "7".to_owned() }),
        ..Default::default()
    };
    let request = UpdatePreferencesRequest { request_id: "7".to_owned(), preferences: Some(wrong), update_mask: None };
    let status = update(&world, ada, request).await.expect_err("invalid");
    let found = status.get_details_bad_request().expect("BadRequest").field_violations;
    let told: Vec<_> =
        found.iter().map(|one| (one.field.trim_start_matches("preferences."), one.reason.as_str())).collect();
    let wanted = [
        ("request_id", "ID_INVALID"),
        ("categories[0]", "MANDATORY"),
        ("categories[2]", "DUPLICATE"),
        ("categories[3].category", "CATEGORY_UNKNOWN"),
        ("locale", "LOCALE_INVALID"),
        ("digest", "DIGEST_UNKNOWN"),
        ("time_zone", "TIME_ZONE_UNKNOWN"),
        ("quiet_hours.start", "TIME_INVALID"),
        ("quiet_hours.end", "TIME_INVALID"),
    ];
    assert_eq!(told, wanted);
    let status = update(&world, ada, UpdatePreferencesRequest::default()).await.expect_err("nothing");
    let found = status.get_details_bad_request().expect("BadRequest").field_violations;
    assert_eq!(found.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["preferences", "update_mask"]);
    let same = QuietHours { start: "07:00".to_owned(), end: "07:00".to_owned() };
    let empty = Preferences { quiet_hours: Some(same), ..Default::default() };
    assert!(update(&world, ada, change(&["quiet_hours"], empty)).await.is_err(), "hours that are none");
    assert_eq!(get(&world, ada).await.etag, "v0", "nothing changed");
}
