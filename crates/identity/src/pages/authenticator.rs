//! The page that sets an authenticator app up: address and password, the QR code, the first code, the recovery codes.
//!
//! It opens no session: whoever has done this signs in where it usually works. What goes from step to step is the
//! token of the login that is under way, in the form and in no address.

use std::sync::Arc;

use data_encoding::BASE64;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::network::Network;
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::call;

use super::failure::{Failure, Refusal};
use super::form::{Form, Violations};
use super::site::Page;
use super::view::{Fact, Field, FormView, Image, Link, View};
use super::{Answer, Pages, done, text};
use crate::app::answer_challenge::enroll;
use crate::app::challenge::Outcome;
use crate::app::device::Shown;
use crate::app::enrollment::Enrollment;
use crate::app::log_in;
use crate::domain::challenge::{Due, PREFIX};
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::totp::TotpCode;
use crate::qr_code;

const EMAIL: &str = "email";
const CURRENT: &str = "current_password";
const CODE: &str = "totp_code";

pub(super) fn show() -> Result<Answer, Failure> {
    Answer::ok(who("", &Violations::default()))
}

pub(super) async fn submit(pages: &Pages, form: &Form, network: Option<Network>) -> Result<Answer, Failure> {
    if form.has("code") { confirm(pages, form).await } else { begin(pages, form, network).await }
}

/// Judges address and password as a login does, and shows what the app needs.
async fn begin(pages: &Pages, form: &Form, network: Option<Network>) -> Result<Answer, Failure> {
    let typed = form.get(EMAIL);
    let refused = |violations: &Violations| Answer::refused(who(typed, violations));
    let Ok(email) = EmailAddress::parse(typed) else {
        return refused(&Violations::of(EMAIL, text::EMAIL_MALFORMED.to_owned()));
    };
    let password = match Password::parse(form.get(CURRENT)) {
        Ok(password) => password,
        Err(error) => return refused(&Violations::of(CURRENT, text::password(error))),
    };
    let (shown, deadline) = (Shown::default(), call::deadline());
    let command = log_in::Command { email, password, shown, network, enrolling: true, audience: None, deadline };
    let resources = Arc::clone(pages.resources());
    let outcome = match done(async move { log_in::run(&resources, &command).await }).await? {
        Ok(outcome) => outcome,
        Err(Refusal::Credentials) => {
            return refused(&Violations::of(CURRENT, text::CREDENTIALS_WRONG.to_owned()));
        }
        Err(Refusal::Failure(failure)) => return Err(failure),
        Err(Refusal::Password(_)) => return Err(Failure::Defect),
    };
    match outcome {
        Outcome::Challenge(issued) if issued.due == Due::EnrollFactor => {
            let (token, resources) = (issued.token, Arc::clone(pages.resources()));
            let asked = token.clone();
            let begun = done(async move { enroll::begin(&resources, &asked).await }).await?;
            let enrollment = begun.map_err(failed)?;
            Answer::ok(scan(&token, Some(&enrollment), &Violations::default())?)
        }
        Outcome::Challenge(_) => Answer::ok(has_one()),
        // A login that demands a factor opens no session without one.
        Outcome::Tokens(_) => Err(Failure::Defect),
    }
}

/// Takes the first code, and shows the recovery codes, once.
async fn confirm(pages: &Pages, form: &Form) -> Result<Answer, Failure> {
    let token = OpaqueToken::parse(PREFIX, form.get("code")).ok_or(Failure::CodeOver(Page::Authenticator))?;
    let refused = || {
        let violations = Violations::of(CODE, text::TOTP_WRONG.to_owned());
        // The secret is not shown again: the app has it by now, or the page before has.
        Answer::refused(scan(&token, None, &violations)?)
    };
    let Some(code) = TotpCode::parse(form.get(CODE)) else { return refused() };
    let (asked, resources) = (token.clone(), Arc::clone(pages.resources()));
    match done(async move { enroll::confirm(&resources, &asked, code).await }).await? {
        Ok(codes) => Answer::ok(finished(&codes)),
        Err(Refusal::Credentials) => refused(),
        Err(refusal @ (Refusal::Password(_) | Refusal::Failure(_))) => Err(failed(refusal)),
    }
}

fn failed(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Failure(failure) => failure,
        Refusal::Credentials | Refusal::Password(_) => Failure::CodeOver(Page::Authenticator),
    }
}

fn who(typed: &str, violations: &Violations) -> View {
    let field = |name, kind, autocomplete, label, value: &str| Field {
        name,
        kind,
        autocomplete,
        label,
        hint: String::new(),
        value: value.to_owned(),
        error: violations.get(name),
    };
    let fields = vec![
        field(EMAIL, "email", "username", text::EMAIL_LABEL, typed),
        field(CURRENT, "password", "current-password", text::CURRENT_LABEL, ""),
    ];
    View {
        title: text::AUTHENTICATOR_TITLE.to_owned(),
        paragraphs: vec![text::AUTHENTICATOR_LEAD.to_owned()],
        form: Some(FormView::new(Page::Authenticator, "", fields, text::CODE_BUTTON)),
        link: Some(Link { href: Page::PasswordForgotten.relative().into(), text: text::FORGOTTEN_TITLE }),
        ..View::default()
    }
}

fn scan(token: &OpaqueToken, enrollment: Option<&Enrollment>, violations: &Violations) -> Result<View, Failure> {
    let field = Field {
        name: CODE,
        kind: "text",
        autocomplete: "one-time-code",
        label: text::TOTP_LABEL,
        hint: text::TOTP_HINT.to_owned(),
        value: String::new(),
        error: violations.get(CODE),
    };
    let form = FormView::new(Page::Authenticator, token.expose(), vec![field], text::TOTP_BUTTON);
    let view = View { title: text::SCAN_TITLE.to_owned(), form: Some(form), ..View::default() };
    let Some(enrollment) = enrollment else {
        let link = Link { href: Page::Authenticator.relative().into(), text: text::START_AGAIN };
        return Ok(View { paragraphs: vec![text::SCANNED_LEAD.to_owned()], link: Some(link), ..view });
    };
    let png = qr_code::png(&enrollment.uri).ok_or(Failure::Defect)?;
    let image = Image { src: format!("data:image/png;base64,{}", BASE64.encode(&png)), alt: text::QR_CODE };
    Ok(View {
        paragraphs: text::SCAN_LEAD.map(str::to_owned).to_vec(),
        facts: Fact::new(text::SECRET, grouped(&enrollment.secret.to_base32())).into_iter().collect(),
        image: Some(image),
        link: Some(Link { href: enrollment.uri.to_string().into(), text: text::OPEN_IN_APP }),
        ..view
    })
}

/// Spells a secret so that it can be typed by hand.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn has_one() -> View {
    View { title: text::HAS_ONE_TITLE.to_owned(), paragraphs: vec![text::HAS_ONE.to_owned()], ..View::default() }
}

fn finished(codes: &[RecoveryCode]) -> View {
    View {
        title: text::ENROLLED_TITLE.to_owned(),
        paragraphs: text::ENROLLED.map(str::to_owned).to_vec(),
        codes: codes.iter().map(RecoveryCode::expose).collect(),
        note: Some(text::ENROLLED_NOTE),
        ..View::default()
    }
}
