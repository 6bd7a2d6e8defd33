//! Power cuts while somebody proves an address.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::verify_email_request::Credential;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::{Plan, Stack};

use super::{admin_again, mails_to, wait_for_death, whole_users};
use crate::registration::{code, open, register, verify};
use crate::world;

/// Every step at which the server can be told to die, the last two where another account gives its address up.
const STEPS: [&str; 7] = [
    "verify_email.after_claim",
    "register_member.after_commit",
    "verify_email.after_register_member",
    "verify_email.after_commit",
    "confirm_member.after_commit",
    "verify_email.after_commit",
    "yield_member.after_commit",
];

#[tokio::test]
async fn who_registers_is_whole_or_can_try_again_after_a_crash_at_any_step_on_sqlite() {
    crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn who_registers_is_whole_or_can_try_again_after_a_crash_at_any_step_on_postgres() {
    crashes(world::ONE_POSTGRES).await;
}

async fn crashes(plan: Plan) {
    let mut stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    open(&admin, &[]).await;
    for (index, step) in STEPS.into_iter().enumerate() {
        let email = format!("r{index}@home.example");
        let squatted = index >= 5;
        if squatted {
            let request = world::create_user_request(&email, &["OWNER"]);
            admin_again(&stack).await.users().create_user(request).await.expect("invited");
        }
        register(&stack, &email).await.expect("taken");
        let code = code(&stack.mailbox.wait_for(&email, "Confirm your e-mail address").await);
        let typed = || Credential::Password(PASSWORD.to_owned());
        stack.kill();
        stack.launch_all(Some(step)).await;
        assert!(verify(&stack, code.clone(), typed()).await.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        let admin = admin_again(&stack).await;
        // Whichever way it went, the code serves until there is an account, and there is exactly one.
        let try_again = || async {
            let whole = whole_users(&admin, &email).await == (1, 1) && is_ours(&admin, &email).await;
            whole || verify(&stack, code.clone(), typed()).await.is_ok()
        };
        assert!(world::eventually(try_again, |done| *done).await, "{step}");
        let whole = world::eventually(|| whole_users(&admin, &email), |found| *found == (1, 1)).await;
        assert_eq!(whole, (1, 1), "{step}");
        let logged_in = || Actor::log_in(&stack, &email);
        let person = world::eventually(logged_in, Result::is_ok).await;
        person.unwrap_or_else(|status| panic!("{step}: {status:?}"));
        stack.mailbox.wait_for(&email, "Welcome to Home").await;
        // The mail of the code, the welcome, and the invitation where there was one.
        assert_eq!(mails_to(&stack, &email).len(), if squatted { 3 } else { 2 }, "{step}");
    }
}

/// Whether the account of the address is the one that was registered.
async fn is_ours(admin: &Actor, email: &str) -> bool {
    let users = super::all_users(admin).await.expect("listed");
    users.iter().any(|user: &identity::User| user.email == email && user.email_verified)
}
