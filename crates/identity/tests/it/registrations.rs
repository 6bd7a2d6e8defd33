//! From a visitor to an account, and everything that must not become one.

mod crashes;
mod model;
mod refusals;
mod yielding;

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::verify_email_request::Credential;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bytes, reason};
use crate::mailbox::{mails, wait_for_mails};

pub(super) const ADA: &str = "ada@example.org";
/// What a person chooses instead of a password that is not its own.
pub(super) const OWN: &str = "seven green lamps whistle";

/// Makes the home organization take registrations with addresses that end so.
pub(super) fn open(world: &World, organization_id: &str, domain: &str) {
    world.peers.known().self_service.insert(organization_id.to_owned(), domain.to_owned());
}

/// Starts identity with a home organization that takes registrations.
pub(super) async fn open_world(database: &rolecall_testkit::TestDatabase) -> (World, User) {
    let (world, admin) = World::bootstrapped(database).await;
    open(&world, &admin.organization_id, "");
    (world, admin)
}

pub(super) fn request(email: &str) -> RegisterRequest {
    RegisterRequest {
        email: email.to_owned(),
        name: "Ada Lovelace".to_owned(),
        institution: "Analytical Society".to_owned(),
        website: "https://ada.example.org".to_owned(),
        password: PASSWORD.to_owned(),
        password_confirmation: PASSWORD.to_owned(),
        ..Default::default()
    }
}

pub(super) async fn register(world: &World, email: &str) -> RegisterResponse {
    world.registration().register(request(email)).await.expect("taken").into_inner()
}

/// Registers and takes the code out of the mail.
pub(super) async fn registered(world: &World, email: &str) -> String {
    register(world, email).await;
    world.code(email).await
}

pub(super) async fn verify(world: &World, code: &str, credential: Credential) -> Result<User, Status> {
    let request = VerifyEmailRequest { code: code.to_owned(), credential: Some(credential) };
    Ok(world.registration().verify_email(request).await?.into_inner().user.expect("a user"))
}

pub(super) fn typed(password: &str) -> Credential {
    Credential::Password(password.to_owned())
}

pub(super) fn chosen(password: &str) -> Credential {
    let (password, password_confirmation) = (password.to_owned(), password.to_owned());
    Credential::NewPassword(ChosenPassword { password, password_confirmation })
}

pub(super) async fn resend(world: &World, registration_id: &str, email: &str) {
    let (registration_id, email) = (registration_id.to_owned(), email.to_owned());
    let request = ResendEmailVerificationRequest { registration_id, email };
    world.registration().resend_email_verification(request).await.expect("always the same");
}

pub(super) async fn count(world: &World, topic: &str) -> usize {
    world.identity.relay().drain().await;
    world.peers.topics().into_iter().filter(|told| told == topic).count()
}

on_each_database! {
    async fn a_visitor_registers_proves_the_address_and_is_a_data_scientist(database) {
        let (world, admin) = open_world(&database).await;
        let answer = register(&world, "Ada@Example.org").await;
        assert_eq!(answer.expire_time.expect("a time").seconds, world.clock_seconds() + 24 * 3_600);
        world.try_log_in(ADA, PASSWORD).await.expect_err("nothing is alive yet");
        let code = world.code("Ada@example.org").await;
        assert!(code.starts_with("rcv_") && code.len() == 47);
        let look = GetRegistrationRequest { code: code.clone() };
        let shown = world.registration().get_registration(look.clone()).await.expect("shown").into_inner();
        assert_eq!((shown.organization_name.as_str(), shown.name.as_str()), ("Analytical Engines", "Ada Lovelace"));
        assert!(shown.email.eq_ignore_ascii_case(ADA) && !shown.replaces_account);
        assert_eq!(shown.password_policy.map(|policy| policy.min_characters), Some(15));
        let user = verify(&world, &code, typed(PASSWORD)).await.expect("verified");
        assert_eq!((user.state(), user.email_verified), (UserState::Active, true));
        assert_eq!((user.organization_id.as_str(), user.roles.as_slice()), (admin.organization_id.as_str(), ["DATA_SCIENTIST".to_owned()].as_slice()));
        assert_eq!((user.institution.as_str(), user.website.as_str()), ("Analytical Society", "https://ada.example.org/"));
        world.access.invalidate_all();
        world.log_in(ADA).await;
        for topic in ["identity.registration_requested", "identity.user_registered", "identity.email_verified"] {
            assert_eq!(count(&world, topic).await, 1, "{topic}");
        }
        assert_eq!(mails(&world, "Ada@example.org", "welcome").await.len(), 1);
        assert_eq!(reason(&verify(&world, &code, typed(PASSWORD)).await.expect_err("used")), "CODE_NOT_FOUND");
        assert_eq!(reason(&world.registration().get_registration(look).await.expect_err("used")), "CODE_NOT_FOUND");
    }

    /// ASVS: V6.3.8
    async fn attack_t03_nothing_tells_whether_an_address_has_an_account(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        verify(&world, &code, typed(PASSWORD)).await.expect("verified");
        let mut answers = Vec::new();
        for email in [ADA, "nobody@example.org"] {
            let answer = world.registration().register(request(email)).await.expect("the same");
            let mut names: Vec<String> = answer.metadata().keys().map(|key| format!("{key:?}")).collect();
            names.sort();
            let RegisterResponse { registration_id, expire_time } = answer.into_inner();
            answers.push((names, registration_id.len(), expire_time));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(mails(&world, ADA, "registration_attempted").await.len(), 1);
        assert_eq!(mails(&world, ADA, "email_verification").await.len(), 1, "the one of before");
        assert_eq!(mails(&world, "nobody@example.org", "email_verification").await.len(), 1);
        assert_eq!(count(&world, "identity.registration_requested").await, 3);
        world.access.invalidate_all();
        world.log_in(ADA).await;
    }

    async fn attack_t13_a_password_that_a_stranger_chose_never_comes_alive(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        verify(&world, &code, chosen(OWN)).await.expect("the reader of the mail decides");
        world.access.invalidate_all();
        world.try_log_in(ADA, PASSWORD).await.expect_err("the stranger's");
        world.try_log_in(ADA, OWN).await.expect("its own");
    }

    async fn wrong_passwords_are_counted_and_a_new_one_is_always_taken(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        for attempt in 0..6 {
            let refused = verify(&world, &code, typed("not this one at all")).await.expect_err("wrong");
            assert_eq!(reason(&refused), "CREDENTIALS_REFUSED", "{attempt}");
        }
        let early = verify(&world, &code, typed(PASSWORD)).await.expect_err("it came too early");
        let wrong = verify(&world, &code, typed("not this one at all")).await.expect_err("wrong");
        assert_eq!(bytes(&early), bytes(&wrong));
        world.clock.advance(Duration::from_secs(30));
        verify(&world, &code, typed(PASSWORD)).await.expect("the wait is over");

        let code = registered(&world, "eva@example.org").await;
        for _ in 0..6 {
            verify(&world, &code, typed("not this one at all")).await.expect_err("wrong");
        }
        verify(&world, &code, chosen(OWN)).await.expect("it reads the mail");
    }

    async fn a_newer_code_ends_the_older_ones(database) {
        let (world, _) = open_world(&database).await;
        let first = registered(&world, ADA).await;
        let again = register(&world, ADA).await;
        let second = world.code(ADA).await;
        resend(&world, &again.registration_id, ADA).await;
        wait_for_mails(&world, ADA, "email_verification", 3).await;
        let third = world.code(ADA).await;
        for old in [&first, &second] {
            assert_eq!(reason(&verify(&world, old, typed(PASSWORD)).await.expect_err("replaced")), "CODE_NOT_FOUND");
        }
        resend(&world, "", ADA).await;
        wait_for_mails(&world, ADA, "email_verification", 4).await;
        assert_eq!(reason(&verify(&world, &third, typed(PASSWORD)).await.expect_err("replaced")), "CODE_NOT_FOUND");
        verify(&world, &world.code(ADA).await, typed(PASSWORD)).await.expect("the newest");
    }

    async fn asking_for_another_mail_tells_nothing_and_moves_nothing_of_others(database) {
        let (world, _) = open_world(&database).await;
        let other = register(&world, "eva@example.org").await;
        let code = registered(&world, ADA).await;
        for email in ["nobody@example.org", ADMIN, ADA] {
            resend(&world, &other.registration_id, email).await;
        }
        resend(&world, "", "nobody@example.org").await;
        // Worked on in order: when the last mail is there, the others would be.
        resend(&world, "", "eva@example.org").await;
        wait_for_mails(&world, "eva@example.org", "email_verification", 2).await;
        assert_eq!(mails(&world, ADA, "email_verification").await.len(), 1);
        for email in ["nobody@example.org", ADMIN] {
            assert_eq!(mails(&world, email, "email_verification").await.len(), 0, "{email}");
        }
        verify(&world, &code, typed(PASSWORD)).await.expect("still good");
    }

    async fn a_registration_ends_after_a_day_and_nothing_of_it_is_kept(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        world.clock.advance(Duration::from_secs(24 * 3_600 - 1));
        let look = GetRegistrationRequest { code: code.clone() };
        world.registration().get_registration(look).await.expect("in time");
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(reason(&verify(&world, &code, typed(PASSWORD)).await.expect_err("ended")), "CODE_NOT_FOUND");
        assert_eq!(world.rows("registrations").await, 1);
        world.identity.sweep().await.expect("swept");
        assert_eq!(world.rows("registrations").await, 0);
        verify(&world, &registered(&world, ADA).await, typed(PASSWORD)).await.expect("begun anew");
        assert_eq!(world.rows("registrations").await, 0, "what is verified is kept in the account alone");
    }

    /// ASVS: V15.4.2
    async fn attack_t16_parallel_registrations_of_one_address_make_one_account(database) {
        let (world, _) = open_world(&database).await;
        let world = Arc::new(world);
        let answers = at_once(64, |_| {
            let world = Arc::clone(&world);
            async move { world.registration().register(request(ADA)).await }
        }).await;
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(["HASHING_OVERLOADED", "STORE_UNAVAILABLE"].contains(&reason(refused).as_str()), "{refused:?}");
        }
        assert!(answers.iter().any(Result::is_ok));
        let sent = mails(&world, ADA, "email_verification").await.len();
        assert!((1..=5).contains(&sent), "{sent} mails went to a stranger's address");
        assert_eq!(world.rows("registrations").await, 1);
        verify(&world, &world.code(ADA).await, typed(PASSWORD)).await.expect("the newest code");
        assert_eq!(world.rows("users").await, 2);
    }

    async fn a_code_of_a_registration_serves_once_also_in_parallel(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        let world = Arc::new(world);
        let answers = at_once(64, |index| {
            let (world, code) = (Arc::clone(&world), code.clone());
            let credential = if index % 2 == 0 { typed(PASSWORD) } else { chosen(OWN) };
            async move { verify(&world, &code, credential).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            let shed = ["CODE_NOT_FOUND", "EMAIL_TAKEN", "HASHING_OVERLOADED", "STORE_UNAVAILABLE"];
            assert!(shed.contains(&reason(refused).as_str()), "{refused:?}");
        }
        assert_eq!(world.rows("users").await, 2);
        assert_eq!(world.peers.known().members.len(), 2, "no half-made member is left");
        assert_eq!(count(&world, "identity.user_registered").await, 1);
    }
}
