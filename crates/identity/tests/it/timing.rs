//! Failed logins of every kind: the same bytes, in the same time.

use std::time::Duration;

use tokio::time::Instant;

use rolecall_testkit::on_each_database;

use crate::harness::{ADMIN, PASSWORD, World, bytes};

/// Who fails, with which password.
const KINDS: [(&str, &str, &str); 5] = [
    ("unknown", "nobody@example.org", PASSWORD),
    ("wrong", "ada@example.org", "not this one at all"),
    ("blocked", "blocked@example.org", PASSWORD),
    ("invited", "invited@example.org", PASSWORD),
    ("administrator", ADMIN, "not this one at all"),
];

/// How many logins of each kind on each database: 500 in all, or as many as a statement about thousands needs.
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

on_each_database! {
    /// ASVS: V6.3.8, T03
    async fn failed_logins_of_every_kind_take_the_same_time(database) {
        let (world, _) = World::bootstrapped_for_real(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        world.invite(&root, "invited@example.org", "GUEST").await;
        let blocked = world.join(&root, "blocked@example.org", "GUEST").await;
        world.peers.known().members.get_mut(&blocked.user_id).expect("a member").blocked = true;
        let expected = bytes(&world.try_log_in(KINDS[0].1, KINDS[0].2).await.expect_err("refused"));
        let (rounds, mut times) = (rounds(), vec![Vec::new(); KINDS.len()]);
        for round in 0..rounds {
            // Nobody waits, or the failures would be of different kinds.
            world.execute("DELETE FROM login_failures").await;
            // Each kind comes first, second and so on as often as any other, so that a machine that slows down or
            // speeds up meanwhile does the same to all; and after each other kind, which may have left work behind.
            let stride = 1 + (round / KINDS.len()) % (KINDS.len() - 1);
            for place in 0..KINDS.len() {
                let kind = (round + place * stride) % KINDS.len();
                let (name, email, password) = KINDS[kind];
                let begun = Instant::now();
                let refused = world.try_log_in(email, password).await.expect_err("refused");
                times[kind].push(begun.elapsed());
                assert_eq!(bytes(&refused), expected, "{name}");
            }
        }
        for (kind, (name, ..)) in KINDS.iter().enumerate() {
            let others: Vec<_> = times.iter().enumerate().filter(|(other, _)| *other != kind).collect();
            let others: Vec<_> = others.into_iter().flat_map(|(_, times)| times.iter().copied()).collect();
            let share = slower(&times[kind], &others);
            println!("{name}: slower than the others in {share:.3} of all pairs, {rounds} rounds");
            // By chance alone the share strays from a half by 0.05 at the smaller number; a missing hash makes it 0.
            assert!((0.2..0.8).contains(&share), "{name} stands out: {share:.3}");
        }
    }
}

#[test]
fn the_share_tells_slow_from_fast_and_nothing_from_nothing() {
    let times = |offset: u64| (0..100).map(|index| Duration::from_micros(offset + index * 7 % 100)).collect::<Vec<_>>();
    assert!(slower(&times(1_000), &times(0)) > 0.99 && slower(&times(0), &times(1_000)) < 0.01);
    assert!((0.4..0.6).contains(&slower(&times(0), &times(0))));
}
