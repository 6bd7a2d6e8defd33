//! Row 6: logging in, beside the raw hash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use rolecall_api::identity::v1::create_user_request::Credential;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::{CreateUserRequest, ImportedHash, LogInRequest};
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::Stack;
use tokio::time::Instant;

use super::world;
use crate::measure::{round, summary};
use crate::process::memory;
use crate::report::Line;
use crate::{Settings, cores};

/// Memory of one hash: 19 456 KiB.
const HASH_MIB: f64 = 19.0;

/// How many people log in, each on a device of its own; few enough to be made quickly, and enough that nobody comes to
/// the limit of its sessions within a round.
const PEOPLE: usize = 100;

/// Measures logins a second against hashes a second, and the memory of a storm.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await?;
    let pids = stack.pids();
    let people = settle(&stack, &admin).await?;
    let client = Actor::anonymous(&stack).authentication();
    let next = AtomicUsize::new(0);
    let log_in = |_lane: usize| {
        let person = &people[next.fetch_add(1, Ordering::Relaxed) % people.len()];
        let (mut client, request) = (client.clone(), person.clone());
        async move { client.log_in(request).await.is_ok() }
    };
    let (mut logins, mut hashes) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        logins.push(round(&pids, cores() * 4, settings.span, &log_in).await?);
        let span = settings.span;
        hashes.push(tokio::task::spawn_blocking(move || raw_hashes(span)).await?);
    }
    let failed: u64 = logins.iter().map(|round| round.errors).sum();
    anyhow::ensure!(failed == 0, "{failed} logins failed");
    let (done, raw) = (summary(&logins, |round| round.rate), summary(&hashes, |rate| *rate));
    let ratio = done.median / raw.median;
    let throughput = Line {
        row: 6,
        work: format!("LogIn, {} at once, of {PEOPLE} people on devices that are known", cores() * 4),
        yardstick: format!("raw argon2id of the same parameters on {} threads", cores()),
        result: format!("{ratio:.2}x: {done} logins/s against {raw} hashes/s"),
        goal: "at least 0.95x".to_owned(),
        met: ratio >= 0.95,
    };
    Ok(vec![throughput, storm(&stack, pids[0]).await?])
}

/// Makes the people and lets each log in once; returns what each logs in with from then on.
async fn settle(stack: &Stack, admin: &Actor) -> anyhow::Result<Vec<LogInRequest>> {
    let hash = password_hash();
    let mut people = Vec::with_capacity(PEOPLE);
    for index in 0..PEOPLE {
        let email = format!("person-{index}@home.example");
        let create = CreateUserRequest {
            email: email.clone(),
            name: "Ada Lovelace".to_owned(),
            given_name: "Ada".to_owned(),
            family_name: "Lovelace".to_owned(),
            roles: vec!["DATA_SCIENTIST".to_owned()],
            credential: Some(Credential::ImportedHash(ImportedHash { hash: hash.clone() })),
            ..Default::default()
        };
        admin.users().create_user(create).await?;
        let mut request = LogInRequest { email, password: PASSWORD.to_owned(), ..Default::default() };
        let answer = Actor::anonymous(stack).authentication().log_in(request.clone()).await?.into_inner();
        let Some(Outcome::Tokens(tokens)) = answer.outcome else { anyhow::bail!("more is due than a password") };
        request.device_token = tokens.device_token;
        people.push(request);
    }
    Ok(people)
}

/// The hash of everybody's password, as another system would hand it over.
fn password_hash() -> String {
    let (salt, mut out) = (b"0123456789abcdef", [0; 32]);
    let _ = argon2().hash_password_into(PASSWORD.as_bytes(), salt, &mut out);
    format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(&out))
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, Some(32)).unwrap_or_default())
}

fn request() -> LogInRequest {
    LogInRequest { email: world::ADMIN.to_owned(), password: PASSWORD.to_owned(), ..Default::default() }
}

/// Hashes a second on as many threads as there are cores.
fn raw_hashes(span: Duration) -> f64 {
    let start = Instant::now();
    let worker = || {
        let argon2 = argon2();
        let (mut count, mut out) = (0_u32, [0; 32]);
        while start.elapsed() < span {
            count += u32::from(argon2.hash_password_into(PASSWORD.as_bytes(), b"0123456789abcdef", &mut out).is_ok());
        }
        count
    };
    let total: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores()).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    });
    f64::from(total) / start.elapsed().as_secs_f64()
}

/// Five hundred logins at once: the memory stays bounded, and what cannot be done is refused.
async fn storm(stack: &Stack, pid: u32) -> anyhow::Result<Line> {
    let (idle, _) = memory(pid)?;
    let calls = (0..500).map(|_| {
        let mut client = Actor::anonymous(stack).authentication();
        async move { client.log_in(request()).await.is_ok() }
    });
    let answers = futures::future::join_all(calls).await;
    let (_, most) = memory(pid)?;
    #[expect(clippy::cast_precision_loss, reason = "a handful of cores")]
    let bound = idle + cores() as f64 * HASH_MIB + 32.0;
    Ok(Line {
        row: 6,
        work: format!("a storm of 500 logins, {} answered", answers.iter().filter(|done| **done).count()),
        yardstick: "resident memory after the rounds before".to_owned(),
        result: format!("{most:.0} MiB at most, {idle:.0} MiB before"),
        goal: format!("below {bound:.0} MiB: before + cores x 19 MiB + 32 MiB for 500 connections"),
        met: most < bound,
    })
}
