//! Following an inbox: every message once, in order, for as long as the session lasts.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rolecall_api::notification::v1::{
    DeleteMessagesRequest, InboxMessage, ListMessagesRequest, WatchInboxRequest, WatchInboxResponse,
};
use rolecall_authz::access::AccessError;
use rolecall_authz::{
    AccessCache, AccessCacheConfig, AccessSource, Authorizer, Freshness, KeySet, Policy, Revocations, ServiceTokens,
    SessionLimits, SubjectAccess, SubjectKind, Verifier, VerifierConfig,
};
use rolecall_kernel::entropy::Entropy as _;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{SeededEntropy, TestClock, on_each_database};
use sea_orm::ConnectionTrait as _;
use tonic::{Code, Status, Streaming};

use crate::notifications::{reason, send, to, user};
use crate::world::{DAY, MINUTE, World, wire};

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What streams ask again: whether somebody may still call.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) policy: Arc<Policy>,
    pub(crate) authorizer: Arc<Authorizer>,
    access: AccessCache,
    blocked: Blocked,
}

#[derive(Clone, Default)]
struct Blocked(Arc<Mutex<HashSet<SubjectId>>>);

#[tonic::async_trait]
impl AccessSource for Blocked {
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        Ok(Some(SubjectAccess {
            subject,
            kind: SubjectKind::User,
            organization_id: None,
            organization_active: true,
            roles: Vec::new(),
            admin: false,
            blocked: self.0.lock().expect("not poisoned").contains(&subject),
            grants: Vec::new(),
            session_limits: SessionLimits::default(),
            revision: 1,
        }))
    }
}

impl Guard {
    pub(crate) fn new(clock: &TestClock, entropy: &SeededEntropy) -> Self {
        let policy = Arc::new(Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("our rules"));
        let (keys, services) = (Arc::new(KeySet::new([])), ServiceTokens::new(&MasterKey::new(entropy)));
        let time: Arc<dyn rolecall_kernel::time::Clock> = Arc::new(clock.clone());
        let verifier = Verifier::new(keys, &services, Arc::clone(&time), VerifierConfig::new("test"));
        let blocked = Blocked::default();
        // As patient as the tests' databases: nobody fails because the machine has no time for it.
        let config = AccessCacheConfig { source_timeout: PATIENCE, ..AccessCacheConfig::new(Freshness::InProcess) };
        let access = AccessCache::new(Arc::new(blocked.clone()), config);
        let revocations = Revocations::new(time, Freshness::InProcess, None);
        let rules = Arc::clone(&policy);
        let authorizer = Authorizer::new(rules, Arc::new(verifier), revocations, access.clone(), ["notification"]);
        Self { policy, authorizer: Arc::new(authorizer), access, blocked }
    }

    fn block(&self, subject: SubjectId) {
        self.blocked.0.lock().expect("not poisoned").insert(subject);
        self.access.invalidate_all();
    }
}

async fn watch(world: &World, person: SubjectId, token: &str) -> Result<Streaming<WatchInboxResponse>, Status> {
    let request = WatchInboxRequest { resume_token: token.to_owned() };
    Ok(world.inbox(world.as_person(person)).watch_inbox(request).await?.into_inner())
}

async fn step(stream: &mut Streaming<WatchInboxResponse>) -> WatchInboxResponse {
    let step = tokio::time::timeout(PATIENCE, stream.message()).await.expect("in time");
    step.expect("no error").expect("goes on")
}

/// The next message, and the token after it.
async fn next(stream: &mut Streaming<WatchInboxResponse>) -> (InboxMessage, String) {
    loop {
        let WatchInboxResponse { message, resume_token } = step(stream).await;
        if let Some(message) = message {
            return (message, resume_token);
        }
    }
}

/// Why the stream ends.
async fn end(stream: &mut Streaming<WatchInboxResponse>) -> Status {
    let end = async {
        loop {
            let next = stream.message().await.transpose().expect("it ends with an error");
            if let Err(status) = next {
                break status;
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("in time")
}

async fn number(world: &World) -> u64 {
    world.notification.number_messages().await.expect("numbered")
}

/// A number below another.
fn below(world: &World, bound: u64) -> u64 {
    let mut bytes = [0; 8];
    world.entropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) % bound
}

on_each_database! {
    async fn a_stream_begins_now_says_so_at_once_and_tells_what_comes(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!(number(&world).await, 1);
        let mut stream = watch(&world, ada, "").await.expect("watched");
        let first = step(&mut stream).await;
        assert!(first.message.is_none() && !first.resume_token.is_empty(), "what lay there is listed, not told");
        send(&world, to(vec![user(bob)])).await.expect("accepted");
        world.clock.advance(MINUTE);
        send(&world, to(vec![user(ada), user(bob)])).await.expect("accepted");
        assert_eq!(number(&world).await, 3);
        let (told, token) = next(&mut stream).await;
        let listed = world.inbox(world.as_person(ada)).list_messages(ListMessagesRequest::default()).await;
        assert_eq!(listed.expect("listed").into_inner().messages[0], told, "its own, and that of nobody else");
        drop(stream);
        // At any server.
        let replica = world.replica();
        let request = WatchInboxRequest { resume_token: first.resume_token };
        let stream = world.inbox_at(&replica, world.as_person(ada)).watch_inbox(request).await;
        assert_eq!(next(&mut stream.expect("resumed").into_inner()).await.0, told);
        let mut stream = watch(&world, ada, &token).await.expect("resumed");
        assert!(step(&mut stream).await.message.is_none(), "it was told");
    }

    async fn a_reader_whose_clock_is_behind_passes_over_nothing(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let mut stream = watch(&world, ada, "").await.expect("watched");
        assert!(step(&mut stream).await.message.is_none());
        let behind = world.clock.now();
        world.clock.advance(Duration::from_secs(2));
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!(number(&world).await, 1);
        world.clock.set(behind);
        let (first, _) = next(&mut stream).await;
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!(number(&world).await, 1);
        let (second, _) = next(&mut stream).await;
        assert_ne!(first.message_id, second.message_id);
    }

    async fn whoever_disconnects_and_comes_back_sees_every_message_once_and_in_order(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        let mut token = step(&mut watch(&world, ada, "").await.expect("watched")).await.resume_token;
        let (mut seen, mut numbered_for_ada): (Vec<InboxMessage>, usize) = (Vec::new(), 0);
        let mut stream = None;
        for turn in 0..120 {
            // Moved by whole milliseconds, so that the times of messages tell their order.
            world.clock.advance(Duration::from_millis(1 + below(&world, 50)));
            match below(&world, 6) {
                0 | 1 => {
                    let request = to(vec![user(ada), user(bob)]);
                    let (one, two) = tokio::join!(send(&world, request.clone()), send(&world, request));
                    one.and(two).expect("accepted");
                }
                2 => {
                    let later = world.clock.now().plus(Duration::from_secs(1 + below(&world, 3)));
                    let request = rolecall_api::notification::v1::SendNotificationRequest {
                        schedule_time: Some(wire(later)),
                        ..to(vec![user(ada)])
                    };
                    // Rounded to seconds, it may be in the past.
                    let _ = send(&world, request).await;
                }
                3 => {
                    world.clock.advance(Duration::from_millis(below(&world, 2_000)));
                    number(&world).await;
                    numbered_for_ada = numbered(&world, ada).await;
                }
                4 => stream = None,
                _ => {
                    let mut open = match stream.take() {
                        Some(open) => open,
                        None => watch(&world, ada, &token).await.expect("resumed"),
                    };
                    let left = u64::try_from(numbered_for_ada - seen.len()).expect("none is told twice");
                    for _ in 0..below(&world, left + 1) {
                        let (message, after) = next(&mut open).await;
                        token = after;
                        seen.push(message);
                    }
                    stream = Some(open);
                }
            }
            assert!(seen.len() <= numbered_for_ada, "turn {turn}");
        }
        world.clock.advance(MINUTE);
        number(&world).await;
        let all = numbered(&world, ada).await;
        let mut open = watch(&world, ada, &token).await.expect("resumed");
        while seen.len() < all {
            seen.push(next(&mut open).await.0);
        }
        let ids: HashSet<&str> = seen.iter().map(|message| message.message_id.as_str()).collect();
        assert_eq!(ids.len(), all, "each once");
        let times: Vec<_> = seen.iter().map(|message| message.create_time.map(|time| (time.seconds, time.nanos))).collect();
        assert!(times.is_sorted(), "{times:?}");
    }

    async fn what_is_scheduled_is_told_when_it_is_due_and_what_is_deleted_not_at_all(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let later = rolecall_api::notification::v1::SendNotificationRequest {
            schedule_time: Some(wire(world.clock.now().plus(DAY))),
            ..to(vec![user(ada)])
        };
        let scheduled = send(&world, later).await.expect("accepted").notification_id;
        let token = step(&mut watch(&world, ada, "").await.expect("watched")).await.resume_token;
        world.clock.advance(MINUTE);
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!(number(&world).await, 1);
        let listed = world.inbox(world.as_person(ada)).list_messages(ListMessagesRequest::default()).await;
        let message_ids = vec![listed.expect("listed").into_inner().messages[0].message_id.clone()];
        let request = DeleteMessagesRequest { message_ids, ..Default::default() };
        world.inbox(world.as_person(ada)).delete_messages(request).await.expect("deleted");
        world.clock.advance(DAY);
        assert_eq!(number(&world).await, 1);
        let mut stream = watch(&world, ada, &token).await.expect("resumed");
        assert_eq!(next(&mut stream).await.0.notification_id, scheduled);
    }

    /// ASVS: V7.4.2
    async fn attack_t33_a_stream_ends_with_the_right_to_call_and_tells_nothing_more(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let mut stream = watch(&world, ada, "").await.expect("watched");
        step(&mut stream).await;
        world.guard.block(ada);
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        number(&world).await;
        let status = end(&mut stream).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "SUBJECT_INACTIVE"));
    }

    async fn a_token_that_is_old_foreign_or_of_a_database_that_was_restored_resumes_nothing(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        number(&world).await;
        let token = step(&mut watch(&world, ada, "").await.expect("watched")).await.resume_token;
        for (person, foreign) in [(bob, token.as_str()), (ada, "forged")] {
            let status = watch(&world, person, foreign).await.expect_err("foreign");
            assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "REQUEST_INVALID"));
        }
        world.clock.advance(DAY * 44);
        drop(watch(&world, ada, &token).await.expect("kept"));
        let gone = |status: Status| (status.code(), reason(&status)) == (Code::OutOfRange, "RESUME_TOKEN_EXPIRED".to_owned());
        world.db.write(|tx| async move {
            tx.execute_unprepared("UPDATE inbox_order SET head = 0").await?;
            Ok::<_, rolecall_db::Error>(())
        }).await.expect("restored");
        assert!(gone(watch(&world, ada, &token).await.expect_err("another history")));
        let fresh = step(&mut watch(&world, ada, "").await.expect("watched")).await.resume_token;
        world.clock.advance(DAY * 45);
        assert!(gone(watch(&world, ada, &fresh).await.expect_err("old")));
    }

    async fn attack_t38_one_person_has_so_many_streams_and_others_have_theirs(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        let mut streams = Vec::new();
        for _ in 0..5 {
            streams.push(watch(&world, ada, "").await.expect("watched"));
        }
        let status = watch(&world, ada, "").await.expect_err("enough");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "STREAMS_TOO_MANY"));
        watch(&world, bob, "").await.expect("watched");
        streams.pop();
        watch(&world, ada, "").await.expect("one has ended");
    }
}

/// How many messages of a person lie there: all that do have just got their numbers.
async fn numbered(world: &World, person: SubjectId) -> usize {
    let request = ListMessagesRequest { page_size: 1_000, ..Default::default() };
    let listed = world.inbox(world.as_person(person)).list_messages(request).await;
    listed.expect("listed").into_inner().messages.len()
}
