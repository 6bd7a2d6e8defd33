//! Tokens and codes at places that are not for them, mangled, or of somebody else.

use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::*;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::access_tokens::{create, lend};
use crate::authenticator::{Authenticator, totp};
use crate::harness::{ADMIN, PASSWORD, World, bearer, reason};
use crate::password_reset::{mailed_code, reset};
use crate::registrations::{open_world, registered};

/// What opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Access,
    Refresh,
    Challenge,
    Device,
    Reset,
    Invitation,
    EmailChange,
    Registration,
    ApiKey,
    PersonalToken,
}

/// Where something is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Call,
    RefreshTokens,
    AnswerChallenge,
    ResetPassword,
    GetInvitation,
    AcceptInvitation,
    ConfirmEmailChange,
    GetRegistration,
    VerifyEmail,
    ExchangeApiKey,
}

const PLACES: [Place; 10] = [
    Place::Call,
    Place::RefreshTokens,
    Place::AnswerChallenge,
    Place::ResetPassword,
    Place::GetInvitation,
    Place::ConfirmEmailChange,
    Place::GetRegistration,
    Place::VerifyEmail,
    Place::ExchangeApiKey,
    // Last, because nobody is invited any more afterwards.
    Place::AcceptInvitation,
];

impl Kind {
    /// Where it belongs.
    fn opens(self) -> &'static [Place] {
        match self {
            Self::Access => &[Place::Call],
            Self::Refresh => &[Place::RefreshTokens],
            Self::Challenge => &[Place::AnswerChallenge],
            Self::Device => &[],
            Self::Reset => &[Place::ResetPassword],
            Self::Invitation => &[Place::GetInvitation, Place::AcceptInvitation],
            Self::EmailChange => &[Place::ConfirmEmailChange],
            Self::Registration => &[Place::GetRegistration, Place::VerifyEmail],
            Self::ApiKey | Self::PersonalToken => &[Place::ExchangeApiKey],
        }
    }
}

struct Stage {
    world: World,
    app: Authenticator,
    live: Vec<(Kind, String)>,
}

impl Stage {
    /// One of each, alive, each of a person of its own where one would end another.
    async fn set(database: &rolecall_testkit::TestDatabase) -> Self {
        let (world, _) = open_world(database).await;
        let tokens = world.log_in(ADMIN).await;
        let root = tokens.access_token.clone();
        for email in ["factor@example.org", "reset@example.org", "moving@example.org"] {
            world.join(&root, email, "GUEST").await;
        }
        let (_, invitation) = world.invite(&root, "invited@example.org", "GUEST").await;
        let (app, _) = world.enroll(&world.log_in("factor@example.org").await.access_token).await;
        world.next_step();
        let begun = world.begin_log_in("factor@example.org", PASSWORD).await.expect("right");
        let challenge = begun.challenge(ChallengeKind::Factor).challenge_token;
        let request = ChangeEmailRequest { email: "moved@example.org".to_owned(), ..Default::default() };
        let moving = world.log_in("moving@example.org").await.access_token;
        world.accounts().change_email(bearer(&moving, request)).await.expect("asked");
        let email_change = world.code("moved@example.org").await;
        let (_, personal) = create(&world, &root, lend(&["identity.users.list"])).await.expect("lent");
        let live = vec![
            (Kind::Reset, mailed_code(&world, "reset@example.org").await),
            (Kind::ApiKey, api_key(&world, &root).await),
            (Kind::Access, root),
            (Kind::Refresh, tokens.refresh_token),
            (Kind::Device, tokens.device_token),
            (Kind::Challenge, challenge),
            (Kind::Invitation, invitation),
            (Kind::EmailChange, email_change),
            (Kind::Registration, registered(&world, "visitor@example.org").await),
            (Kind::PersonalToken, personal),
        ];
        Self { world, app, live }
    }

    async fn present(&self, place: Place, secret: &str) -> Result<(), Status> {
        let (world, code) = (&self.world, secret.to_owned());
        let (mut registration, mut authentication) = (world.registration(), world.authentication());
        match place {
            Place::Call => world.accounts().get_account(bearer(secret, GetAccountRequest {})).await.map(drop),
            Place::RefreshTokens => {
                let request = RefreshTokensRequest { refresh_token: code, ..Default::default() };
                authentication.refresh_tokens(request).await.map(drop)
            }
            Place::AnswerChallenge => {
                let code = totp(self.app.code(world.clock.now()));
                world.answer(secret, code).await.map(drop)
            }
            Place::ResetPassword => reset(world, secret, "seven green lamps whistle").await,
            Place::GetInvitation => registration.get_invitation(GetInvitationRequest { code }).await.map(drop),
            Place::AcceptInvitation => world.accept(secret).await.map(drop),
            Place::ConfirmEmailChange => {
                world.accounts().confirm_email_change(ConfirmEmailChangeRequest { code }).await.map(drop)
            }
            Place::GetRegistration => registration.get_registration(GetRegistrationRequest { code }).await.map(drop),
            Place::VerifyEmail => {
                let credential = Some(verify_email_request::Credential::Password(PASSWORD.to_owned()));
                registration.verify_email(VerifyEmailRequest { code, credential }).await.map(drop)
            }
            Place::ExchangeApiKey => authentication
                .exchange_api_key(ExchangeApiKeyRequest { api_key: code, ..Default::default() })
                .await
                .map(drop),
        }
    }
}

async fn api_key(world: &World, root: &str) -> String {
    let request = CreateServiceAccountRequest {
        name: "Data platform".to_owned(),
        permissions: vec!["identity.users.list".to_owned()],
        ..Default::default()
    };
    let made = world.service_accounts().create_service_account(bearer(root, request)).await.expect("made").into_inner();
    let service_account_id = made.service_account.expect("an account").service_account_id;
    let request = CreateApiKeyRequest { service_account_id, ..Default::default() };
    world.service_accounts().create_api_key(bearer(root, request)).await.expect("made").into_inner().secret
}

/// Everything that is nearly this secret.
fn mangled(secret: &str) -> Vec<String> {
    let prefixes = (0..secret.len()).map(|end| secret[..end].to_owned());
    let longer = ["A", "=", " ", "\n", "\0", "%00", "AAAA"].into_iter().flat_map(|more| {
        let twice = format!("{secret}{secret}");
        [format!("{secret}{more}"), format!("{more}{secret}"), twice]
    });
    let flips = secret.char_indices().filter(|(_, letter)| letter.is_ascii_alphabetic()).map(|(index, letter)| {
        let other = if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        format!("{}{other}{}", &secret[..index], &secret[index + 1..])
    });
    let cases = [secret.to_lowercase(), secret.to_uppercase()];
    prefixes.chain(longer).chain(flips).chain(cases).collect()
}

on_each_database! {
    /// ASVS: V9.2.2, V6.6.2
    async fn attack_t09_what_opens_one_thing_opens_nothing_else(database) {
        let stage = Stage::set(&database).await;
        for (kind, secret) in &stage.live {
            for place in PLACES.into_iter().filter(|place| !kind.opens().contains(place)) {
                assert!(stage.present(place, secret).await.is_err(), "{kind:?} at {place:?}");
            }
        }
        // And all of them were alive meanwhile.
        for (kind, secret) in &stage.live {
            for place in kind.opens() {
                stage.present(*place, secret).await.unwrap_or_else(|refused| panic!("{kind:?} at {place:?}: {refused:?}"));
            }
        }
    }

    /// ASVS: V7.2.3, V11.5.1
    async fn attack_t10_nothing_that_is_nearly_a_secret_opens(database) {
        let stage = Stage::set(&database).await;
        let opaque = stage.live.iter().filter(|(kind, _)| *kind != Kind::Access);
        for (kind, secret) in opaque {
            let Some(place) = kind.opens().last() else { continue };
            for other in mangled(secret) {
                assert!(stage.present(*place, &other).await.is_err(), "{kind:?} as {other:?}");
            }
            stage.present(*place, secret).await.expect("the whole of it");
        }
    }

    /// ASVS: T05
    async fn asvs_v6_6_2_codes_of_one_person_serve_no_other(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        let (mine, my_codes) = world.enroll(&root).await;
        let (hers, her_codes) = world.enroll(&world.log_in("ada@example.org").await.access_token).await;
        world.next_step();
        let now = world.clock.now();
        assert_ne!(mine.code(now), hers.code(now), "once in a million runs");
        let begin = async |email: &str| {
            let begun = world.begin_log_in(email, PASSWORD).await.expect("right");
            begun.challenge(ChallengeKind::Factor).challenge_token
        };
        let challenge = begin(ADMIN).await;
        for answer in [totp(hers.code(now)), Answer::RecoveryCode(her_codes[0].clone())] {
            let refused = world.answer(&challenge, answer).await.expect_err("of somebody else");
            assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        }
        world.answer(&challenge, totp(mine.code(now))).await.expect("mine").tokens();
        let challenge = begin("ada@example.org").await;
        let refused = world.answer(&challenge, Answer::RecoveryCode(my_codes[0].clone())).await.expect_err("mine");
        assert_eq!(reason(&refused), "FACTOR_CODE_REFUSED");
        world.answer(&challenge, Answer::RecoveryCode(her_codes[0].clone())).await.expect("hers").tokens();
    }
}
