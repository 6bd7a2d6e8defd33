//! The page that sets a new password by a code.

use std::sync::Arc;

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::call;

use super::failure::{Failure, Refusal};
use super::form::{Form, Violations};
use super::site::Page;
use super::view::{Fact, Field, FormView, View};
use super::{Answer, Pages, code_wanted, done, text};
use crate::app::get_code::{self, Shown};
use crate::app::reset_password;
use crate::domain::code::Purpose;

fn parse(code: &str) -> Result<OpaqueToken, Failure> {
    OpaqueToken::parse(Purpose::Reset.prefix(), code.trim()).ok_or(Failure::CodeOver(Page::PasswordReset))
}

async fn look(pages: &Pages, code: &OpaqueToken) -> Result<Shown, Failure> {
    get_code::run(pages.resources(), code, Purpose::Reset).await.map_err(Failure::of_code(Page::PasswordReset))
}

pub(super) async fn show(pages: &Pages, code: Option<String>) -> Result<Answer, Failure> {
    let Some(code) = code else { return Answer::ok(code_wanted(Page::PasswordReset)) };
    let code = parse(&code)?;
    let shown = look(pages, &code).await?;
    Answer::ok(view(&code, &shown, &Violations::default()))
}

pub(super) async fn submit(pages: &Pages, form: &Form) -> Result<Answer, Failure> {
    let code = parse(form.get("code"))?;
    let shown = look(pages, &code).await?;
    let password = match form.new_password(shown.password_policy) {
        Ok(password) => password,
        Err(violations) => return Answer::refused(view(&code, &shown, &violations)),
    };
    let command = reset_password::Command { code: code.clone(), password, deadline: call::deadline() };
    let resources = Arc::clone(pages.resources());
    match done(async move { reset_password::run(&resources, command).await }).await? {
        Ok(()) => Answer::ok(set()),
        Err(Refusal::Password(error)) => Answer::refused(view(&code, &shown, &Violations::of_password(error))),
        Err(Refusal::Failure(failure)) => Err(failure),
        // Nothing is compared here that could be another.
        Err(Refusal::Credentials) => Err(Failure::Defect),
    }
}

fn view(code: &OpaqueToken, shown: &Shown, violations: &Violations) -> View {
    let email = shown.email.as_str();
    let facts = [
        Fact::new(text::ACCOUNT, email),
        Fact::new(text::ORGANIZATION, &*shown.organization_name),
        Fact::new(text::UNTIL, text::time(shown.expires)),
    ];
    let fields = Field::new_password(shown.password_policy, violations);
    let form = FormView::new(Page::PasswordReset, code.expose(), fields, text::RESET_BUTTON).for_account(email);
    View {
        title: text::RESET_TITLE.to_owned(),
        paragraphs: vec![text::RESET_LEAD.to_owned()],
        facts: facts.into_iter().flatten().collect(),
        form: Some(form),
        note: Some(text::RESET_NOTE),
        ..View::default()
    }
}

fn set() -> View {
    View { title: text::RESET_DONE_TITLE.to_owned(), paragraphs: vec![text::RESET_DONE.to_owned()], ..View::default() }
}
