//! The page of an invitation: who invites, into what, until when; a password accepts it.

use std::sync::Arc;

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::call;

use super::failure::{Failure, Refusal};
use super::form::{Form, Violations};
use super::site::Page;
use super::view::{Fact, Field, FormView, View};
use super::{Answer, Pages, code_wanted, done, text};
use crate::app::get_invitation::Shown;
use crate::app::{accept_invitation, get_invitation};
use crate::domain::invitation;

fn parse(code: &str) -> Result<OpaqueToken, Failure> {
    OpaqueToken::parse(invitation::PREFIX, code.trim()).ok_or(Failure::CodeOver(Page::Invitation))
}

pub(super) async fn show(pages: &Pages, code: Option<String>) -> Result<Answer, Failure> {
    let Some(code) = code else { return Answer::ok(code_wanted(Page::Invitation)) };
    let code = parse(&code)?;
    let shown = get_invitation::run(pages.resources(), &code).await?;
    Answer::ok(view(pages, &code, &shown, &Violations::default()))
}

pub(super) async fn submit(pages: &Pages, form: &Form) -> Result<Answer, Failure> {
    let code = parse(form.get("code"))?;
    let shown = get_invitation::run(pages.resources(), &code).await?;
    let password = match form.new_password(shown.password_policy) {
        Ok(password) => password,
        Err(violations) => return Answer::refused(view(pages, &code, &shown, &violations)),
    };
    let command = accept_invitation::Command { code: code.clone(), password, deadline: call::deadline() };
    let resources = Arc::clone(pages.resources());
    match done(async move { accept_invitation::run(&resources, command).await }).await? {
        Ok(_) => Answer::ok(accepted(&shown)),
        Err(Refusal::Password(error)) => Answer::refused(view(pages, &code, &shown, &Violations::of_password(error))),
        Err(Refusal::Failure(failure)) => Err(failure),
        // Nothing is compared here that could be another.
        Err(Refusal::Credentials) => Err(Failure::Defect),
    }
}

fn view(pages: &Pages, code: &OpaqueToken, shown: &Shown, violations: &Violations) -> View {
    let inviter = if shown.inviter_name.is_empty() { text::INVITER_UNKNOWN } else { &shown.inviter_name };
    let email = shown.user.email.as_str();
    let facts = [
        Fact::new(text::INVITER, inviter),
        Fact::new(text::ORGANIZATION, &*shown.organization_name),
        Fact::new(text::ROLES, text::roles(&shown.roles)),
        Fact::new(text::ACCOUNT, email),
        Fact::new(text::UNTIL, text::time(shown.expires)),
    ];
    let fields = Field::new_password(shown.password_policy, violations);
    let form = FormView::new(Page::Invitation, code.expose(), fields, text::INVITATION_BUTTON).for_account(email);
    View {
        title: text::invitation_title(&shown.organization_name),
        paragraphs: vec![text::invitation_lead(&pages.resources().instance_name.get())],
        facts: facts.into_iter().flatten().collect(),
        form: Some(form),
        note: Some(text::INVITATION_NOTE),
        ..View::default()
    }
}

fn accepted(shown: &Shown) -> View {
    View {
        title: text::ACCEPTED_TITLE.to_owned(),
        paragraphs: text::accepted(&shown.organization_name, shown.user.email.as_str()),
        ..View::default()
    }
}
