//! Where the pages are, from the configured address and never from a request.

use rolecall_kernel::text::Website;
use url::Url;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// Accepts an invitation.
    Invitation,
    /// Sets a new password by a code.
    PasswordReset,
    /// Confirms another address.
    EmailChange,
    /// Asks for the code of a new password.
    PasswordForgotten,
    /// Proves the address of somebody who registered.
    Registration,
    /// Sets an authenticator app up.
    Authenticator,
}

impl Page {
    /// All pages.
    pub(crate) const ALL: [Self; 6] = [
        Self::Invitation,
        Self::PasswordReset,
        Self::EmailChange,
        Self::PasswordForgotten,
        Self::Registration,
        Self::Authenticator,
    ];

    /// Returns its path below that of the site.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Invitation => "/invitation",
            Self::PasswordReset => "/password-reset",
            Self::EmailChange => "/email-change",
            Self::PasswordForgotten => "/password-forgotten",
            Self::Registration => "/registration",
            Self::Authenticator => "/authenticator",
        }
    }

    /// Returns its address as its neighbours and its own form write it, whatever is before it.
    pub(crate) fn relative(self) -> &'static str {
        self.path().trim_start_matches('/')
    }
}

/// Where the pages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    url: String,
    origin: String,
    prefix: String,
    is_encrypted: bool,
}

impl Site {
    /// Takes the external address apart. None where no page belongs: what is typed there would travel in the clear, and
    /// browsers do not say there where a form comes from.
    pub(crate) fn parse(external_url: &str) -> Option<Self> {
        Website::parse(external_url).ok().filter(Website::is_confidential)?;
        let url = Url::parse(external_url).ok()?;
        Some(Self {
            url: external_url.trim_end_matches('/').to_owned(),
            origin: url.origin().ascii_serialization(),
            prefix: url.path().trim_end_matches('/').to_owned(),
            is_encrypted: url.scheme() == "https",
        })
    }

    /// Returns the origin (RFC 6454) of every page.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the path before those of the pages; empty at the root.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether browsers reach the pages by https.
    pub(crate) const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Returns the address of a page for the code that `{code}` stands for.
    pub(crate) fn link(&self, page: Page) -> String {
        format!("{}{}?code={{code}}", self.url, page.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (url, origin, prefix, is_encrypted) in [
            ("https://rolecall.example.org", "https://rolecall.example.org", "", true),
            ("https://rolecall.example.org:443/", "https://rolecall.example.org", "", true),
            ("https://example.org:8443/people/rolecall/", "https://example.org:8443", "/people/rolecall", true),
            ("http://127.0.0.1:50051", "http://127.0.0.1:50051", "", false),
            ("http://[::1]:50051", "http://[::1]:50051", "", false),
            ("http://localhost", "http://localhost", "", false),
        ] {
            let site = Site::parse(url).expect(url);
            assert_eq!((site.origin(), site.prefix(), site.is_encrypted()), (origin, prefix, is_encrypted), "{url}");
        }
        let site = Site::parse("https://example.org/rolecall/").expect("a site");
        assert_eq!(site.link(Page::PasswordReset), "https://example.org/rolecall/password-reset?code={code}");
    }

    #[test]
    fn there_are_no_pages_where_passwords_would_travel_in_the_clear() {
        for url in ["http://rolecall.example.org", "http://0.0.0.0:50051", "http://10.0.0.1", "ftp://localhost", "x"] {
            assert_eq!(Site::parse(url), None, "{url}");
        }
    }
}
