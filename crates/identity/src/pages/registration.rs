//! The page that proves an address: the password of the registration, or another one, makes the account.

use std::sync::Arc;

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::call;

use super::failure::{Failure, Refusal};
use super::form::{Form, PASSWORD, Violations, query_value};
use super::site::Page;
use super::view::{Fact, Field, FormView, Link, View};
use super::{Answer, Pages, code_wanted, done, text};
use crate::app::get_registration::{self, Shown};
use crate::app::verify_email::{self, Proof};
use crate::domain::password::Password;
use crate::domain::registration::PREFIX;

/// The field of the password that the registration came with.
const REGISTERED: &str = "registration_password";
/// What an address ends with that asks for another password.
const ANOTHER: &str = "another";

/// Which password the form asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// That of the registration.
    Registered,
    /// A new one.
    Another,
}

impl Ask {
    /// Reads what the address of the page asks for.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        let is_another = query.is_some_and(|query| query_value(query, ANOTHER).is_some());
        if is_another { Self::Another } else { Self::Registered }
    }
}

fn parse(code: &str) -> Result<OpaqueToken, Failure> {
    OpaqueToken::parse(PREFIX, code.trim()).ok_or(Failure::CodeOver(Page::Registration))
}

pub(super) async fn show(pages: &Pages, code: Option<String>, ask: Ask) -> Result<Answer, Failure> {
    let Some(code) = code else { return Answer::ok(code_wanted(Page::Registration)) };
    let code = parse(&code)?;
    let shown = get_registration::run(pages.resources(), &code).await?;
    Answer::ok(view(pages, &code, &shown, ask, &Violations::default()))
}

pub(super) async fn submit(pages: &Pages, form: &Form) -> Result<Answer, Failure> {
    let code = parse(form.get("code"))?;
    let shown = get_registration::run(pages.resources(), &code).await?;
    let ask = if form.has(REGISTERED) || !form.has(PASSWORD) { Ask::Registered } else { Ask::Another };
    let proof = match (ask, Password::parse(form.get(REGISTERED))) {
        (Ask::Registered, Ok(password)) => Ok(Proof::Registered(password)),
        (Ask::Registered, Err(error)) => Err(Violations::of(REGISTERED, text::password(error))),
        (Ask::Another, _) => form.new_password(shown.password_policy).map(Proof::New),
    };
    let refused = |violations: &Violations| Answer::refused(view(pages, &code, &shown, ask, violations));
    let proof = match proof {
        Ok(proof) => proof,
        Err(violations) => return refused(&violations),
    };
    let command = verify_email::Command { code: code.clone(), proof, deadline: call::deadline() };
    let resources = Arc::clone(pages.resources());
    match done(async move { verify_email::run(&resources, command).await }).await? {
        Ok(_) => Answer::ok(verified(&shown)),
        Err(Refusal::Password(error)) => refused(&Violations::of_password(error)),
        Err(Refusal::Credentials) => refused(&Violations::of(REGISTERED, text::REGISTERED_WRONG.to_owned())),
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

fn view(pages: &Pages, code: &OpaqueToken, shown: &Shown, ask: Ask, violations: &Violations) -> View {
    let registration = &shown.registration;
    let email = registration.email.as_str();
    let facts = [
        Fact::new(text::NAME, registration.profile.name.as_str()),
        Fact::new(text::ORGANIZATION, &*shown.organization_name),
        Fact::new(text::ACCOUNT, email),
        Fact::new(text::UNTIL, text::time(registration.expires)),
    ];
    let (fields, link) = match ask {
        Ask::Registered => (vec![registered(violations)], another(code)),
        Ask::Another => (Field::new_password(shown.password_policy, violations), back(code)),
    };
    let mut paragraphs = vec![text::registration_lead(&pages.resources().instance_name.get())];
    paragraphs.extend(shown.replaces_account.then(|| text::REPLACES_ACCOUNT.to_owned()));
    let form = FormView::new(Page::Registration, code.expose(), fields, text::REGISTRATION_BUTTON);
    View {
        title: text::REGISTRATION_TITLE.to_owned(),
        paragraphs,
        facts: facts.into_iter().flatten().collect(),
        form: Some(form.for_account(email)),
        note: Some(text::REGISTRATION_NOTE),
        link: Some(link),
        ..View::default()
    }
}

fn registered(violations: &Violations) -> Field {
    Field {
        name: REGISTERED,
        kind: "password",
        autocomplete: "current-password",
        label: text::REGISTERED_LABEL,
        hint: text::REGISTERED_HINT.to_owned(),
        value: String::new(),
        error: violations.get(REGISTERED),
    }
}

fn another(code: &OpaqueToken) -> Link {
    let href = format!("{}?code={}&{ANOTHER}=1", Page::Registration.relative(), code.expose());
    Link { href: href.into(), text: text::ANOTHER_PASSWORD }
}

fn back(code: &OpaqueToken) -> Link {
    let href = format!("{}?code={}", Page::Registration.relative(), code.expose());
    Link { href: href.into(), text: text::REGISTERED_PASSWORD }
}

fn verified(shown: &Shown) -> View {
    View {
        title: text::ACCEPTED_TITLE.to_owned(),
        paragraphs: text::verified(&shown.organization_name, shown.registration.email.as_str()),
        link: Some(Link { href: Page::Authenticator.relative().into(), text: text::AUTHENTICATOR_TITLE }),
        ..View::default()
    }
}
