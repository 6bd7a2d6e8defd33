//! Every way in, for somebody who may come in no more.

use rolecall_api::identity::v1::reauthenticate_request::Factor as Shown;
use rolecall_api::identity::v1::*;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::access_tokens::{create, exchange, lend};
use crate::authenticator::{Authenticator, totp};
use crate::harness::{ADMIN, PASSWORD, World, bearer};
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
