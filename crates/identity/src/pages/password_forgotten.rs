//! The page that asks for the code of a new password; whatever the address, its answer is the same.

use std::sync::Arc;

use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::detached;

use super::failure::Failure;
use super::form::{Form, Violations};
use super::site::Page;
use super::view::{Field, FormView, View};
use super::{Answer, Pages, text};
use crate::app::request_password_reset;

const EMAIL: &str = "email";

pub(super) fn show() -> Result<Answer, Failure> {
    Answer::ok(view("", &Violations::default()))
}

pub(super) fn submit(pages: &Pages, form: &Form) -> Result<Answer, Failure> {
    let typed = form.get(EMAIL);
    let Ok(email) = EmailAddress::parse(typed) else {
        return Answer::refused(view(typed, &Violations::of(EMAIL, text::EMAIL_MALFORMED.to_owned())));
    };
    if let Some(place) = pages.resources().resets.enter() {
        let resources = Arc::clone(pages.resources());
        detached::later(async move { request_password_reset::run(&resources, place, &email).await });
    } else {
        // The same answer: whoever is told of the crowd is told when the others were worked on.
        tracing::warn!("more ask for a new password than can be served; one was forgotten");
    }
    Answer::ok(View {
        title: text::SENT_TITLE.to_owned(),
        paragraphs: text::SENT.map(str::to_owned).to_vec(),
        ..View::default()
    })
}

fn view(typed: &str, violations: &Violations) -> View {
    let field = Field {
        name: EMAIL,
        kind: "email",
        autocomplete: "username",
        label: text::EMAIL_LABEL,
        hint: String::new(),
        value: typed.to_owned(),
        error: violations.get(EMAIL),
    };
    View {
        title: text::FORGOTTEN_TITLE.to_owned(),
        paragraphs: vec![text::FORGOTTEN_LEAD.to_owned()],
        form: Some(FormView::new(Page::PasswordForgotten, "", vec![field], text::FORGOTTEN_BUTTON)),
        ..View::default()
    }
}
