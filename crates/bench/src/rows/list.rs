//! Row 10: a page of the list of users in a large installation, beside the same page in a small one.

use rolecall_api::identity::v1::ListUsersRequest;
use rolecall_db::{Database, DatabaseConfig, Tx};
use rolecall_identity::Identity;
use rolecall_kernel::time::{Clock as _, SystemClock};
use rolecall_organization::Organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::stack::Stack;
use sea_orm::{ConnectionTrait as _, Statement, Value};

use super::world;
use crate::Settings;
use crate::measure::{Round, round, summary};
use crate::report::Line;

const CONCURRENCY: usize = 4;
const PAGE: i32 = 50;

const FEW: i64 = 1_000;
const MANY: i64 = 1_000_000;
const ORGANIZATIONS: i64 = 10_000;

/// Rows of one transaction: a statement must not outlast the limit of the connections.
const BATCH: i64 = 50_000;

/// Measures the first and the deepest page of both installations, in turns.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let (small, large) = (World::build(FEW, 10).await?, World::build(MANY, ORGANIZATIONS).await?);
    let mut lines = Vec::new();
    for (name, deep) in [("first", false), ("deepest", true)] {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for _ in 0..settings.rounds {
            few.push(small.load(settings, deep).await?);
            many.push(large.load(settings, deep).await?);
        }
        let failed: u64 = few.iter().chain(&many).map(|round| round.errors).sum();
        anyhow::ensure!(failed == 0, "{failed} pages failed");
        lines.push(line(name, &few, &many));
    }
    Ok(lines)
}

/// An installation full of people.
struct World {
    stack: Stack,
    admin: Actor,
    /// Leads to the last page.
    deepest: String,
}

impl World {
    async fn build(people: i64, organizations: i64) -> anyhow::Result<Self> {
        let stack = Stack::start(world::ONE_POSTGRES).await;
        let admin = world::bootstrap(&stack).await?;
        fill(&stack, people, organizations).await?;
        let deepest = find_deepest(&admin).await?;
        Ok(Self { stack, admin, deepest })
    }

    async fn load(&self, settings: &Settings, deep: bool) -> anyhow::Result<Round> {
        let page_token = if deep { self.deepest.as_str() } else { "" };
        let call = |_lane: usize| {
            let (mut users, request) = (self.admin.users(), request(page_token, PAGE));
            async move { users.list_users(request).await.is_ok_and(|page| !page.get_ref().users.is_empty()) }
        };
        round(&self.stack.pids(), CONCURRENCY, settings.span, call).await
    }
}

fn request(page_token: &str, page_size: i32) -> ListUsersRequest {
    let (organization_id, page_token) = ("-".to_owned(), page_token.to_owned());
    ListUsersRequest { organization_id, page_size, page_token, ..Default::default() }
}

/// Walks in large steps to the token of the last page.
async fn find_deepest(admin: &Actor) -> anyhow::Result<String> {
    let mut deepest = String::new();
    loop {
        let page = admin.users().list_users(request(&deepest, 950)).await?.into_inner();
        if page.next_page_token.is_empty() {
            return Ok(deepest);
        }
        deepest = page.next_page_token;
    }
}

/// Puts people where the services look for them; a million calls would take an hour.
async fn fill(stack: &Stack, people: i64, organizations: i64) -> anyhow::Result<()> {
    let now: Value = SystemClock.now().as_micros().into();
    let config = DatabaseConfig::new(stack.database_url());
    let organization = Database::connect(&config, Organization::NAME, Organization::constraints()).await?;
    insert(&organization, ORGANIZATION, organizations, vec![now.clone()]).await?;
    insert(&organization, MEMBER, people, vec![now.clone(), organizations.into()]).await?;
    let identity = Database::connect(&config, Identity::NAME, Identity::constraints()).await?;
    insert(&identity, USER, people, vec![now, organizations.into()]).await?;
    Ok(())
}

const ORGANIZATION: &str = "INSERT INTO organizations (organization_id, name, name_key, state, home, mfa_policy,
        version, created)
    SELECT md5('o' || i)::uuid, 'Guests ' || i, 'guests ' || i, 'ACTIVE', FALSE, 'OPTIONAL', 1, $3 + i
    FROM generate_series($1::bigint, $2::bigint) AS i";

const MEMBER: &str = "INSERT INTO members (user_id, organization_id, state, roles, is_owner, is_admin, version,
        created, updated)
    SELECT md5('u' || i)::uuid, md5('o' || (i % $4 + 1))::uuid, 'ACTIVE', 'GUEST', FALSE, FALSE, 1, $3 + i, $3 + i
    FROM generate_series($1::bigint, $2::bigint) AS i";

const USER: &str = "INSERT INTO users (user_id, organization_id, email, email_key, email_verified, name, name_key,
        given_name, given_name_key, family_name, family_name_key, institution, institution_key, website, state,
        version, created, updated)
    SELECT md5('u' || i)::uuid, md5('o' || (i % $4 + 1))::uuid, 'person-' || i || '@guests.example',
        'person-' || i || '@guests.example', FALSE, 'Grace Guest ' || i, 'grace guest ' || i, 'Grace', 'grace',
        'Guest', 'guest', '', '', '', 'ACTIVE', 1, $3 + i, $3 + i
    FROM generate_series($1::bigint, $2::bigint) AS i";

/// Inserts rows 1 to `count`; the statement counts from `$1` to `$2`.
async fn insert(database: &Database, text: &str, count: i64, rest: Vec<Value>) -> anyhow::Result<()> {
    let mut from = 1;
    while from <= count {
        let to = (from + BATCH - 1).min(count);
        let values: &Vec<Value> = &[from.into(), to.into()].into_iter().chain(rest.clone()).collect();
        database.write(|tx| async move { execute(&tx, text, values.clone()).await }).await?;
        from = to + 1;
    }
    // Otherwise the statistics would come at some moment in the middle of the measurement.
    database.write(|tx| async move { execute(&tx, "ANALYZE", vec![]).await }).await?;
    Ok(())
}

async fn execute(tx: &Tx, text: &str, values: Vec<Value>) -> Result<(), rolecall_db::Error> {
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await?;
    Ok(())
}

fn line(name: &str, few: &[Round], many: &[Round]) -> Line {
    let latency = |rounds: &[Round]| summary(rounds, |round| round.p50);
    let cpu = |rounds: &[Round]| summary(rounds, |round| round.cpu);
    let ratio = latency(many).median / latency(few).median;
    Line {
        row: 10,
        work: format!(
            "ListUsers over all organizations on PostgreSQL, the {name} page of {PAGE}, {MANY} users in {ORGANIZATIONS} \
             organizations; {CONCURRENCY} at once"
        ),
        yardstick: format!("the same page with {FEW} users"),
        result: format!(
            "{ratio:.2}x: p50 {} ms against {} ms; CPU of the server a page {} us against {} us",
            latency(many),
            latency(few),
            cpu(many),
            cpu(few)
        ),
        goal: "at most 1.3x".to_owned(),
        met: ratio <= 1.3,
    }
}
