//! Changing the own profile.

use std::sync::Arc;

use prost::Message as _;
use prost_types::FieldMask;
use rolecall_api::identity::v1::domain_event::Event;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, at_once, bearer, reason, request_id};

#[expect(clippy::unnecessary_wraps, reason = "it fills an optional field")]
pub(crate) fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let told = status.get_details_bad_request().map(|told| told.field_violations).unwrap_or_default();
    told.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

/// The fields that each event about a profile names.
pub(crate) async fn fields_told(world: &World) -> Vec<Vec<String>> {
    world.identity.relay().drain().await;
    let known = world.peers.known();
    let events = known.audit.iter().filter(|event| event.topic == "identity.account_updated");
    let decoded = events.map(|event| DomainEvent::decode(event.payload.as_slice()).expect("an event").event);
    decoded
        .filter_map(|event| if let Some(Event::AccountUpdated(told)) = event { Some(told.fields) } else { None })
        .collect()
}

async fn update(world: &World, token: &str, user: User, paths: Option<FieldMask>) -> Result<User, Status> {
    let request = UpdateAccountRequest { user: Some(user), update_mask: paths, ..Default::default() };
    let answer = world.accounts().update_account(bearer(token, request)).await?;
    Ok(answer.into_inner().user.expect("a user"))
}

async fn read(world: &World, token: &str) -> User {
    let answer = world.accounts().get_account(bearer(token, GetAccountRequest {})).await.expect("read");
    answer.into_inner().user.expect("a user")
}

on_each_database! {
    async fn a_person_changes_the_named_fields_and_no_others(database) {
        let (world, before) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let new = User {
            name: "Rear Admiral Hopper".to_owned(),
            institution: "Navy".to_owned(),
            website: "https://example.org/grace".to_owned(),
            ..Default::default()
        };
        let after = update(&world, &token, new, mask(&["institution", "website"])).await.expect("changed");
        assert_eq!((after.name.as_str(), after.institution.as_str()), ("Grace Hopper", "Navy"));
        assert_eq!(after.roles, ["ADMIN", "OWNER"]);
        assert_ne!(after.etag, before.etag);
        assert_eq!(read(&world, &token).await, after);
        let cleared = update(&world, &token, User::default(), mask(&["institution"])).await.expect("cleared");
        assert_eq!((cleared.institution.as_str(), cleared.website.as_str()), ("", "https://example.org/grace"));
        assert_eq!(fields_told(&world).await, [vec!["institution", "website"], vec!["institution"]]);
    }

    async fn an_account_that_was_read_is_given_back_with_a_change(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let mut account = read(&world, &token).await;
        "Amazing Grace".clone_into(&mut account.name);
        let changed = update(&world, &token, account.clone(), None).await.expect("changed");
        assert_eq!(changed.name, "Amazing Grace");
        let same = update(&world, &token, changed.clone(), None).await.expect("the same again");
        assert_eq!(same, changed, "what changes nothing is no change");
        assert_eq!(fields_told(&world).await, [["name"]]);
    }

    /// ASVS: T17
    async fn asvs_v8_2_3_fields_that_are_changed_elsewhere_or_by_nobody_are_refused_all_at_once(database) {
        let (world, before) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let paths = mask(&["name", "email", "roles", "etag", "user.name", "*", "website", "website"]);
        let user = User { website: "ftp://example.org".to_owned(), ..Default::default() };
        let refused = update(&world, &token, user, paths).await.expect_err("refused");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "REQUEST_INVALID"));
        let expected = [
            ("update_mask.paths[1]", "CHANGED_ELSEWHERE"),
            ("update_mask.paths[2]", "OUTPUT_ONLY"),
            ("update_mask.paths[3]", "OUTPUT_ONLY"),
            ("update_mask.paths[4]", "UNKNOWN"),
            ("update_mask.paths[5]", "UNKNOWN"),
            ("update_mask.paths[7]", "DUPLICATE"),
            ("user.name", "REQUIRED"),
            ("user.website", "WEBSITE_MALFORMED"),
        ];
        let expected = expected.map(|(field, why)| (field.to_owned(), why.to_owned()));
        assert_eq!(violations(&refused), expected);
        assert!(refused.message().contains("ChangeEmail"), "{}", refused.message());
        let moved = User { email: "new@example.org".to_owned(), name: "Grace".to_owned(), ..Default::default() };
        let refused = update(&world, &token, moved, None).await.expect_err("refused");
        assert_eq!(violations(&refused), [("user.email".to_owned(), "CHANGED_ELSEWHERE".to_owned())]);
        let nothing = update(&world, &token, User::default(), None).await.expect_err("refused");
        assert_eq!(violations(&nothing), [("update_mask".to_owned(), "REQUIRED".to_owned())]);
        let absent = world.accounts().update_account(bearer(&token, UpdateAccountRequest::default())).await;
        assert_eq!(violations(&absent.expect_err("refused")), [("user".to_owned(), "REQUIRED".to_owned())]);
        assert_eq!(read(&world, &token).await.etag, before.etag, "nothing was stored");
    }

    async fn of_parallel_changes_with_one_etag_one_wins(database) {
        let (world, before) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        let answers = at_once(8, |index| {
            let (world, token, etag) = (Arc::clone(&world), token.clone(), before.etag.clone());
            async move { update(&world, &token, User { name: format!("Grace {index}"), etag, ..Default::default() }, None).await }
        }).await;
        let won: Vec<&User> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert_eq!(won.len(), 1);
        for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!((lost.code(), reason(lost).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
            let told = lost.get_details_error_info().expect("info").metadata;
            assert_eq!(told.get("etag"), Some(&won[0].etag));
        }
        assert_eq!(read(&world, &token).await.name, won[0].name);
    }

    async fn a_repeated_change_is_answered_and_not_done_again(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let etag = read(&world, &token).await.etag;
        let request = UpdateAccountRequest {
            request_id: request_id(&world.clock),
            user: Some(User { name: "Grace".to_owned(), etag, ..Default::default() }),
            ..Default::default()
        };
        let once = world.accounts().update_account(bearer(&token, request.clone())).await.expect("changed").into_inner();
        update(&world, &token, User { name: "Hopper".to_owned(), ..Default::default() }, None).await.expect("changed again");
        let twice = world.accounts().update_account(bearer(&token, request.clone())).await.expect("repeated").into_inner();
        assert_eq!(once, twice);
        assert_eq!(read(&world, &token).await.name, "Hopper");
        let other = UpdateAccountRequest { user: Some(User { name: "Eve".to_owned(), ..Default::default() }), ..request };
        let reused = world.accounts().update_account(bearer(&token, other)).await.expect_err("refused");
        assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    }
}
