//! The pages that mails link to, looked at as a browser does.

mod authenticator;
mod journeys;
mod safety;

use rolecall_api::identity::v1 as identity;
use rolecall_tests::browser::{Browser, Page};
use rolecall_tests::stack::Stack;

use crate::world;

/// Another password that the default policy accepts.
const OTHER_PASSWORD: &str = "seven purple trams at noon";
/// Nobody's codes.
const INVITATION: &str = "rci_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const REGISTRATION: &str = "rcv_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const CHALLENGE: &str = "rcc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const RESET: &str = "rcp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Invites a person into the home organization and returns the link of the mail.
async fn invite(stack: &Stack, admin: &rolecall_tests::actor::Actor, email: &str) -> String {
    let request = world::create_user_request(email, &["DATA_SCIENTIST"]);
    admin.users().create_user(request).await.expect("an invitation");
    stack.mailbox.wait_for(email, "nvit").await.link()
}

/// The code that a link holds.
fn code(link: &str) -> String {
    link.split_once("?code=").expect("a code").1.to_owned()
}

/// Fills in both fields of a new password.
async fn choose(browser: &Browser, page: &Page, password: &str) -> Page {
    browser.submit(page, &[("password", password), ("password_confirmation", password)]).await
}

/// Whether the invitation can still be accepted, as the method tells.
async fn is_open(stack: &Stack, code: &str) -> bool {
    let request = identity::GetInvitationRequest { code: code.to_owned() };
    rolecall_tests::actor::Actor::anonymous(stack).registration().get_invitation(request).await.is_ok()
}
