//! From a template and what it shows to a finished mail.
//!
//! HTML is escaped by the engine. Every variable is [cleaned](rolecall_templates::clean) besides, so that
//! nobody puts a link, a line break or a header of its own into our mail.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::config::{LinksConfig, link};
use crate::domain::arrival::Variables;
use crate::domain::template::Template;
use rolecall_kernel::calendar;
use rolecall_kernel::text::is_forbidden;
use rolecall_kernel::time::Timestamp;
use rolecall_mail::Rendered;
use rolecall_templates::clean;

/// A subject longer than this is cut; it stays one line in most programs.
const SUBJECT_MAX: usize = 150;

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("templates/", $name)))),*]
    };
}

/// Every source file of every version that deliveries may be pinned to.
const SOURCES: [(&str, &str); 128] = sources![
    "v1/layout.html",
    "v1/footer.txt",
    "v1/optional.html",
    "v1/optional.txt",
    "v1/sender.txt",
    "v1/message.subject.txt",
    "v1/message.txt",
    "v1/message.html",
    "v1/digest.subject.txt",
    "v1/digest.txt",
    "v1/digest.html",
    "v1/asset_policy_activated.subject.txt",
    "v1/asset_policy_activated.txt",
    "v1/asset_policy_activated.html",
    "v1/asset_policy_revoked.subject.txt",
    "v1/asset_policy_revoked.txt",
    "v1/asset_policy_revoked.html",
    "v1/compute_spec_review_requested.subject.txt",
    "v1/compute_spec_review_requested.txt",
    "v1/compute_spec_review_requested.html",
    "v1/compute_spec_partly_approved.subject.txt",
    "v1/compute_spec_partly_approved.txt",
    "v1/compute_spec_partly_approved.html",
    "v1/compute_spec_approved.subject.txt",
    "v1/compute_spec_approved.txt",
    "v1/compute_spec_approved.html",
    "v1/compute_spec_rejected.subject.txt",
    "v1/compute_spec_rejected.txt",
    "v1/compute_spec_rejected.html",
    "v1/compute_spec_revoked.subject.txt",
    "v1/compute_spec_revoked.txt",
    "v1/compute_spec_revoked.html",
    "v1/access_token_created.subject.txt",
    "v1/access_token_created.txt",
    "v1/access_token_created.html",
    "v1/admin_granted.subject.txt",
    "v1/admin_granted.txt",
    "v1/admin_granted.html",
    "v1/admin_revoked.subject.txt",
    "v1/admin_revoked.txt",
    "v1/admin_revoked.html",
    "v1/address_in_use.subject.txt",
    "v1/address_in_use.txt",
    "v1/address_in_use.html",
    "v1/email_change.subject.txt",
    "v1/email_change.txt",
    "v1/email_change.html",
    "v1/email_changed.subject.txt",
    "v1/email_changed.txt",
    "v1/email_changed.html",
    "v1/factor_added.subject.txt",
    "v1/factor_added.txt",
    "v1/factor_added.html",
    "v1/factor_removed.subject.txt",
    "v1/factor_removed.txt",
    "v1/factor_removed.html",
    "v1/factors_reset.subject.txt",
    "v1/factors_reset.txt",
    "v1/factors_reset.html",
    "v1/invitation.subject.txt",
    "v1/invitation.txt",
    "v1/invitation.html",
    "v1/login_code.subject.txt",
    "v1/login_code.txt",
    "v1/login_code.html",
    "v1/member_blocked.subject.txt",
    "v1/member_blocked.txt",
    "v1/member_blocked.html",
    "v1/member_roles_changed.subject.txt",
    "v1/member_roles_changed.txt",
    "v1/member_roles_changed.html",
    "v1/member_unblocked.subject.txt",
    "v1/member_unblocked.txt",
    "v1/member_unblocked.html",
    "v1/new_device_used.subject.txt",
    "v1/new_device_used.txt",
    "v1/new_device_used.html",
    "v1/owner_added.subject.txt",
    "v1/owner_added.txt",
    "v1/owner_added.html",
    "v1/owner_credentials_changed.subject.txt",
    "v1/owner_credentials_changed.txt",
    "v1/owner_credentials_changed.html",
    "v1/powers_given.subject.txt",
    "v1/powers_given.txt",
    "v1/powers_given.html",
    "v1/organization_resumed.subject.txt",
    "v1/organization_resumed.txt",
    "v1/organization_resumed.html",
    "v1/organization_suspended.subject.txt",
    "v1/organization_suspended.txt",
    "v1/organization_suspended.html",
    "v1/password_changed.subject.txt",
    "v1/password_changed.txt",
    "v1/password_changed.html",
    "v1/password_reset.subject.txt",
    "v1/password_reset.txt",
    "v1/password_reset.html",
    "v1/password_set.subject.txt",
    "v1/password_set.txt",
    "v1/password_set.html",
    "v1/recovery_code_used.subject.txt",
    "v1/recovery_code_used.txt",
    "v1/recovery_code_used.html",
    "v1/email_verification.subject.txt",
    "v1/email_verification.txt",
    "v1/email_verification.html",
    "v1/registration_attempted.subject.txt",
    "v1/registration_attempted.txt",
    "v1/registration_attempted.html",
    "v1/welcome.subject.txt",
    "v1/welcome.txt",
    "v1/welcome.html",
    "v1/sign_in.subject.txt",
    "v1/sign_in.txt",
    "v1/sign_in.html",
    "v1/identity_linked.subject.txt",
    "v1/identity_linked.txt",
    "v1/identity_linked.html",
    "v1/identity_unlinked.subject.txt",
    "v1/identity_unlinked.txt",
    "v1/identity_unlinked.html",
    "v1/password_removed.subject.txt",
    "v1/password_removed.txt",
    "v1/password_removed.html",
    "v1/user_impersonated.subject.txt",
    "v1/user_impersonated.txt",
    "v1/user_impersonated.html",
];

/// Why a mail cannot be rendered: a defect, or a version that this build does not know.
#[derive(Debug, thiserror::Error)]
#[error("the template cannot be rendered")]
pub(crate) struct RenderError(#[from] minijinja::Error);

/// Renders the built-in templates.
#[derive(Debug)]
pub(crate) struct Renderer {
    environment: Environment<'static>,
    server: Server,
}

/// What mails say of the server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// The configured address, never one from a request.
    url: String,
    /// Host and port, as grpcurl wants them.
    address: String,
    is_plaintext: bool,
    links: LinksConfig,
}

impl Server {
    /// Takes apart a web address that configuration has validated.
    pub(crate) fn new(external_url: &str) -> Self {
        let url = external_url.trim_end_matches('/');
        let is_plaintext = url.starts_with("http://");
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default();
        let after_name = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
        let port = match (after_name.contains(':'), is_plaintext) {
            (true, _) => "",
            (false, true) => ":80",
            (false, false) => ":443",
        };
        Self { url: url.to_owned(), address: format!("{host}{port}"), is_plaintext, links: LinksConfig::default() }
    }

    /// Adds where links lead.
    #[must_use]
    pub(crate) fn linking(self, links: LinksConfig) -> Self {
        Self { links, ..self }
    }

    /// Returns the link of a mail that shows a code; empty when there is no page for it.
    fn link(&self, template: Template, code: &str) -> String {
        let addresses = [
            (Template::Invitation, &self.links.invitation),
            (Template::PasswordReset, &self.links.password_reset),
            (Template::EmailChange, &self.links.email_change),
            (Template::EmailVerification, &self.links.registration),
        ];
        let address = addresses.into_iter().find(|(of, _)| *of == template).and_then(|(_, address)| address.as_deref());
        address.map(|address| link(address, code)).unwrap_or_default()
    }
}

/// What goes into a mail beside its variables.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras<'a> {
    /// The opened secret.
    pub(crate) secret: Option<&'a str>,
    /// Until when it works.
    pub(crate) expires: Option<Timestamp>,
    /// Where its recipient ends mails of this kind.
    pub(crate) unsubscribe: Option<&'a str>,
}

impl Renderer {
    /// Reads all templates.
    pub(crate) fn new(server: Server) -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        // An error must not print the variables, of which one is the secret.
        environment.set_debug(false);
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        for (name, source) in SOURCES {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment, server })
    }

    /// Renders a template in the version that the delivery is pinned to.
    pub(crate) fn render(
        &self,
        template: Template,
        version: i32,
        variables: &Variables,
        extras: Extras<'_>,
    ) -> Result<Rendered, RenderError> {
        let mut values = self.values(template, variables, extras);
        let subject = self.part(template, version, "subject.txt", &values)?;
        let subject: String = clean(&subject).chars().take(SUBJECT_MAX).collect();
        values.insert("subject".to_owned(), Value::from(subject.clone()));
        let text = self.part(template, version, "txt", &values)?;
        let html = self.part(template, version, "html", &values)?;
        Ok(Rendered { subject, text, html })
    }

    fn part(
        &self,
        template: Template,
        version: i32,
        part: &str,
        values: &BTreeMap<String, Value>,
    ) -> Result<String, RenderError> {
        let name = format!("v{version}/{}.{part}", template.as_str());
        let text = self.environment.get_template(&name)?.render(Value::from(values.clone()))?;
        Ok(format!("{}\n", text.trim_end()))
    }

    /// Our own values come last: no variable of another context takes their place.
    fn values(&self, template: Template, variables: &Variables, extras: Extras<'_>) -> BTreeMap<String, Value> {
        let given = variables.iter().map(|(name, text)| (name.clone(), Value::from(clean(text))));
        let mut values: BTreeMap<String, Value> = given.collect();
        // Configuration allows no character in them that HTML would have to escape.
        values.insert("server_url".to_owned(), Value::from_safe_string(self.server.url.clone()));
        values.insert("server_address".to_owned(), Value::from_safe_string(self.server.address.clone()));
        values.insert("is_plaintext".to_owned(), Value::from(self.server.is_plaintext));
        // The page where people sign in needs no code: whoever comes there proves who it is.
        let sign_in = self.server.links.sign_in.clone().filter(|_| template == Template::SignIn);
        let link = sign_in.or_else(|| extras.secret.map(|code| self.server.link(template, code))).unwrap_or_default();
        // Configuration allows nothing else that HTML has to escape; slashes escaped make some programs lose the link.
        values.insert("link_in_html".to_owned(), Value::from_safe_string(link.replace('&', "&amp;")));
        values.insert("link".to_owned(), Value::from(link));
        if matches!(template, Template::Message | Template::Digest) {
            values.extend(lines(variables.get("text").map(String::as_str).unwrap_or_default()));
        }
        if let Some(html) = variables.get("html").filter(|_| template == Template::Message) {
            // Made of a template of an organization, its tags looked at and its data escaped.
            values.insert("html".to_owned(), Value::from_safe_string(html.clone()));
        }
        if let Some(address) = extras.unsubscribe {
            // The configured address and letters of a token: nothing that HTML has to escape.
            values.insert("unsubscribe".to_owned(), Value::from_safe_string(address.to_owned()));
        }
        if let Some(secret) = extras.secret {
            values.insert("code".to_owned(), Value::from(secret));
        }
        if let Some(expires) = extras.expires {
            values.insert("until".to_owned(), Value::from(calendar::spell(expires)));
        }
        values
    }
}

/// A text of several lines, whole and as paragraphs; its author is trusted with links, and with nothing else.
fn lines(text: &str) -> [(String, Value); 2] {
    let text: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_forbidden(*c)).collect();
    let split = |paragraph: &str| paragraph.trim_matches('\n').lines().map(str::to_owned).collect::<Vec<_>>();
    let paragraphs = text.split("\n\n").map(split).filter(|lines| !lines.is_empty());
    let paragraphs = paragraphs.map(Value::from).collect::<Vec<_>>();
    [("paragraphs".to_owned(), Value::from(paragraphs)), ("text".to_owned(), Value::from(text))]
}

#[cfg(test)]
mod tests;
