use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::{GetAccountRequest, LogOutRequest, RefreshTokensRequest, WatchRevocationsRequest};
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Code;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, reason};

async fn refresh(world: &World, token: &str) -> Result<rolecall_api::identity::v1::Tokens, tonic::Status> {
    let request = RefreshTokensRequest { refresh_token: token.to_owned(), ..Default::default() };
    Ok(world.authentication().refresh_tokens(request).await?.into_inner().tokens.expect("tokens"))
}

async fn is_let_in(world: &World, token: &str) -> bool {
    world.accounts().get_account(bearer(token, GetAccountRequest {})).await.is_ok()
}

on_each_database! {
    /// ASVS: T03, V16.3.1
    async fn asvs_v6_3_8_unknown_wrong_invited_blocked_and_throttled_get_the_same_bytes(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.invite(&tokens.access_token, "invited@example.org", "GUEST").await;
        let blocked = world.join(&tokens.access_token, "blocked@example.org", "GUEST").await;
        world.peers.known().members.get_mut(&blocked.user_id).expect("a member").blocked = true;
        let mut answers = vec![
            world.try_log_in("nobody@example.org", PASSWORD).await,
            world.try_log_in("invited@example.org", PASSWORD).await,
            world.try_log_in("blocked@example.org", PASSWORD).await,
        ];
        for _ in 0..6 {
            answers.push(world.try_log_in(ADMIN, "not this one at all").await);
        }
        answers.push(world.try_log_in(ADMIN, PASSWORD).await);
        let statuses: Vec<_> = answers.into_iter().map(|answer| bytes(&answer.expect_err("refused"))).collect();
        assert!(statuses.windows(2).all(|pair| pair[0] == pair[1]), "{statuses:?}");
        assert_eq!(statuses[0].0, Code::Unauthenticated);
        world.identity.relay().drain().await;
        let failures = world.peers.topics().into_iter().filter(|topic| topic == "identity.login_failed").count();
        assert_eq!(failures, 10);
        assert_eq!(admin.email, ADMIN);
    }

    async fn failures_of_strangers_wait_for_nothing_before_them(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for _ in 0..3 {
            world.try_log_in("nobody@example.org", PASSWORD).await.expect_err("refused");
        }
        let text = "SELECT DISTINCT subject FROM outbox WHERE topic = 'identity.login_failed'";
        let reader = world.db.reader();
        let subjects = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await.expect("read");
        assert_eq!(subjects.len(), 3);
    }

    /// ASVS: V6.1.1, T04
    async fn asvs_v6_3_1_after_the_sixth_failure_the_right_password_waits_thirty_seconds(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for _ in 0..6 {
            world.try_log_in(ADMIN, "not this one at all").await.expect_err("refused");
        }
        world.clock.advance(Duration::from_secs(29));
        // A try before its time is refused and does not prolong the wait.
        world.try_log_in(ADMIN, PASSWORD).await.expect_err("too early");
        world.clock.advance(Duration::from_secs(1));
        world.log_in(ADMIN).await;
        world.try_log_in(ADMIN, "not this one at all").await.expect_err("refused");
        world.log_in(ADMIN).await;
    }

    /// ASVS: V6.3.1
    async fn attack_t04_of_fifty_parallel_wrong_guesses_no_more_count_than_one_after_the_other(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let world = Arc::new(world);
        at_once(50, |_| {
            let world = Arc::clone(&world);
            async move { world.try_log_in(ADMIN, "not this one at all").await.expect_err("refused") }
        }).await;
        world.identity.relay().drain().await;
        let counted = world.peers.known().audit.iter().filter(|event| {
            event.payload.windows(14).any(|part| part == b"wrong_password")
        }).count();
        assert_eq!(counted, 6);
        world.try_log_in(ADMIN, PASSWORD).await.expect_err("too early");
    }

    /// ASVS: V10.4.5, V15.4.2
    async fn attack_t08_sixty_four_parallel_refreshes_get_the_same_successor(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let world = Arc::new(world);
        let answers = at_once(64, |_| {
            let (world, token) = (Arc::clone(&world), tokens.refresh_token.clone());
            async move { refresh(&world, &token).await.expect("refreshed").refresh_token }
        }).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_ne!(answers[0], tokens.refresh_token);
        refresh(&world, &answers[0]).await.expect("the successor is good");
    }

    /// ASVS: V10.4.5
    async fn attack_t08_a_used_refresh_token_repeats_for_thirty_seconds_and_ends_the_session_afterwards(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let first = refresh(&world, &tokens.refresh_token).await.expect("refreshed");
        world.clock.advance(Duration::from_secs(30));
        let repeated = refresh(&world, &tokens.refresh_token).await.expect("repeated");
        assert_eq!(repeated.refresh_token, first.refresh_token);
        assert!(is_let_in(&world, &first.access_token).await);
        world.clock.advance(Duration::from_secs(1));
        let reused = refresh(&world, &tokens.refresh_token).await.expect_err("reused");
        assert_eq!(reason(&reused), "REFRESH_TOKEN_REFUSED");
        assert!(!is_let_in(&world, &first.access_token).await, "the session is over at once");
        let family = refresh(&world, &first.refresh_token).await.expect_err("the family is over");
        assert_eq!(bytes(&family), bytes(&reused));
        world.identity.relay().drain().await;
        assert!(world.peers.topics().contains(&"identity.refresh_token_reused".to_owned()));
    }

    /// ASVS: V7.3.1, V10.4.8
    async fn asvs_v7_3_2_a_session_ends_by_idleness_and_at_the_latest_after_seven_days(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let idle = world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_hours(24));
        refresh(&world, &idle.refresh_token).await.expect_err("idle too long");
        let mut token = world.log_in(ADMIN).await.refresh_token;
        for _ in 0..13 {
            world.clock.advance(Duration::from_hours(12));
            token = refresh(&world, &token).await.expect("busy").refresh_token;
        }
        world.clock.advance(Duration::from_hours(12));
        refresh(&world, &token).await.expect_err("seven days are over");
    }

    /// ASVS: T11
    async fn asvs_v7_4_1_logging_out_ends_both_tokens_at_once_and_is_told_to_followers(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        assert!(is_let_in(&world, &tokens.access_token).await);
        world.authentication().log_out(bearer(&tokens.access_token, LogOutRequest {})).await.expect("logged out");
        assert!(!is_let_in(&world, &tokens.access_token).await);
        refresh(&world, &tokens.refresh_token).await.expect_err("over");
        world.identity.sequencer().drain().await.expect("numbered");
        let request = bearer(&world.service_token(), WatchRevocationsRequest::default());
        let mut stream = world.tokens().watch_revocations(request).await.expect("watched").into_inner();
        let first = stream.message().await.expect("a message").expect("not over");
        assert_eq!(first.revocations.len(), 1);
        let heartbeat = stream.message().await.expect("a message").expect("not over");
        assert!(heartbeat.revocations.is_empty());
        let resume_token = first.resume_token;
        let request = bearer(&world.service_token(), WatchRevocationsRequest { resume_token });
        let mut stream = world.tokens().watch_revocations(request).await.expect("resumed").into_inner();
        assert!(stream.message().await.expect("a message").expect("not over").revocations.is_empty());
        let forged = WatchRevocationsRequest { resume_token: "forged".to_owned() };
        let refused = world.tokens().watch_revocations(bearer(&world.service_token(), forged)).await.expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }

    /// ASVS: V6.3.4, T11
    async fn asvs_v7_1_2_a_blocked_person_does_not_refresh_and_the_oldest_of_too_many_sessions_gives_way(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let admin = world.log_in(ADMIN).await;
        let user = world.join(&admin.access_token, "ada@example.org", "GUEST").await;
        let first = world.log_in("ada@example.org").await;
        for _ in 0..20 {
            world.clock.advance(Duration::from_secs(1));
            world.log_in("ada@example.org").await;
        }
        refresh(&world, &first.refresh_token).await.expect_err("evicted");
        assert!(!is_let_in(&world, &first.access_token).await);
        let last = world.log_in("ada@example.org").await;
        world.peers.known().members.get_mut(&user.user_id).expect("a member").blocked = true;
        // In the suite organization tells the processes; here the test does.
        world.access.invalidate_all();
        let refused = refresh(&world, &last.refresh_token).await.expect_err("blocked");
        assert_eq!(reason(&refused), "REFRESH_TOKEN_REFUSED");
    }

    /// ASVS: V16.5.3
    async fn asvs_v16_5_2_nobody_logs_in_while_organization_is_out_of_reach(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.peers.known().down.extend(["get_subject_access", "subject_access"]);
        world.access.invalidate_all();
        let refused = world.try_log_in(ADMIN, PASSWORD).await.expect_err("refused");
        assert_eq!(reason(&refused), "PEER_UNAVAILABLE");
        let unknown = world.try_log_in("nobody@example.org", PASSWORD).await.expect_err("refused");
        assert_eq!(bytes(&refused), bytes(&unknown));
        refresh(&world, &tokens.refresh_token).await.expect_err("refused");
        world.peers.known().down.clear();
        refresh(&world, &tokens.refresh_token).await.expect("an outage uses up no token");
    }
}
