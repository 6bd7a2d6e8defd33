//! Whatever stands behind an address, strangers are told the same.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::{Response, Status};

use crate::harness::{ADMIN, PASSWORD, World, bearer, bytes};
use crate::registrations::{open_world, registered};

/// What a stranger can compare: the status to the byte, or the names of the headers and the body.
type Told = Result<(Vec<String>, Vec<u8>), (tonic::Code, String, Vec<u8>)>;

fn told<T: prost::Message>(answer: Result<Response<T>, Status>) -> Told {
    let answer = answer.map_err(|status| bytes(&status))?;
    let mut names: Vec<String> = answer.metadata().keys().map(|key| format!("{key:?}")).collect();
    names.sort();
    Ok((names, answer.into_inner().encode_to_vec()))
}

/// One address of each kind that an account can be in, and one of nobody.
async fn kinds(world: &World) -> Vec<&'static str> {
    let root = world.log_in(ADMIN).await.access_token;
    world.join(&root, "active@example.org", "GUEST").await;
    world.invite(&root, "invited@example.org", "GUEST").await;
    let blocked = world.join(&root, "blocked@example.org", "GUEST").await;
    world.peers.known().members.get_mut(&blocked.user_id).expect("a member").blocked = true;
    world.join(&root, "factor@example.org", "GUEST").await;
    world.enroll(&world.log_in("factor@example.org").await.access_token).await;
    let deleted = world.join(&root, "deleted@example.org", "GUEST").await;
    let request = DeleteUserRequest { user_id: deleted.user_id, ..Default::default() };
    world.users().delete_user(bearer(&root, request)).await.expect("deleted");
    world.join(&root, "waiting@example.org", "GUEST").await;
    for _ in 0..6 {
        world.try_log_in("waiting@example.org", "not this one at all").await.expect_err("wrong");
    }
    registered(world, "registered@example.org").await;
    vec![
        "nobody@example.org",
        "active@example.org",
        "invited@example.org",
        "blocked@example.org",
        "factor@example.org",
        "deleted@example.org",
        "waiting@example.org",
        "registered@example.org",
        ADMIN,
    ]
}

async fn ask(world: &World, method: &str, email: &str) -> Told {
    let email = email.to_owned();
    match method {
        "LogIn" => {
            let password = "seven green lamps whistle".to_owned();
            told(world.authentication().log_in(LogInRequest { email, password, ..Default::default() }).await)
        }
        "LogIn with a code and a device" => {
            let (password, login_code) = (PASSWORD.to_owned(), "00000000".to_owned());
            let device_token = "rcd_unknown".to_owned();
            let password = format!("{password}!");
            let request = LogInRequest { email, password, login_code, device_token, ..Default::default() };
            told(world.authentication().log_in(request).await)
        }
        "GetLoginOptions" => told(world.authentication().get_login_options(GetLoginOptionsRequest { email }).await),
        "RequestPasswordReset" => {
            told(world.accounts().request_password_reset(RequestPasswordResetRequest { email }).await)
        }
        "ResendEmailVerification" => {
            let registration_id = crate::harness::request_id(&world.clock);
            let request = ResendEmailVerificationRequest { registration_id, email };
            told(world.registration().resend_email_verification(request).await)
        }
        _ => {
            let request = crate::registrations::request(&email);
            let answer = world.registration().register(request).await;
            // The one thing that differs is drawn anew for each.
            told(answer.map(|answer| {
                answer.map(|body| RegisterResponse { registration_id: body.registration_id.len().to_string(), ..body })
            }))
        }
    }
}

on_each_database! {
    /// ASVS: V6.3.8
    async fn attack_t03_no_public_method_tells_what_stands_behind_an_address(database) {
        let (world, _) = open_world(&database).await;
        let emails = kinds(&world).await;
        let methods = [
            "LogIn",
            "LogIn with a code and a device",
            "GetLoginOptions",
            "RequestPasswordReset",
            "ResendEmailVerification",
            "Register",
        ];
        for method in methods {
            let of_nobody = ask(&world, method, emails[0]).await;
            for email in &emails {
                assert_eq!(ask(&world, method, email).await, of_nobody, "{method} for {email}");
            }
            world.clock.advance(Duration::from_secs(1));
        }
    }
}
