//! Following the revocations: who may, for how long, and what a heartbeat says.

use std::time::Duration;

use rolecall_api::identity::v1::{LogOutRequest, WatchRevocationsRequest, WatchRevocationsResponse};
use rolecall_authz::LEEWAY;
use rolecall_testkit::on_each_database;
use tonic::{Code, Streaming};

use crate::harness::{ADMIN, World, bearer, reason};

/// How long an access token lives.
const LIFETIME: Duration = Duration::from_mins(5);

async fn watch(world: &World, token: &str) -> Streaming<WatchRevocationsResponse> {
    let request = bearer(token, WatchRevocationsRequest::default());
    world.tokens().watch_revocations(request).await.expect("watched").into_inner()
}

/// Returns how many revocations the next message tells; `None` when none comes for a second.
async fn next(stream: &mut Streaming<WatchRevocationsResponse>) -> Option<usize> {
    let message = tokio::time::timeout(Duration::from_secs(1), stream.message()).await.ok()?;
    Some(message.expect("no error").expect("goes on").revocations.len())
}

/// Returns why the stream ends.
async fn end(stream: &mut Streaming<WatchRevocationsResponse>) -> (Code, String) {
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

async fn log_out(world: &World, token: &str) {
    world.authentication().log_out(bearer(token, LogOutRequest {})).await.expect("logged out");
}

on_each_database! {
    async fn the_stream_of_a_person_ends_with_its_token_and_that_of_a_service_goes_on(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (mut person, mut service) =
            (watch(&world, &tokens.access_token).await, watch(&world, &world.service_token()).await);
        assert_eq!(next(&mut person).await, Some(0), "all is told at once");
        world.clock.advance(LIFETIME);
        assert_eq!(next(&mut person).await, Some(0), "clocks differ a little");
        world.clock.advance(LEEWAY);
        assert_eq!(end(&mut person).await, (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
        assert_eq!(next(&mut service).await, Some(0));
        assert_eq!(next(&mut service).await, Some(0));
    }

    async fn the_stream_of_a_person_ends_with_its_session(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let mut stream = watch(&world, &tokens.access_token).await;
        assert_eq!(next(&mut stream).await, Some(0));
        log_out(&world, &tokens.access_token).await;
        assert_eq!(end(&mut stream).await, (Code::Unauthenticated, "SESSION_ENDED".to_owned()));
    }

    async fn the_stream_of_a_person_ends_with_its_right_to_see_all(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        // An owner holds the permission in one organization, a guest nowhere.
        for role in ["OWNER", "GUEST"] {
            let mut stream = watch(&world, &tokens.access_token).await;
            assert_eq!(next(&mut stream).await, Some(0));
            set_roles(&world, &admin.user_id, &[role]);
            assert_eq!(end(&mut stream).await, (Code::PermissionDenied, "PERMISSION_MISSING".to_owned()));
            set_roles(&world, &admin.user_id, &["ADMIN"]);
        }
    }

    async fn no_heartbeat_comes_while_a_revocation_waits_for_its_number(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let mut stream = watch(&world, &world.service_token()).await;
        assert_eq!(next(&mut stream).await, Some(0));
        log_out(&world, &tokens.access_token).await;
        assert_eq!(next(&mut stream).await, Some(0), "it may be given one at any moment");
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(next(&mut stream).await, None);
        world.identity.sequencer().drain().await.expect("numbered");
        assert_eq!(next(&mut stream).await, Some(1));
        assert_eq!(next(&mut stream).await, Some(0));
    }

    async fn followers_begin_anew_where_the_feed_was_restored_to_an_earlier_state(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let sequencer = world.identity.sequencer();
        let mut stream = watch(&world, &world.service_token()).await;
        for _ in 0..3 {
            let tokens = world.log_in(ADMIN).await;
            log_out(&world, &tokens.access_token).await;
        }
        sequencer.drain().await.expect("numbered");
        let told = async { while next(&mut stream).await != Some(3) {} };
        tokio::time::timeout(Duration::from_secs(5), told).await.expect("they are told");
        restore(&world, "DELETE FROM feed_heads", "DELETE FROM feed_entries").await;
        let tokens = world.log_in(ADMIN).await;
        log_out(&world, &tokens.access_token).await;
        sequencer.drain().await.expect("numbered");
        let told = async { while next(&mut stream).await != Some(1) {} };
        tokio::time::timeout(Duration::from_secs(5), told).await.expect("it is told");
    }

    async fn a_follower_comes_back_to_a_restored_feed_that_has_grown_past_it_and_misses_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let sequencer = world.identity.sequencer();
        let end_sessions = async |count| {
            for _ in 0..count {
                let tokens = world.log_in(ADMIN).await;
                log_out(&world, &tokens.access_token).await;
            }
            sequencer.drain().await.expect("numbered");
        };
        end_sessions(3).await;
        let mut stream = watch(&world, &world.service_token()).await;
        let message = stream.message().await.expect("no error").expect("goes on");
        assert_eq!(message.revocations.len(), 3);
        drop(stream);
        let earlier = "UPDATE feed_heads SET head = 1 WHERE feed = 'revocations'";
        restore(&world, earlier, "DELETE FROM feed_entries WHERE feed = 'revocations' AND seq > 1").await;
        end_sessions(4).await;
        let request = WatchRevocationsRequest { resume_token: message.resume_token };
        let mut stream = world.tokens().watch_revocations(bearer(&world.service_token(), request)).await;
        let stream = stream.as_mut().expect("resumed").get_mut();
        assert_eq!(next(stream).await, Some(5), "one from before, and the four that took numbers again");
        assert_eq!(next(stream).await, Some(0));
    }

    async fn what_was_deleted_because_it_matters_no_more_makes_no_follower_begin_anew(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let sequencer = world.identity.sequencer();
        for _ in 0..2 {
            let tokens = world.log_in(ADMIN).await;
            log_out(&world, &tokens.access_token).await;
        }
        sequencer.drain().await.expect("numbered");
        let mut stream = watch(&world, &world.service_token()).await;
        assert_eq!(next(&mut stream).await, Some(2));
        for seq in [1, 2] {
            world.execute(&format!("DELETE FROM feed_entries WHERE feed = 'revocations' AND seq = {seq}")).await;
            assert_eq!(next(&mut stream).await, Some(0));
            assert_eq!(next(&mut stream).await, Some(0));
        }
        let tokens = world.log_in(ADMIN).await;
        log_out(&world, &tokens.access_token).await;
        sequencer.drain().await.expect("numbered");
        let told = async { while next(&mut stream).await != Some(1) {} };
        tokio::time::timeout(Duration::from_secs(5), told).await.expect("it is told");
    }

    async fn a_follower_that_begins_late_is_told_everything_before_the_first_heartbeat(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for _ in 0..3 {
            let tokens = world.log_in(ADMIN).await;
            log_out(&world, &tokens.access_token).await;
        }
        world.identity.sequencer().drain().await.expect("numbered");
        let mut stream = watch(&world, &world.service_token()).await;
        assert_eq!(next(&mut stream).await, Some(3));
        assert_eq!(next(&mut stream).await, Some(0));
    }
}

/// Puts the feed back to an earlier state, as a restored database does.
async fn restore(world: &World, heads: &str, entries: &str) {
    world.execute(heads).await;
    world.execute(entries).await;
}

fn set_roles(world: &World, user: &str, roles: &[&str]) {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    world.peers.known().members.get_mut(user).expect("a member").roles = roles;
    world.access.invalidate_all();
}
