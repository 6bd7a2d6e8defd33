//! The page that moves an account to another address, by a button: a link alone is followed by more than people.

use std::sync::Arc;

use rolecall_kernel::entropy::OpaqueToken;

use super::failure::{Failure, Refusal};
use super::form::Form;
use super::site::Page;
use super::view::{Fact, FormView, View};
use super::{Answer, Pages, code_wanted, done, text};
use crate::app::confirm_email_change;
use crate::app::get_code::{self, Shown};
use crate::domain::code::Purpose;

fn parse(code: &str) -> Result<OpaqueToken, Failure> {
    OpaqueToken::parse(Purpose::EmailChange.prefix(), code.trim()).ok_or(Failure::CodeOver(Page::EmailChange))
}

pub(super) async fn show(pages: &Pages, code: Option<String>) -> Result<Answer, Failure> {
    let Some(code) = code else { return Answer::ok(code_wanted(Page::EmailChange)) };
    let code = parse(&code)?;
    let shown = get_code::run(pages.resources(), &code, Purpose::EmailChange).await;
    let shown = shown.map_err(Failure::of_code(Page::EmailChange))?;
    Answer::ok(view(pages, &code, &shown))
}

pub(super) async fn submit(pages: &Pages, form: &Form) -> Result<Answer, Failure> {
    let code = parse(form.get("code"))?;
    let resources = Arc::clone(pages.resources());
    match done(async move { confirm_email_change::run(&resources, &code).await }).await? {
        Ok(email) => Answer::ok(View {
            title: text::EMAIL_DONE_TITLE.to_owned(),
            paragraphs: vec![text::email_done(email.as_str())],
            ..View::default()
        }),
        Err(Refusal::Failure(failure)) => Err(failure),
        // Nothing is set here that could be refused.
        Err(Refusal::Password(_) | Refusal::Credentials) => Err(Failure::Defect),
    }
}

fn view(pages: &Pages, code: &OpaqueToken, shown: &Shown) -> View {
    let facts = [
        Fact::new(text::NEW_ADDRESS, shown.email.as_str()),
        Fact::new(text::ORGANIZATION, &*shown.organization_name),
        Fact::new(text::UNTIL, text::time(shown.expires)),
    ];
    View {
        title: text::EMAIL_TITLE.to_owned(),
        paragraphs: vec![text::email_lead(&pages.resources().instance_name.get())],
        facts: facts.into_iter().flatten().collect(),
        form: Some(FormView::new(Page::EmailChange, code.expose(), Vec::new(), text::EMAIL_BUTTON)),
        note: Some(text::EMAIL_NOTE),
        ..View::default()
    }
}
