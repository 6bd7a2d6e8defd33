//! Three replicas over one PostgreSQL: promises that hold whichever is asked, also when commits come out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::consistency::Demand;
use rolecall_kernel::id::UserId;
use rolecall_testkit::TestDatabase;
use tokio_util::sync::CancellationToken;

use crate::access::organization;
use crate::consistency::question;
use crate::stage::{Replica, Stage, Who};

const REGISTER: &str = "organization.datasets.register";

/// Three replicas that follow by themselves until the token is cancelled.
async fn replicas(stage: &Stage, shutdown: &CancellationToken) -> Vec<Replica> {
    let mut all = Vec::new();
    for _ in 0..3 {
        let replica = stage.replica();
        replica.access.follow().await.expect("follows");
        for worker in replica.access.workers(shutdown) {
            #[expect(clippy::disallowed_methods, reason = "it ends with the token")]
            tokio::spawn(worker.run);
        }
        all.push(replica);
    }
    all
}

async fn may(replica: &Replica, admin: UserId, subject: UserId, stage: &Stage, demand: Option<Demand>) -> (bool, i64) {
    let asked = question(subject, REGISTER, organization(stage.home), demand);
    let answer = replica.decisions(Who::User(admin)).check_access(asked).await.expect("answers").into_inner();
    (answer.allowed, answer.revision.parse().expect("a number"))
}

#[tokio::test]
async fn c2_c4_every_replica_obeys_a_token_and_no_answer_goes_back_behind_one_that_was_seen() {
    let database = TestDatabase::postgres().await;
    let stage = Stage::open(&database).await;
    let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
    let shutdown = CancellationToken::new();
    let replicas = replicas(&stage, &shutdown).await;
    let mut seen = 0;
    for round in 0..12 {
        let role = if round % 2 == 0 { "GUEST" } else { "DATA_STEWARD" };
        let changed = stage.set_roles(stage.admin, user, &[role]).await.expect("changes").revision;
        for replica in &replicas {
            let demand = Demand::AtLeast(changed.clone());
            let (allowed, revision) = may(replica, stage.admin, user, &stage, Some(demand)).await;
            assert_eq!(allowed, round % 2 == 1, "revision {revision} after {changed}");
            assert!(revision >= seen);
            seen = revision;
        }
    }
    shutdown.cancel();
}

#[tokio::test]
async fn c4_after_convergence_no_replica_allows_what_was_revoked() {
    let database = TestDatabase::postgres().await;
    let stage = Stage::open(&database).await;
    let shutdown = CancellationToken::new();
    let replicas = replicas(&stage, &shutdown).await;
    for _ in 0..4 {
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let blocked = stage.block(stage.admin, user).await.expect("blocks").revision;
        let request = pb::AwaitConvergenceRequest {
            at_least: blocked,
            timeout: Some(prost_types::Duration { seconds: 30, nanos: 0 }),
        };
        let mut decisions = replicas[0].decisions(Who::User(stage.admin));
        let answer = decisions.await_convergence(request).await.expect("answers").into_inner();
        assert!(answer.converged);
        for replica in &replicas {
            assert!(!may(replica, stage.admin, user, &stage, None).await.0);
        }
    }
    shutdown.cancel();
}

#[tokio::test]
async fn a_replica_that_lags_is_waited_for_and_one_that_left_is_not() {
    let database = TestDatabase::postgres().await;
    let stage = Stage::open(&database).await;
    let (lagging, shutdown) = (stage.replica(), CancellationToken::new());
    lagging.access.follow().await.expect("follows");
    let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
    let blocked = stage.block(stage.admin, user).await.expect("blocks").revision;
    let wait = async || {
        let timeout = Some(prost_types::Duration { seconds: 0, nanos: 0 });
        let request = pb::AwaitConvergenceRequest { at_least: blocked.clone(), timeout };
        let mut decisions = stage.access_as(Who::User(stage.admin));
        decisions.await_convergence(request).await.expect("answers").into_inner().converged
    };
    let first = wait().await;
    // After five seconds in which nothing was heard of it a replica counts for nothing, however slow this machine is.
    assert!(!first || lagging.access.revision().is_none(), "the lagging replica could still answer");
    shutdown.cancel();
    for worker in lagging.access.workers(&shutdown) {
        worker.run.await;
    }
    stage.access.follow().await.expect("follows");
    assert!(wait().await);
}

/// Each writer commits as it comes; whoever drew a revision first may commit last if nothing keeps the others waiting.
#[tokio::test]
async fn c1_commits_that_race_are_seen_by_whoever_holds_their_token() {
    let database = TestDatabase::postgres().await;
    let stage = Arc::new(Stage::open(&database).await);
    let shutdown = CancellationToken::new();
    let replicas = Arc::new(replicas(&stage, &shutdown).await);
    let mut users = Vec::new();
    for _ in 0..4 {
        users.push(stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await);
    }
    let ended = Arc::new(AtomicBool::new(false));
    let writers = users.into_iter().enumerate().map(|(number, user)| {
        let (stage, replicas) = (Arc::clone(&stage), Arc::clone(&replicas));
        async move {
            for round in 0..6 {
                let role = if round % 2 == 0 { "GUEST" } else { "DATA_STEWARD" };
                let changed = stage.set_roles(stage.admin, user, &[role]).await.expect("changes").revision;
                let replica = &replicas[(number + round) % replicas.len()];
                let (allowed, _) = may(replica, stage.admin, user, &stage, Some(Demand::AtLeast(changed))).await;
                assert_eq!(allowed, round % 2 == 1);
            }
        }
    });
    let reader = async {
        let mut seen = 0;
        while !ended.load(Ordering::Relaxed) {
            let (_, revision) = may(&replicas[0], stage.admin, stage.admin, &stage, None).await;
            assert!(revision >= seen, "an answer went back from {seen} to {revision}");
            seen = revision;
            tokio::task::yield_now().await;
        }
    };
    let writing = async {
        futures::future::join_all(writers).await;
        ended.store(true, Ordering::Relaxed);
    };
    futures::future::join(writing, reader).await;
    shutdown.cancel();
}
