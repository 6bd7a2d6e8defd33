//! Row 8: refreshing and introspecting tokens.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use rolecall_api::identity::v1::{IntrospectTokenRequest, RefreshTokensRequest};
use rolecall_db::{Backend, Database, DatabaseConfig, Error, Tx};
use rolecall_identity::Identity;
use rolecall_kernel::entropy::{Entropy as _, SystemEntropy};
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::time::{Clock as _, SystemClock};
use rolecall_testkit::postgres::{self, FreshDatabase};
use rolecall_tests::actor::Actor;
use rolecall_tests::raw;
use rolecall_tests::stack::{Plan, Stack, Store};
use sea_orm::{ConnectionTrait, Statement, Value};
use tempfile::TempDir;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::world;
use crate::Settings;
use crate::echo::{self, Child};
use crate::measure::{Round, round, summary};
use crate::report::Line;

/// Sessions that are refreshed side by side; a person has at most 20.
const SESSIONS: usize = 16;
const INTROSPECTIONS: usize = 64;
const INTROSPECT: &str = "/rolecall.identity.v1.TokenService/IntrospectToken";

/// Measures both methods.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    Ok(vec![
        refresh(settings, world::ONE_SQLITE, "SQLite").await?,
        refresh(settings, world::ONE_POSTGRES, "PostgreSQL").await?,
        introspect(settings).await?,
    ])
}

async fn refresh(settings: &Settings, plan: Plan, name: &str) -> anyhow::Result<Line> {
    let stack = Stack::start(plan).await;
    world::bootstrap(&stack).await?;
    let mut tokens = Vec::new();
    for _ in 0..SESSIONS {
        tokens.push(Mutex::new(Actor::log_in(&stack, world::ADMIN).await?.refresh_token()));
    }
    let by_hand = ByHand::open(plan.store).await?;
    let client = Actor::anonymous(&stack).authentication();
    let call = |lane: usize| {
        let (mut client, token) = (client.clone(), &tokens[lane]);
        async move {
            let mut token = token.lock().await;
            let request = RefreshTokensRequest { refresh_token: token.clone(), ..Default::default() };
            let answer = client.refresh_tokens(request).await.map(tonic::Response::into_inner);
            answer.is_ok_and(|answer| {
                *token = answer.tokens.unwrap_or_default().refresh_token;
                true
            })
        }
    };
    let (mut served, mut hand) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        served.push(round(&stack.pids(), SESSIONS, settings.span, &call).await?);
        hand.push(by_hand.load(settings).await?);
    }
    let failed: u64 = served.iter().chain(&hand).map(|round| round.errors).sum();
    anyhow::ensure!(failed == 0, "{failed} refreshes failed");
    Ok(refresh_line(name, &served, &hand))
}

fn refresh_line(name: &str, served: &[Round], hand: &[Round]) -> Line {
    let rate = |rounds: &[Round]| summary(rounds, |round| round.rate);
    let cpu = |rounds: &[Round]| summary(rounds, |round| round.cpu);
    let ratio = rate(served).median / rate(hand).median;
    Line {
        row: 8,
        work: format!("RefreshTokens on {name}, {SESSIONS} sessions at once"),
        yardstick: "the same statements by hand: three reads, and a transaction of six".to_owned(),
        result: format!(
            "{ratio:.2}x: {} calls/s against {}; CPU a call {} us against {} us",
            rate(served),
            rate(hand),
            cpu(served),
            cpu(hand)
        ),
        goal: "at least 0.7x".to_owned(),
        met: ratio >= 0.7,
    }
}

async fn introspect(settings: &Settings) -> anyhow::Result<Line> {
    let (stack, bare) = (Stack::start(world::ONE_SQLITE).await, Child::start("echo-bare").await?);
    let admin = world::bootstrap(&stack).await?;
    let body = Bytes::from(IntrospectTokenRequest { token: admin.token().to_owned() }.encode_to_vec());
    let (ours, theirs) = (stack.channel("identity"), bare.channels(1));
    let (mut served, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let call = |_lane: usize| {
            let (channel, body, token) = (ours.clone(), body.clone(), admin.token());
            async move { raw::call_unary(&channel, INTROSPECT, body, Some(token)).await.is_ok() }
        };
        served.push(round(&stack.pids(), INTROSPECTIONS, settings.span, call).await?);
        let call = |_lane: usize| {
            let (channel, body, token) = (theirs[0].clone(), body.clone(), admin.token());
            async move { raw::call_unary(&channel, echo::PATH, body, Some(token)).await.is_ok() }
        };
        plain.push(round(&[bare.pid()], INTROSPECTIONS, settings.span, call).await?);
    }
    let failed: u64 = served.iter().chain(&plain).map(|round| round.errors).sum();
    anyhow::ensure!(failed == 0, "{failed} introspections failed");
    let cpu = |rounds: &[Round]| summary(rounds, |round| round.cpu);
    let ratio = cpu(&served).median / cpu(&plain).median;
    Ok(Line {
        row: 8,
        work: format!("IntrospectToken, {INTROSPECTIONS} in flight: CPU a call"),
        yardstick: "bare tonic echo of the same request, its token included".to_owned(),
        result: format!("{ratio:.2}x: {} us against {} us", cpu(&served), cpu(&plain)),
        goal: "at most 1.6x".to_owned(),
        met: ratio <= 1.6,
    })
}

/// A session and the hash of its current token.
type Lane = (Uuid, Vec<u8>);

/// The database of identity with one person and its sessions, without a server before it.
struct ByHand {
    identity: Database,
    user: Uuid,
    lanes: Vec<Arc<Mutex<Lane>>>,
    /// Where the database lies; removed with this value.
    _place: (Option<TempDir>, Option<Box<FreshDatabase>>),
}

impl ByHand {
    async fn open(store: Store) -> anyhow::Result<Self> {
        let (place, url) = match store {
            Store::Sqlite => {
                let folder = tempfile::tempdir()?;
                let url = format!("sqlite://{}/identity.db", folder.path().display());
                ((Some(folder), None), url)
            }
            Store::Postgres => {
                let database = postgres::fresh_url().await;
                let url = database.url().to_owned();
                ((None, Some(Box::new(database))), url)
            }
        };
        let identity = Database::connect(&DatabaseConfig::new(url), Identity::NAME, Identity::constraints()).await?;
        identity.migrate(Identity::migrations()).await?;
        let now = SystemClock.now();
        let user = UserId::new(now, &SystemEntropy).as_uuid();
        let id = |_| Arc::new(Mutex::new((SessionId::new(now, &SystemEntropy).as_uuid(), hash())));
        let made = Self { identity, user, lanes: (0..SESSIONS).map(id).collect(), _place: place };
        made.found(now.as_micros()).await?;
        Ok(made)
    }

    async fn found(&self, now: i64) -> Result<(), Error> {
        let user = "INSERT INTO users (user_id, organization_id, email, email_key, email_verified, name, name_key,
                given_name, given_name_key, family_name, family_name_key, institution, institution_key, website, state,
                version, created, updated)
            VALUES ($1, $1, 'a@b.example', 'a@b.example', TRUE, 'A', 'a', '', '', '', '', '', '', '', 'ACTIVE', 1, $2, $2)";
        let session = "INSERT INTO sessions (session_id, user_id, auth_time, methods, last_used, idle_expires,
                absolute_expires, read_only)
            VALUES ($1, $2, $3, 'pwd', $3, $4, $4, FALSE)";
        let id = self.user;
        self.identity.write(|tx| async move { change(&tx, user, vec![id.into(), now.into()]).await }).await?;
        for lane in &self.lanes {
            let (session_id, hash) = lane.lock().await.clone();
            let far = now + 86_400_000_000;
            let (values, token): (Vec<Value>, Vec<Value>) = (
                vec![session_id.into(), id.into(), now.into(), far.into()],
                vec![hash.into(), session_id.into(), 1_i64.into()],
            );
            let (values, token) = (&values, &token);
            let store = |tx| async move {
                change(&tx, session, values.clone()).await?;
                change(&tx, INSERT, token.clone()).await
            };
            self.identity.write(store).await?;
        }
        Ok(())
    }

    /// One round, each refresh in a task of its own, so that all cores take part.
    async fn load(&self, settings: &Settings) -> anyhow::Result<Round> {
        let work = |lane: usize| {
            let (identity, lane, user) = (self.identity.clone(), Arc::clone(&self.lanes[lane]), self.user);
            async move {
                let mut task = tokio::task::JoinSet::new();
                task.spawn(async move { refresh_by_hand(&identity, user, &mut *lane.lock().await).await });
                matches!(task.join_next().await, Some(Ok(Ok(()))))
            }
        };
        round(&[std::process::id()], SESSIONS, settings.span, work).await
    }
}

const INSERT: &str =
    "INSERT INTO refresh_tokens (token_hash, session_id, generation, used_at) VALUES ($1, $2, $3, NULL)";
const FIND: &str = "SELECT token_hash, session_id, generation, used_at FROM refresh_tokens WHERE token_hash = $1";
const SESSION: &str = "SELECT * FROM sessions WHERE session_id = $1";

async fn refresh_by_hand(identity: &Database, user: Uuid, lane: &mut Lane) -> Result<(), Error> {
    let (reader, (session, before), next) = (identity.reader(), lane.clone(), hash());
    look(&reader, FIND, vec![before.clone().into()]).await?;
    look(&reader, SESSION, vec![session.into()]).await?;
    look(&reader, "SELECT * FROM users WHERE user_id = $1", vec![user.into()]).await?;
    let (old, new) = (&before, &next);
    identity.write(|tx| async move { rotate(&tx, session, old, new).await }).await?;
    lane.1 = next;
    Ok(())
}

async fn rotate(tx: &Tx, session: Uuid, before: &[u8], next: &[u8]) -> Result<(), Error> {
    let now = SystemClock.now().as_micros();
    look(tx, FIND, vec![before.to_vec().into()]).await?;
    let lock = if tx.backend() == Backend::Postgres { " FOR UPDATE" } else { "" };
    look(tx, &format!("{SESSION}{lock}"), vec![session.into()]).await?;
    look(tx, FIND, vec![before.to_vec().into()]).await?;
    let used = "UPDATE refresh_tokens SET used_at = $1 WHERE token_hash = $2 AND used_at IS NULL";
    change(tx, used, vec![now.into(), before.to_vec().into()]).await?;
    change(tx, INSERT, vec![next.to_vec().into(), session.into(), 2_i64.into()]).await?;
    let noted = "UPDATE sessions SET last_used = $1, idle_expires = $2, absolute_expires = $2 WHERE session_id = $3";
    change(tx, noted, vec![now.into(), (now + 86_400_000_000).into(), session.into()]).await
}

fn hash() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    SystemEntropy.fill(&mut bytes);
    bytes
}

async fn change(tx: &Tx, text: &str, values: Vec<Value>) -> Result<(), Error> {
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await?;
    Ok(())
}

async fn look<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Result<(), Error> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), text, values);
    connection.query_one_raw(statement).await?;
    Ok(())
}
