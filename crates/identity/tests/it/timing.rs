//! What strangers ask, whoever it is about: the same bytes, in the same time.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_identity::HashingConfig;
use rolecall_kernel::entropy::Entropy as _;
use rolecall_testkit::{SeededEntropy, on_each_database};
use tokio::time::Instant;

use crate::harness::{ADMIN, PASSWORD, World, bytes};
use crate::registrations::{self, open_world};
use crate::sso;

/// Who fails, with which password.
const KINDS: [(&str, &str, &str); 6] = [
    ("unknown", "nobody@example.org", PASSWORD),
    ("wrong", "ada@example.org", "not this one at all"),
    ("blocked", "blocked@example.org", PASSWORD),
    ("invited", "invited@example.org", PASSWORD),
    ("administrator", ADMIN, "not this one at all"),
    ("single sign-on only", "ada@acme.example", PASSWORD),
];

/// How many calls of each kind on each database: some hundreds in all, or as many as a statement about thousands needs.
fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    let is_long = std::env::var_os("ROLECALL_LONG_TESTS").is_some();
    if is_long { 1_000 } else { 50 }
}

/// The share of pairs of which the first is the slower one (Mann and Whitney): a half when nothing tells them apart.
fn slower(one: &[Duration], others: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> = one.iter().map(|time| (*time, true)).collect();
    all.extend(others.iter().map(|time| (*time, false)));
    all.sort_unstable();
    let (mut passed, mut pairs) = (0_u32, 0_u64);
    for (_, is_one) in all {
        if is_one {
            pairs += u64::from(passed);
        } else {
            passed += 1;
        }
    }
    let all_pairs = f64::from(u32::try_from(one.len() * others.len()).expect("few"));
    f64::from(u32::try_from(pairs).expect("few")) / all_pairs
}

/// Takes the time of calls of several kinds, so many of each; `prepare` runs before each round of all kinds.
async fn take_times(
    kinds: usize,
    rounds: usize,
    prepare: impl AsyncFn(),
    call: impl AsyncFn(usize),
) -> Vec<Vec<Duration>> {
    let (entropy, mut times) = (SeededEntropy::new(), vec![Vec::with_capacity(rounds); kinds]);
    for _ in 0..rounds {
        prepare().await;
        for kind in shuffled(kinds, &entropy) {
            let begun = Instant::now();
            call(kind).await;
            times[kind].push(begun.elapsed());
        }
    }
    times
}

/// Each round has an order of its own, so that a machine that slows down or speeds up meanwhile does the same to all
/// kinds, and so that each comes after each other one, which may have left work behind.
fn shuffled(kinds: usize, entropy: &SeededEntropy) -> Vec<usize> {
    let mut order: Vec<usize> = (0..kinds).collect();
    for last in (1..kinds).rev() {
        let mut drawn = [0];
        entropy.fill(&mut drawn);
        order.swap(last, usize::from(drawn[0]) % (last + 1));
    }
    order
}

/// Fails when the times of one kind stand out among those of the others.
fn expect_alike(names: &[&str], times: &[Vec<Duration>]) {
    for (kind, name) in names.iter().enumerate() {
        let others: Vec<_> = times.iter().enumerate().filter(|(other, _)| *other != kind).collect();
        let others: Vec<_> = others.into_iter().flat_map(|(_, times)| times.iter().copied()).collect();
        let share = slower(&times[kind], &others);
        println!("{name}: slower than the others in {share:.3} of all pairs, {} rounds", times[kind].len());
        // By chance alone the share strays from a half by 0.05 at the smaller number; a missing hash makes it 0.
        assert!((0.2..0.8).contains(&share), "{name} stands out: {share:.3}");
    }
}

on_each_database! {
    /// ASVS: V6.3.8, T03
    async fn failed_logins_of_every_kind_take_the_same_time(database) {
        let stage = sso::Stage::set_with(&database, |config| config.hashing = HashingConfig::default()).await;
        stage.log_in(sso::ada()).await.expect("a member without a password");
        let (world, root) = (&stage.world, &stage.owner);
        world.join(root, "ada@example.org", "GUEST").await;
        world.invite(root, "invited@example.org", "GUEST").await;
        let blocked = world.join(root, "blocked@example.org", "GUEST").await;
        world.peers.known().members.get_mut(&blocked.user_id).expect("a member").blocked = true;
        let expected = bytes(&world.try_log_in(KINDS[0].1, KINDS[0].2).await.expect_err("refused"));
        // Nobody waits, or the failures would be of different kinds.
        let prepare = async || world.execute("DELETE FROM login_failures").await;
        let times = take_times(KINDS.len(), rounds(), prepare, async |kind| {
            let (name, email, password) = KINDS[kind];
            let refused = world.try_log_in(email, password).await.expect_err("refused");
            assert_eq!(bytes(&refused), expected, "{name}");
        }).await;
        expect_alike(&KINDS.map(|(name, ..)| name), &times);
    }

    /// ASVS: V6.3.8, T03
    async fn registrations_take_the_same_time_whether_the_address_has_an_account_or_not(database) {
        let (world, _) = open_world(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        world.invite(&root, "invited@example.org", "GUEST").await;
        let kinds = ["unknown", "active", "invited", "administrator"];
        let emails = ["nobody@example.org", "ada@example.org", "invited@example.org", ADMIN];
        // Nothing is left of the round before, and nobody has had too many mails.
        let prepare = async || {
            world.execute("DELETE FROM registrations").await;
            world.execute("DELETE FROM mail_budgets").await;
        };
        let times = take_times(kinds.len(), rounds(), prepare, async |kind| {
            registrations::register(&world, emails[kind]).await;
        }).await;
        expect_alike(&kinds, &times);
    }

    /// ASVS: V6.3.8, T03
    async fn login_options_take_the_same_time_whether_the_address_has_an_account_or_not(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        world.invite(&root, "invited@example.org", "GUEST").await;
        let kinds = ["unknown", "active", "invited", "administrator"];
        let emails = ["nobody@example.org", "ada@example.org", "invited@example.org", ADMIN];
        // They are quick, so there can be more of them.
        let times = take_times(kinds.len(), 4 * rounds(), async || {}, async |kind| {
            let request = GetLoginOptionsRequest { email: emails[kind].to_owned() };
            world.authentication().get_login_options(request).await.expect("answered");
        }).await;
        expect_alike(&kinds, &times);
    }
}

#[test]
fn the_share_tells_slow_from_fast_and_nothing_from_nothing() {
    let times = |offset: u64| (0..100).map(|index| Duration::from_micros(offset + index * 7 % 100)).collect::<Vec<_>>();
    assert!(slower(&times(1_000), &times(0)) > 0.99 && slower(&times(0), &times(1_000)) < 0.01);
    assert!((0.4..0.6).contains(&slower(&times(0), &times(0))));
}
