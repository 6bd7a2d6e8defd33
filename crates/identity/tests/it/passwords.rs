//! Passwords over the wire: taken as they are typed, kept as long as they are good, and no way around the factor.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::{ChallengeKind, GetAccountRequest, RefreshTokensRequest};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;

use crate::authenticator::totp;
use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, reason};
use crate::mailbox::mails;
use crate::password_reset::{mailed_code, reset};

/// No wait after failures is longer.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

async fn set(world: &World, password: &str) -> Result<(), tonic::Status> {
    world.clock.advance(Duration::from_hours(24));
    let code = mailed_code(world, ADMIN).await;
    reset(world, &code, password).await
}

/// So many characters of four bytes each, in no order that could be guessed.
fn owls(count: u32) -> String {
    (0..count).filter_map(|index| char::from_u32(0x1_f300 + index * 37 % 700)).collect()
}

/// How often eight people log in side by side; on a long run that makes 1 000 logins.
fn times() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    let is_long = std::env::var_os("ROLECALL_LONG_TESTS").is_some();
    if is_long { 125 } else { 6 }
}

on_each_database! {
    async fn asvs_v6_2_8_a_password_counts_exactly_as_it_was_typed(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let typed = "violet tram hums quietly, caf\u{e9} after caf\u{e9}, until the last \u{fb01}eld of lamps goes out";
        set(&world, typed).await.expect("set");
        let (start, end) = (&typed[1..], &typed[..typed.len() - 1]);
        let others = [
            typed.to_uppercase(),
            typed.replacen('v', "V", 1),
            typed.replace('\u{fb01}', "fi"),
            typed.replace('\u{e9}', "e"),
            format!("{typed} "),
            format!(" {typed}"),
            format!("{typed}\0"),
            start.to_owned(),
            end.to_owned(),
            typed[..72].to_owned(),
        ];
        for other in others {
            world.clock.advance(LONGEST_WAIT);
            world.try_log_in(ADMIN, &other).await.expect_err(&other);
        }
        world.clock.advance(LONGEST_WAIT);
        // The one thing that is changed: how the same text is spelled in Unicode.
        world.try_log_in(ADMIN, &typed.replace('\u{e9}', "e\u{301}")).await.expect("the same text");
        world.try_log_in(ADMIN, typed).await.expect("the password");
    }

    async fn asvs_v6_2_9_a_password_has_up_to_256_characters_of_any_width(database) {
        let (world, _) = World::bootstrapped(&database).await;
        for count in [64, 128, 256] {
            set(&world, &owls(count)).await.expect("set");
            world.try_log_in(ADMIN, &owls(count)).await.expect("all of it counts");
            world.try_log_in(ADMIN, &owls(count - 1)).await.expect_err("one less");
        }
        let refused = set(&world, &owls(257)).await.expect_err("more than are hashed");
        assert_eq!(reason(&refused), "REQUEST_INVALID");
    }

    async fn asvs_v6_2_10_a_password_does_not_grow_old(database) {
        let (world, _) = World::bootstrapped(&database).await;
        world.clock.advance(Duration::from_hours(24 * 365 * 10));
        world.log_in(ADMIN).await;
    }

    async fn asvs_v6_4_3_a_reset_leaves_the_second_factor_in_place(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (app, codes) = world.enroll(&tokens.access_token).await;
        let other = "seven green lamps whistle";
        set(&world, other).await.expect("set");
        assert_eq!(mails(&world, ADMIN, "password_reset").await.len(), 1);
        let asked = world.begin_log_in(ADMIN, other).await.expect("right").challenge(ChallengeKind::Factor);
        let code = app.code(world.clock.now());
        world.answer(&asked.challenge_token, totp(code)).await.expect("the app goes on").tokens();
        let asked = world.begin_log_in(ADMIN, other).await.expect("right").challenge(ChallengeKind::Factor);
        let recovery = Answer::RecoveryCode(codes[0].clone());
        world.answer(&asked.challenge_token, recovery).await.expect("and the codes").tokens();
    }

    async fn attack_t04_another_spelling_and_another_process_count_for_the_same_account(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let other = world.replica(&database).await;
        for spelling in ["root@example.org", "ROOT@example.org", "root@EXAMPLE.org"] {
            world.try_log_in(spelling, "not this one at all").await.expect_err("wrong");
            other.try_log_in(spelling, "not this one at all").await.expect_err("wrong");
        }
        for (process, spelling) in [(&world, "Root@Example.Org"), (&other, ADMIN)] {
            process.try_log_in(spelling, PASSWORD).await.expect_err("waits");
        }
        world.clock.advance(Duration::from_secs(30));
        other.log_in(ADMIN).await;
    }

    async fn attack_t07_logins_side_by_side_get_their_own_tokens(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        let world = Arc::new(world);
        for _ in 0..times() {
            let crossed = at_once(8, |index| {
                let world = Arc::clone(&world);
                let email = if index % 2 == 0 { ADMIN } else { "ada@example.org" };
                async move {
                    let token = world.log_in(email).await.access_token;
                    let account = world.accounts().get_account(bearer(&token, GetAccountRequest {})).await;
                    // The oldest of more than twenty sessions may have given way by now.
                    account.is_ok_and(|account| account.into_inner().user.is_none_or(|user| user.email != email))
                }
            });
            assert!(!crossed.await.contains(&true));
        }
    }

    /// ASVS: V10.4.5
    async fn attack_t08_use_again_is_noticed_by_another_process_and_after_a_restart(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let stolen = world.log_in(ADMIN).await.refresh_token;
        let refresh = |process: &World, token: &str| {
            let refresh_token = token.to_owned();
            let request = RefreshTokensRequest { refresh_token, ..Default::default() };
            let mut client = process.authentication();
            async move { client.refresh_tokens(request).await.map(|answer| answer.into_inner().tokens.expect("tokens")) }
        };
        let good = refresh(&world, &stolen).await.expect("the first use");
        world.clock.advance(Duration::from_secs(31));
        let restarted = world.replica(&database).await;
        refresh(&restarted, &stolen).await.expect_err("used again");
        refresh(&restarted, &good.refresh_token).await.expect_err("its family has ended");
        refresh(&world, &good.refresh_token).await.expect_err("everywhere");
    }
}
