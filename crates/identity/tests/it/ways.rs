//! Every way in, for somebody who may come in no more.

use rolecall_api::identity::v1::reauthenticate_request::Factor as Shown;
use rolecall_api::identity::v1::*;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::access_tokens::{create, exchange, lend};
use crate::authenticator::{Authenticator, totp};
use crate::harness::{ADMIN, PASSWORD, World, bearer, create_user, reason};
use crate::mailbox::mails;
use crate::password_reset::{mailed_code, reset};

const ADA: &str = "ada@example.org";
const NEW: &str = "seven green lamps whistle";

/// Everything that a person can hold.
struct Held {
    tokens: Tokens,
    challenge: String,
    personal: String,
    code: String,
    app: Authenticator,
}

async fn hold(world: &World) -> Held {
    let (app, _) = world.enroll(&world.log_in(ADA).await.access_token).await;
    let tokens = world.log_in_with(ADA, &app).await;
    let (_, personal) = create(world, &tokens.access_token, lend(&["identity.users.get"])).await.expect("lent");
    world.next_step();
    let begun = world.begin_log_in(ADA, PASSWORD).await.expect("right");
    let challenge = begun.challenge(ChallengeKind::Factor).challenge_token;
    Held { tokens, challenge, personal, code: mailed_code(world, ADA).await, app }
}

/// Tries each way, and gives the names of those that are open.
async fn open_ways(world: &World, held: &Held) -> Vec<&'static str> {
    let refresh_token = held.tokens.refresh_token.clone();
    let refresh = RefreshTokensRequest { refresh_token, ..Default::default() };
    let shown = || held.app.code(world.clock.now());
    let tried: [(&'static str, Result<(), Status>); 7] = [
        ("a token that was given before", {
            let request = bearer(&held.tokens.access_token, GetAccountRequest {});
            world.accounts().get_account(request).await.map(drop)
        }),
        ("a refresh", world.authentication().refresh_tokens(refresh).await.map(drop)),
        ("a personal token", exchange(world, &held.personal).await.map(drop)),
        ("half a login", world.answer(&held.challenge, totp(shown())).await.map(drop)),
        ("a fresh proof", {
            let factor = Some(Shown::TotpCode(shown()));
            world.reauthenticate(&held.tokens.access_token, PASSWORD, factor).await.map(drop)
        }),
        ("a login", world.begin_log_in(ADA, PASSWORD).await.map(drop)),
        ("a login after a reset", {
            let _whatever = reset(world, &held.code, NEW).await;
            world.begin_log_in(ADA, NEW).await.map(drop)
        }),
    ];
    tried.into_iter().filter(|(_, result)| result.is_ok()).map(|(name, _)| name).collect()
}

on_each_database! {
    /// ASVS: T11
    async fn asvs_v6_3_4_every_way_in_is_closed_to_who_is_blocked(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let held = hold(&world).await;
        world.peers.known().members.get_mut(&ada.user_id).expect("a member").blocked = true;
        world.access.invalidate_all();
        assert_eq!(open_ways(&world, &held).await, [""; 0]);
    }

    /// ASVS: T11, T26
    async fn asvs_v6_3_4_every_way_in_is_closed_to_who_is_deleted(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let held = hold(&world).await;
        let request = DeleteUserRequest { user_id: ada.user_id, ..Default::default() };
        world.users().delete_user(bearer(&root, request)).await.expect("deleted");
        assert_eq!(open_ways(&world, &held).await, [""; 0]);
    }

    async fn attack_t16_a_reset_for_an_address_that_looks_like_another_mails_nobody_else(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let owner = "mike@example.org";
        world.join(&root, owner, "GUEST").await;
        let lookalikes = [
            "m\u{131}ke@example.org",
            "M\u{130}KE@example.org",
            "mi\u{212a}e@example.org",
            "\u{ff4d}ike@example.org",
            "mike@exampl\u{435}.org",
            "mike@\u{ff45}xample.org",
            "mike@example\u{3002}org",
            "mike@example.org.",
            "mike@example.org\u{200b}",
            "mike\u{200d}@example.org",
            "mike@example.org\0",
            "mike@@example.org",
            "mike@example.org@evil.example",
            "mike@example.org,mallory@evil.example",
            "mike@example.org\r\nBcc: mallory@evil.example",
            "\"mike@example.org\"@evil.example",
            "mike%40example.org@evil.example",
            "mike+x@example.org",
            "m.ike@example.org",
            "<mike@example.org>",
        ];
        for email in lookalikes {
            let request = RequestPasswordResetRequest { email: email.to_owned() };
            let _whatever = world.accounts().request_password_reset(request).await;
        }
        // Worked on in order: when this one is there, all others would be.
        mailed_code(&world, owner).await;
        for email in lookalikes {
            assert!(mails(&world, email, "password_reset").await.is_empty(), "{email:?}");
        }
        let told: Vec<String> = mailed_to(&world).await;
        assert!(told.iter().all(|email| email == owner), "{told:?}");
    }
}

/// Spellings of `mike@example.org` that look like it, or are like it to some programs: each letter by its doubles of
/// other alphabets, and what nobody sees at every place.
fn lookalikes() -> Vec<String> {
    let address = "mike@example.org";
    let doubles: &[(char, &str)] = &[
        ('m', "\u{43c}\u{ff4d}\u{1d426}\u{217f}"),
        ('i', "\u{456}\u{131}\u{ed}\u{ff49}\u{2170}l1|"),
        ('k', "\u{43a}\u{212a}\u{ff4b}\u{3ba}"),
        ('e', "\u{435}\u{ff45}\u{212e}\u{e9}\u{1d41e}3"),
        ('x', "\u{445}\u{ff58}\u{3c7}\u{d7}\u{2179}"),
        ('a', "\u{430}\u{ff41}\u{251}\u{3b1}\u{e0}"),
        ('p', "\u{440}\u{ff50}\u{3c1}"),
        ('l', "\u{4cf}\u{ff4c}\u{217c}1I|"),
        ('o', "\u{43e}\u{ff4f}\u{3bf}\u{585}0"),
        ('r', "\u{433}\u{ff52}\u{1d42b}"),
        ('g', "\u{261}\u{ff47}\u{581}"),
        ('@', "\u{ff20}\u{fe6b}"),
        ('.', "\u{3002}\u{ff0e}\u{2024}\u{b7}"),
    ];
    let mut spelled = Vec::new();
    for (at, letter) in address.char_indices() {
        let (before, after) = (&address[..at], &address[at + 1..]);
        let others = doubles.iter().filter(|(of, _)| *of == letter).flat_map(|(_, others)| others.chars());
        spelled.extend(others.map(|other| format!("{before}{other}{after}")));
        spelled.push(format!("{before}{}{after}", letter.to_ascii_uppercase()));
        for unseen in "\u{200b}\u{200d}\u{ad}\u{202e}\u{301}\u{feff} \u{7f}".chars() {
            spelled.push(format!("{before}{letter}{unseen}{after}"));
        }
    }
    spelled.sort_unstable();
    spelled.dedup();
    spelled.retain(|email| email != address);
    spelled
}

/// How many of them on each database: a tenth, or all.
fn step() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    let is_long = std::env::var_os("ROLECALL_LONG_TESTS").is_some();
    if is_long { 1 } else { 10 }
}

on_each_database! {
    async fn attack_t16_whoever_registers_an_address_that_looks_like_another_is_refused_or_somebody_else(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let owner = "mike@example.org";
        let mike = world.join(&root, owner, "GUEST").await;
        let all = lookalikes();
        assert!(all.len() >= 200, "{}", all.len());
        let mut refused = 0;
        for email in all.iter().step_by(step()) {
            let reset = RequestPasswordResetRequest { email: email.clone() };
            let _whatever = world.accounts().request_password_reset(reset).await;
            match world.users().create_user(bearer(&root, create_user(email, "GUEST"))).await {
                Ok(answer) => {
                    let other = answer.into_inner().user.expect("a user");
                    assert_ne!(other.user_id, mike.user_id, "{email:?}");
                    world.try_log_in(email, PASSWORD).await.expect_err("nobody accepted that invitation");
                }
                Err(status) => {
                    refused += 1;
                    assert!(["REQUEST_INVALID", "EMAIL_TAKEN"].contains(&reason(&status).as_str()), "{email:?}: {status:?}");
                }
            }
        }
        assert!(refused > 0, "some spellings are the same address, and some are none");
        assert_eq!(world.log_in(owner).await.user_id, mike.user_id);
        // Worked on in order: when this one is there, all others would be.
        let last = "last@example.org";
        world.join(&root, last, "GUEST").await;
        mailed_code(&world, last).await;
        let told = mailed_to(&world).await;
        assert!(told.iter().all(|email| email == owner || email == last), "{told:?}");
    }
}

/// The address of each mail about a reset.
async fn mailed_to(world: &World) -> Vec<String> {
    use prost::Message as _;
    use rolecall_api::notification::v1::MailCommand;
    world.identity.relay().drain().await;
    let known = world.peers.known();
    let ordered = known.mail.iter().filter(|event| event.topic == "notification.mail_requested");
    let commands = ordered.map(|event| MailCommand::decode(event.payload.as_slice()).expect("a command"));
    commands.filter(|command| command.template == "password_reset").map(|command| command.email).collect()
}
