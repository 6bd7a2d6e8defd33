//! The stream of access changes.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_authz::{LEEWAY, MAX_ACCESS_LIFETIME};
use rolecall_testkit::on_each_database;
use tonic::{Code, Streaming};

use crate::stage::{Stage, Who, reason, refused};

async fn watch(stage: &Stage, who: Who, resume_token: &str) -> Streaming<pb::WatchAccessChangesResponse> {
    let request = pb::WatchAccessChangesRequest { resume_token: resume_token.to_owned() };
    stage.members_as(who).watch_access_changes(request).await.expect("begins").into_inner()
}

async fn next(stream: &mut Streaming<pb::WatchAccessChangesResponse>) -> pb::WatchAccessChangesResponse {
    let next = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
    next.expect("in time").expect("no error").expect("goes on")
}

/// Returns why the stream ends.
async fn end(stream: &mut Streaming<pb::WatchAccessChangesResponse>) -> (Code, String) {
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ends with an error"),
                Err(status) => break (status.code(), reason(&status)),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), end).await.expect("in time")
}

/// Returns the subjects of the next message that names any.
async fn change(stream: &mut Streaming<pb::WatchAccessChangesResponse>) -> (Vec<String>, String) {
    loop {
        let message = next(stream).await;
        if !message.subject_ids.is_empty() {
            return (message.subject_ids, message.resume_token);
        }
    }
}

on_each_database! {
    async fn a_watcher_is_told_each_change_and_goes_on_after_a_break(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let mut stream = watch(&stage, Who::Service, "").await;
        assert!(next(&mut stream).await.subject_ids.is_empty(), "it begins now");
        stage.block(stage.admin, user).await.expect("blocks");
        let (subjects, resume) = change(&mut stream).await;
        assert_eq!(subjects, [user.to_string()]);
        drop(stream);
        let other = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let mut stream = watch(&stage, Who::Service, &resume).await;
        assert_eq!(change(&mut stream).await.0, [other.to_string()]);
    }

    async fn a_heartbeat_comes_when_nothing_changes(database) {
        let stage = Stage::open(&database).await;
        let mut stream = watch(&stage, Who::Service, "").await;
        let first = next(&mut stream).await;
        let begun = tokio::time::Instant::now();
        let second = next(&mut stream).await;
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert!(second.subject_ids.is_empty() && second.revision == first.revision);
    }

    async fn an_owner_is_told_of_its_own_organization_until_it_loses_the_right(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let mut stream = watch(&stage, Who::User(owner), "").await;
        next(&mut stream).await;
        stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let guest = stage.add_active(second, acme, &["GUEST"]).await;
        let (subjects, _) = change(&mut stream).await;
        assert_eq!(subjects, [guest.to_string()]);
        stage.set_roles(second, owner, &["GUEST"]).await.expect("demotes");
        assert_eq!(end(&mut stream).await, (Code::PermissionDenied, "PERMISSION_MISSING".to_owned()));
    }

    async fn the_stream_of_a_person_ends_with_its_token_and_that_of_a_service_goes_on(database) {
        let stage = Stage::open(&database).await;
        let mut person = watch(&stage, Who::User(stage.admin), "").await;
        let mut service = watch(&stage, Who::Service, "").await;
        next(&mut person).await;
        stage.clock.advance(MAX_ACCESS_LIFETIME);
        next(&mut person).await;
        stage.clock.advance(LEEWAY);
        assert_eq!(end(&mut person).await, (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
        next(&mut service).await;
    }

    async fn the_stream_of_a_person_ends_with_its_session(database) {
        let stage = Stage::open(&database).await;
        let mut stream = watch(&stage, Who::User(stage.admin), "").await;
        next(&mut stream).await;
        stage.revocations.revoke_subject_before(stage.admin.into(), stage.clock.advance(Duration::from_secs(1)));
        assert_eq!(end(&mut stream).await, (Code::Unauthenticated, "SESSION_ENDED".to_owned()));
    }

    async fn the_stream_of_a_blocked_owner_ends(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.add_active(owner, acme, &["OWNER"]).await;
        let mut stream = watch(&stage, Who::User(owner), "").await;
        next(&mut stream).await;
        stage.block(stage.admin, owner).await.expect("blocks");
        assert_eq!(end(&mut stream).await, (Code::Unauthenticated, "SUBJECT_INACTIVE".to_owned()));
    }

    async fn a_token_that_is_too_old_or_foreign_is_refused(database) {
        let stage = Stage::open(&database).await;
        let mut stream = watch(&stage, Who::Service, "").await;
        let old = next(&mut stream).await.resume_token;
        drop(stream);
        stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        stage.clock.advance(Duration::from_mins(1));
        stage.organization.trim_access_changes(Duration::from_secs(1)).await.expect("trims");
        let mut members = stage.members_as(Who::Service);
        let request = pb::WatchAccessChangesRequest { resume_token: old };
        assert_eq!(refused(members.watch_access_changes(request).await.map(drop)), "RESUME_TOKEN_EXPIRED");
        let request = pb::WatchAccessChangesRequest { resume_token: "nonsense".to_owned() };
        assert_eq!(refused(members.watch_access_changes(request).await.map(drop)), "REQUEST_INVALID");
        let mut stream = watch(&stage, Who::Service, "").await;
        next(&mut stream).await;
    }
}
