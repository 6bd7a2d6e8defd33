//! The `[pages]` section of the configuration.

use crate::pages::site::{Page, Site};

/// Where people set passwords and confirm addresses in a browser.
#[derive(Debug, Clone)]
pub struct PagesConfig {
    /// Whether there are such pages.
    pub enabled: bool,
    /// The address that people reach this server by, such as `https://rolecall.example.org`.
    pub external_url: String,
}

/// The addresses of pages in which `{code}` stands for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLinks {
    /// Where an invitation is accepted.
    pub invitation: String,
    /// Where a new password is set.
    pub password_reset: String,
    /// Where another address is confirmed.
    pub email_change: String,
    /// Where the address of somebody who registered is proven.
    pub registration: String,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self { enabled: true, external_url: "http://127.0.0.1:50051".to_owned() }
    }
}

impl PagesConfig {
    /// Returns where the pages are: nowhere when they are switched off, or when the external address is neither https
    /// nor loopback, so that passwords would travel in the clear.
    pub(crate) fn site(&self) -> Option<Site> {
        self.enabled.then(|| Site::parse(&self.external_url)).flatten()
    }

    /// Returns the addresses for links in mails, if there are pages.
    pub fn links(&self) -> Option<PageLinks> {
        let site = self.site()?;
        Some(PageLinks {
            invitation: site.link(Page::Invitation),
            password_reset: site.link(Page::PasswordReset),
            email_change: site.link(Page::EmailChange),
            registration: site.link(Page::Registration),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_that_there_are() {
        let at = |enabled, url: &str| PagesConfig { enabled, external_url: url.to_owned() }.links();
        let links = at(true, "https://example.org/rolecall/").expect("links");
        assert_eq!(links.invitation, "https://example.org/rolecall/invitation?code={code}");
        assert_eq!(links.password_reset, "https://example.org/rolecall/password-reset?code={code}");
        assert_eq!(links.email_change, "https://example.org/rolecall/email-change?code={code}");
        assert_eq!(links.registration, "https://example.org/rolecall/registration?code={code}");
        assert_eq!(at(false, "https://example.org"), None);
        assert_eq!(at(true, "http://example.org"), None);
    }
}
