//! What a page shows, and how it becomes HTML.

use std::borrow::Cow;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::form::Violations;
use super::site::Page;
use super::text;
use crate::domain::password::PasswordPolicy;

const TEMPLATE: &str = include_str!("templates/page.html");
/// Stands in every page, whose security policy names its hash.
const STYLE: &str = include_str!("templates/style.css");

/// What a page shows; never printed, for it may hold a code.
#[derive(Default, Serialize)]
pub(super) struct View {
    /// The one heading.
    pub(super) title: String,
    /// What it is about.
    pub(super) paragraphs: Vec<String>,
    /// What is known, as pairs.
    pub(super) facts: Vec<Fact>,
    /// What is to be scanned.
    pub(super) image: Option<Image>,
    /// What is to be written down.
    pub(super) codes: Vec<String>,
    /// What can be done.
    pub(super) form: Option<FormView>,
    /// What comes after the form.
    pub(super) note: Option<&'static str>,
    /// Where to go on.
    pub(super) link: Option<Link>,
    /// What finds a failure in the logs.
    pub(super) reference: String,
    /// What the installation is called; every page says so.
    pub(super) server_name: String,
}

/// Something that is known.
#[derive(Serialize)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

impl Fact {
    /// Makes a fact; none of an empty value.
    pub(super) fn new(label: &'static str, value: impl Into<String>) -> Option<Self> {
        Some(Self { label, value: value.into() }).filter(|fact| !fact.value.is_empty())
    }
}

/// A picture that is a part of its page.
#[derive(Serialize)]
pub(super) struct Image {
    pub(super) src: String,
    /// What it is, for whoever does not see it.
    pub(super) alt: &'static str,
}

/// A link to another page of ours, or into an authenticator app.
#[derive(Serialize)]
pub(super) struct Link {
    pub(super) href: Cow<'static, str>,
    pub(super) text: &'static str,
}

/// A form that leads back to its own page.
#[derive(Serialize)]
pub(super) struct FormView {
    action: &'static str,
    method: &'static str,
    /// The code that goes with it.
    code: String,
    /// The address that a password manager files the new password under.
    username: String,
    fields: Vec<Field>,
    button: &'static str,
}

impl FormView {
    /// Makes the form of a page that changes something; `code` is empty where none is needed.
    pub(super) fn new(page: Page, code: &str, fields: Vec<Field>, button: &'static str) -> Self {
        let (action, method) = (page.relative(), "post");
        Self { action, method, code: code.to_owned(), username: String::new(), fields, button }
    }

    /// Makes a form that only leads to a page.
    pub(super) fn looking(page: Page, fields: Vec<Field>, button: &'static str) -> Self {
        Self { method: "get", ..Self::new(page, "", fields, button) }
    }

    /// Names the account that a new password is for.
    pub(super) fn for_account(self, email: &str) -> Self {
        Self { username: email.to_owned(), ..self }
    }
}

/// A field of a form.
#[derive(Serialize)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: String,
    /// What was typed; never a password.
    pub(super) value: String,
    pub(super) error: Option<String>,
}

impl Field {
    /// Makes the two fields of a new password.
    pub(super) fn new_password(policy: PasswordPolicy, violations: &Violations) -> Vec<Self> {
        let field = |name, label, hint| Self {
            name,
            kind: "password",
            autocomplete: "new-password",
            label,
            hint,
            value: String::new(),
            error: violations.get(name),
        };
        vec![
            field(super::form::PASSWORD, text::PASSWORD_LABEL, text::password_hint(policy)),
            field(super::form::CONFIRMATION, text::CONFIRMATION_LABEL, String::new()),
        ]
    }
}

/// Makes HTML.
#[derive(Debug)]
pub(super) struct Renderer(Environment<'static>);

impl Renderer {
    /// Reads the template.
    pub(super) fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // An error must not print what a page shows.
        environment.set_debug(false);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_template("page.html", TEMPLATE)?;
        environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
        environment.add_global("words", Value::from(Serde(text::WORDS)));
        Ok(Self(environment))
    }

    /// Returns the style sheet that is in every page.
    pub(super) const fn style() -> &'static str {
        STYLE
    }

    /// Renders a page.
    pub(super) fn render(&self, view: &View) -> Result<String, minijinja::Error> {
        self.0.get_template("page.html")?.render(Serde(view))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(view: &View) -> String {
        Renderer::new().and_then(|renderer| renderer.render(view)).expect("it renders")
    }

    /// ASVS: V1.1.2
    #[test]
    fn asvs_v1_2_1_nothing_that_somebody_typed_becomes_markup() {
        let evil = "\"'><script>alert(1)</script>{{ title }}";
        let field = Field {
            name: "email",
            kind: "email",
            autocomplete: "email",
            label: "Address",
            hint: evil.to_owned(),
            value: evil.to_owned(),
            error: Some(evil.to_owned()),
        };
        let form = FormView::new(Page::Invitation, evil, vec![field], "Go").for_account(evil);
        let page = render(&View {
            title: evil.to_owned(),
            paragraphs: vec![evil.to_owned()],
            facts: Fact::new("Name", evil).into_iter().collect(),
            form: Some(form),
            reference: evil.to_owned(),
            server_name: "Lab & <Co>".to_owned(),
            ..View::default()
        });
        assert!(!page.contains("<script") && !page.contains("\"'>"), "{page}");
        assert!(page.contains("Lab &amp; &lt;Co&gt;") && page.contains("{{ title }}"), "{page}");
    }

    /// Nothing keeps a password manager out: no script, no name that it does not know, no limit on what is pasted.
    ///
    /// ASVS: V6.2.7
    #[test]
    fn asvs_v6_2_6_a_password_is_hidden_while_it_is_typed() {
        let fields = Field::new_password(PasswordPolicy::default(), &Violations::default());
        let form = FormView::new(Page::PasswordReset, "", fields, "Go").for_account("ada@example.org");
        let page = render(&View { form: Some(form), ..View::default() });
        assert_eq!(page.matches("type=\"password\" autocomplete=\"new-password\"").count(), 2, "{page}");
        assert_eq!(page.matches("autocomplete=\"username\"").count(), 1, "{page}");
        assert!(!page.contains("maxlength") && !page.contains("onpaste"), "{page}");
    }

    #[test]
    fn asvs_v14_2_3_a_page_asks_for_nothing_from_anywhere() {
        let page = render(&View { title: "Title".to_owned(), ..View::default() });
        for part in ["<script", "<img", "<link", "style=", " on", "http://", "https://", "@import", "url("] {
            let rest = page.replace(STYLE, "");
            assert!(!rest.contains(part) || part == " on", "{part} in {rest}");
            assert!(!STYLE.contains(part) || part == " on" || part == "style=", "{part} in the style sheet");
        }
    }
}
