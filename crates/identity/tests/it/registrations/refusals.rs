//! What registration refuses, and what it cannot be asked for.

use prost_reflect::DescriptorPool;
use rolecall_api::identity::v1::*;
use rolecall_kernel::entropy::{OpaqueToken, SystemEntropy};
use rolecall_testkit::on_each_database;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{ADA, OWN, chosen, open, open_world, registered, request, typed, verify};
use crate::harness::{PASSWORD, World, bytes, reason};
use crate::mailbox::mails;

fn fields(status: &tonic::Status) -> Vec<(String, String)> {
    let told = status.get_details_bad_request().expect("BadRequest").field_violations;
    told.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

#[test]
fn attack_t17_nobody_can_ask_for_a_role() {
    let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("our own descriptors");
    for message in ["RegisterRequest", "VerifyEmailRequest", "ChosenPassword"] {
        let message = pool.get_message_by_name(&format!("rolecall.identity.v1.{message}")).expect("a message");
        let asked: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
        assert!(asked.iter().all(|name| !name.contains("role") && !name.contains("state")), "{asked:?}");
    }
}

on_each_database! {
    async fn an_organization_that_is_closed_answers_like_one_that_does_not_exist(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let (other, _) = world.second_organization("charles@example.org").await;
        let unknown = rolecall_kernel::id::OrganizationId::from_uuid(uuid::Uuid::from_u128(7)).to_string();
        let mut told = Vec::new();
        for organization_id in [String::new(), admin.organization_id.clone(), other.clone(), unknown] {
            let request = RegisterRequest { organization_id, ..request(ADA) };
            told.push(bytes(&world.registration().register(request).await.expect_err("closed")));
        }
        assert_eq!(told[0].0, Code::FailedPrecondition);
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
        open(&world, &other, "");
        let closed = world.registration().register(request(ADA)).await.expect_err("the home organization is closed");
        assert_eq!(reason(&closed), "REGISTRATION_CLOSED");
        let request = RegisterRequest { organization_id: other.clone(), ..request(ADA) };
        world.registration().register(request).await.expect("the other is open");
        let user = verify(&world, &world.code(ADA).await, typed(PASSWORD)).await.expect("verified");
        assert_eq!(user.organization_id, other);
    }

    async fn an_address_of_another_domain_is_refused_before_anything_is_mailed(database) {
        let (world, admin) = open_world(&database).await;
        open(&world, &admin.organization_id, "@uni.example");
        let refused = world.registration().register(request(ADA)).await.expect_err("another domain");
        assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "EMAIL_DOMAIN_REFUSED".to_owned()));
        assert_eq!(mails(&world, ADA, "email_verification").await.len(), 0);
        world.registration().register(request("ada@uni.example")).await.expect("allowed");
    }

    async fn all_that_is_wrong_is_told_at_once(database) {
        let (world, _) = open_world(&database).await;
        let wrong = RegisterRequest {
            organization_id: "7".to_owned(),
            email: "nobody".to_owned(),
            website: "javascript:alert(1)".to_owned(),
            password: "short".to_owned(),
            ..Default::default()
        };
        let told = fields(&world.registration().register(wrong).await.expect_err("wrong"));
        let expected = [
            ("organization_id", "ID_MALFORMED"),
            ("email", "EMAIL_MALFORMED"),
            ("name", "REQUIRED"),
            ("website", "WEBSITE_MALFORMED"),
            ("password_confirmation", "REQUIRED"),
            ("password", "PASSWORD_TOO_SHORT"),
        ];
        assert_eq!(told, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
        let differs = RegisterRequest { password_confirmation: OWN.to_owned(), ..request(ADA) };
        let told = fields(&world.registration().register(differs).await.expect_err("they differ"));
        assert_eq!(told, [("password_confirmation".to_owned(), "CONFIRMATION_DIFFERS".to_owned())]);
        let ftp = RegisterRequest { website: "ftp://example.org".to_owned(), ..request(ADA) };
        let told = fields(&world.registration().register(ftp).await.expect_err("no web address"));
        assert_eq!(told, [("website".to_owned(), "WEBSITE_MALFORMED".to_owned())]);
    }

    async fn a_weak_password_registers_nobody_and_uses_up_no_code(database) {
        let (world, _) = open_world(&database).await;
        for (weak, why) in [("passwordpassword", "PASSWORD_GUESSABLE"), ("ada.lovelace 1843", "PASSWORD_CONTEXT_WORD")] {
            let (password, password_confirmation) = (weak.to_owned(), weak.to_owned());
            let request = RegisterRequest { password, password_confirmation, ..request(ADA) };
            let told = fields(&world.registration().register(request).await.expect_err("weak"));
            assert_eq!(told, [("password".to_owned(), why.to_owned())]);
        }
        let code = registered(&world, ADA).await;
        let refused = verify(&world, &code, chosen("analytical engines")).await.expect_err("weak");
        assert_eq!(fields(&refused), [("new_password.password".to_owned(), "PASSWORD_CONTEXT_WORD".to_owned())]);
        verify(&world, &code, typed(PASSWORD)).await.expect("the code is still good");
    }

    async fn codes_of_registrations_that_are_none_of_ours_are_all_the_same(database) {
        let (world, _) = open_world(&database).await;
        let good = registered(&world, ADA).await;
        let unknown = OpaqueToken::new("rcv_", &SystemEntropy).expose().to_owned();
        let mut told = Vec::new();
        for code in [unknown, good.replacen("rcv_", "rci_", 1), "rcv_x".to_owned(), "x".to_owned()] {
            told.push(bytes(&verify(&world, &code, typed(PASSWORD)).await.expect_err("unknown")));
        }
        assert_eq!(told[0].0, Code::NotFound);
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
        let bare = VerifyEmailRequest { code: good.clone(), credential: None };
        let told = fields(&world.registration().verify_email(bare).await.expect_err("nothing to log in with"));
        assert_eq!(told, [("credential".to_owned(), "REQUIRED".to_owned())]);
        assert_eq!(fields(&verify(&world, "", typed(PASSWORD)).await.expect_err("no code"))[0].0, "code");
        verify(&world, &good, typed(PASSWORD)).await.expect("still good");
    }

    async fn an_organization_that_closes_meanwhile_takes_nobody_until_it_opens_again(database) {
        let (world, admin) = open_world(&database).await;
        let code = registered(&world, ADA).await;
        world.peers.known().self_service.clear();
        assert_eq!(reason(&verify(&world, &code, typed(PASSWORD)).await.expect_err("closed")), "REGISTRATION_CLOSED");
        open(&world, &admin.organization_id, "@uni.example");
        let refused = verify(&world, &code, typed(PASSWORD)).await.expect_err("another domain by now");
        assert_eq!(reason(&refused), "EMAIL_DOMAIN_REFUSED");
        assert_eq!(world.peers.known().members.len(), 1, "nobody was half added");
        open(&world, &admin.organization_id, "");
        verify(&world, &code, typed(PASSWORD)).await.expect("open again");
    }

    /// ASVS: V2.4.1
    async fn attack_t30_mails_to_one_address_are_limited_and_the_last_code_goes_on_working(database) {
        let (world, _) = open_world(&database).await;
        for _ in 0..5 {
            world.registration().register(request(ADA)).await.expect("taken");
        }
        let code = world.code(ADA).await;
        let strangers = RegisterRequest { password: OWN.to_owned(), password_confirmation: OWN.to_owned(), ..request(ADA) };
        world.registration().register(strangers).await.expect("the same answer");
        assert_eq!(mails(&world, ADA, "email_verification").await.len(), 5);
        verify(&world, &code, typed(PASSWORD)).await.expect("what was mailed last holds");
    }
}
