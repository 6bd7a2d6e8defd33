//! From a template of an organization and its data to what a mail says.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::clean::clean;
use crate::content::{Data, SUBJECT_MAX, Text};
use crate::html;

/// The most bytes of a text that a template makes.
const TEXT_MAX: usize = 32 * 1024;

/// The most bytes of HTML that a template makes.
const HTML_MAX: usize = 64 * 1024;

/// A template with its data in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same in HTML; empty for the plain text.
    pub html: String,
}

/// Why data makes no mail of a template.
#[derive(Debug, thiserror::Error)]
pub enum UnusableError {
    /// Too long.
    #[error("it is longer than a mail may be")]
    TooLong,
    /// Nothing is said.
    #[error("its subject or its text is empty")]
    Empty,
    /// The HTML is not what mails may hold.
    #[error(transparent)]
    Html(#[from] html::HtmlError),
    /// The text is no template: a defect, since it was looked at when it was stored.
    #[error("it cannot be read")]
    Broken(#[source] minijinja::Error),
}

/// Renders a text. The environment knows no filter, no function and no other template.
pub fn render(text: &Text, data: &Data) -> Result<Said, UnusableError> {
    let values: BTreeMap<String, Value> =
        data.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
    let values = Value::from(values);
    let subject = clean(&part("subject", &text.subject, &values, TEXT_MAX)?);
    let subject: String = subject.chars().take(SUBJECT_MAX).collect();
    let plain = part("text", &text.text, &values, TEXT_MAX)?;
    let html = part("html", &text.html, &values, HTML_MAX)?;
    if subject.is_empty() || plain.trim().is_empty() {
        return Err(UnusableError::Empty);
    }
    html::check(&html)?;
    Ok(Said { subject, text: plain, html })
}

fn part(name: &str, source: &str, values: &Value, most: usize) -> Result<String, UnusableError> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(false);
    environment.set_auto_escape_callback(|name| if name == "html" { AutoEscape::Html } else { AutoEscape::None });
    let mut made = Bounded { bytes: Vec::new(), most };
    let template = environment.template_from_named_str(name, source).map_err(UnusableError::Broken)?;
    if let Err(error) = template.render_captured_to(values.clone(), &mut made) {
        return Err(if made.most == 0 { UnusableError::TooLong } else { UnusableError::Broken(error) });
    }
    String::from_utf8(made.bytes).map_err(|_| UnusableError::TooLong)
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    /// 0 once there was more.
    most: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            self.most = 0;
            return Err(std::io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    fn text(subject: &str, text: &str, html: &str) -> Text {
        let locale = Locale::parse("en").expect("a language");
        Text { locale, subject: subject.to_owned(), text: text.to_owned(), html: html.to_owned() }
    }

    fn data(given: &[(&str, &str)]) -> Data {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// ASVS: V1.3.7, T28
    #[test]
    fn attack_t29_data_is_text_and_never_markup_a_tag_or_a_header() {
        let hostile = "<script>alert(1)</script>{{ 7 }}\r\nBcc: eve@evil.example \" onclick=\"x";
        let text = text("Hi {{ x }}", "{{ x }}", "<p>{{ x }}</p><a href=\"https://example.org/{{ x }}\">y</a>");
        // A space is in the data, so the link leads nowhere.
        assert!(matches!(render(&text, &data(&[("x", hostile)])), Err(UnusableError::Html(html::HtmlError::Link))));
        let text = Text { html: "<p>{{ x }}</p>".to_owned(), ..text };
        let said = render(&text, &data(&[("x", hostile)])).expect("harmless");
        assert!(!said.subject.contains(['\r', '\n']), "{}", said.subject);
        assert!(said.text.contains("{{ 7 }}"), "{}", said.text);
        assert!(!said.html.contains("<script") && !said.html.contains('"'), "{}", said.html);
    }

    #[test]
    fn what_is_undefined_is_an_error_even_in_a_condition() {
        for source in ["{{ x }}", "{% if x %}a{% endif %}"] {
            assert!(matches!(render(&text("a", source, ""), &Data::new()), Err(UnusableError::Broken(_))), "{source}");
        }
    }

    #[test]
    fn attack_t38_what_grows_is_stopped() {
        let grows = "{{ x }}".repeat(100);
        let long = "y".repeat(1_000);
        for one in [text("a", &grows, ""), text("a", "b", &grows), text(&grows, "b", "")] {
            assert!(matches!(render(&one, &data(&[("x", &long)])), Err(UnusableError::TooLong)));
        }
    }

    #[test]
    fn a_link_in_a_variable_leads_to_the_web_or_nowhere() {
        let text = text("a", "b", "<a href=\"{{ x }}\">c</a>");
        let said = render(&text, &data(&[("x", "https://app.example.org/7?a=b&c=d")])).expect("a link");
        assert!(said.html.starts_with("<a href=\"https:"), "{}", said.html);
        for evil in ["javascript:alert(1)", "//evil.example", "data:text/html,x", "", "https://"] {
            assert!(render(&text, &data(&[("x", evil)])).is_err(), "{evil}");
        }
    }

    #[test]
    fn a_mail_that_says_nothing_is_none() {
        let silent = text("{% if x %}a{% endif %}", "b", "");
        assert!(matches!(render(&silent, &data(&[("x", "")])), Err(UnusableError::Empty)));
    }
}
