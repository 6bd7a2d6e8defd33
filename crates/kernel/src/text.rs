//! Small validated texts: an instance that exists is valid.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// Why a text was refused; the message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing was given.
    #[error("is required")]
    Required,
    /// More characters than allowed.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A control, formatting or bidirectional-override character.
    #[error("must not contain control or invisible formatting characters")]
    ControlCharacter,
    /// Not one address of the form `local@domain`.
    #[error("must be one e-mail address such as ada@example.org")]
    NotAnEmailAddress,
    /// Not the name of a mail domain.
    #[error("must be a domain such as example.org")]
    NotADomain,
    /// Not an http or https address.
    #[error("must be a web address that starts with http:// or https://")]
    NotAWebAddress,
}

/// A stored e-mail address: how its owner writes it, and the canonical key that decides uniqueness.
///
/// The grammar is the dot-atom of RFC 5321 section 4.1.2 without quoting, extended to UTF-8 by
/// RFC 6531. The key is NFC, the domain in its IDNA lower-case form, the local part in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    display: String,
    key: String,
}

impl EmailAddress {
    /// The longest address in octets (RFC 5321 section 4.5.3.1.3: a path of 256 with its brackets).
    pub const MAX_OCTETS: usize = 254;

    /// Parses one address.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text: String = text.trim().nfc().collect();
        if text.is_empty() {
            return Err(TextError::Required);
        }
        if text.len() > Self::MAX_OCTETS {
            return Err(TextError::TooLong(Self::MAX_OCTETS));
        }
        let (local, domain) = text.split_once('@').ok_or(TextError::NotAnEmailAddress)?;
        if !is_dot_atom(local) || local.len() > 64 {
            return Err(TextError::NotAnEmailAddress);
        }
        let domain = canonical_domain(domain).ok_or(TextError::NotAnEmailAddress)?;
        let folded: String = local.to_lowercase().nfc().collect();
        Ok(Self { key: format!("{folded}@{domain}"), display: format!("{local}@{domain}") })
    }

    /// Returns the address as its owner writes it, the domain in its ASCII form.
    pub fn as_str(&self) -> &str {
        &self.display
    }

    /// Returns the canonical form; two addresses are the same exactly when their keys are equal.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the domain in its canonical form.
    pub fn domain(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// The domain of e-mail addresses in its canonical form: IDNA, ASCII, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// Parses a domain name with at least two labels.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        match text.trim() {
            "" => Err(TextError::Required),
            text if text.len() > EmailAddress::MAX_OCTETS => Err(TextError::TooLong(EmailAddress::MAX_OCTETS)),
            text => canonical_domain(text).map(Self).ok_or(TextError::NotADomain),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether an address is of this very domain; those of its subdomains are not.
    pub fn holds(&self, address: &EmailAddress) -> bool {
        address.domain() == self.0
    }
}

/// Letters, digits and the marks of RFC 5322's `atext`, in parts joined by single dots.
fn is_dot_atom(local: &str) -> bool {
    let is_atext = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !local.is_empty() && local.split('.').all(|part| !part.is_empty() && part.chars().all(is_atext))
}

/// The IDNA form of a domain name with at least two labels; `None` for anything else.
fn canonical_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let is_label = |label: &&str| (1..=63).contains(&label.len());
    // The top-level domain is never numeric, which also keeps IP addresses out.
    let named = labels.last()?.bytes().any(|byte| byte.is_ascii_alphabetic());
    (labels.len() >= 2 && ascii.len() <= 253 && named && labels.iter().all(is_label)).then_some(ascii)
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display)
    }
}

impl fmt::Debug for EmailAddress {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(redacted)")
    }
}

/// One line of text that people read: trimmed, NFC, white space collapsed, without control characters.
fn line(text: &str, max: usize) -> Result<String, TextError> {
    let collapsed: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let text: String = collapsed.join(" ").nfc().collect();
    if text.is_empty() {
        return Err(TextError::Required);
    }
    if text.chars().any(is_forbidden) {
        return Err(TextError::ControlCharacter);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    Ok(text)
}

/// Tells whether a character is a control character, a line break, or an invisible one that reorders or hides text.
pub fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{061c}' | '\u{00ad}')
}

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident, $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const MAX: usize = $max;

            /// Parses one line of text: trimmed, in NFC, without control or invisible characters.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                line(text, Self::MAX).map(Self)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

lines! {
    /// A person's name or a part of it: 1 to 100 characters.
    PersonName, 100;
    /// An organization's name: 1 to 100 characters.
    OrganizationName, 100;
    /// The name of a governed resource, such as a model or a dataset: 1 to 100 characters.
    ResourceName, 100;
    /// An installation's name: 1 to 100 characters.
    InstanceName, 100;
    /// Where a person works: 1 to 200 characters.
    Institution, 200;
    /// Why somebody did something: 1 to 500 characters.
    Reason, 500;
    /// What something is for: 1 to 500 characters.
    Description, 500;
}

/// A web address: http or https, with a host, at most 2 048 characters, without user information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Website(String);

impl Website {
    /// The most characters it may have.
    pub const MAX: usize = 2_048;

    /// Parses a web address.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Required);
        }
        if text.chars().count() > Self::MAX {
            return Err(TextError::TooLong(Self::MAX));
        }
        let url = url::Url::parse(text).map_err(|_| TextError::NotAWebAddress)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web || !url.username().is_empty() || url.password().is_some() {
            return Err(TextError::NotAWebAddress);
        }
        Ok(Self(url.into()))
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether what is sent there is encrypted on its way, or never leaves this machine.
    pub fn is_confidential(&self) -> bool {
        let Ok(url) = url::Url::parse(&self.0) else { return false };
        match url.host() {
            _ if url.scheme() == "https" => true,
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attack_t16_addresses_that_differ_only_in_case_or_form_share_a_key() {
        let key = |text| EmailAddress::parse(text).map(|address| address.key().to_owned());
        assert_eq!(key("Ada@Example.ORG"), key("ada@example.org"));
        assert_eq!(key("ada@b\u{fc}cher.example"), key("ADA@xn--bcher-kva.example"));
        assert_eq!(key("jose\u{301}@example.org"), key("jos\u{e9}@example.org"));
        assert_ne!(key("ada+x@example.org"), key("ada@example.org"));
    }

    #[test]
    fn a_domain_holds_its_own_addresses_however_they_are_spelled() {
        let domain = EmailDomain::parse(" B\u{fc}cher.Example ").expect("a domain");
        assert_eq!(domain.as_str(), "xn--bcher-kva.example");
        let holds = |text| EmailAddress::parse(text).map(|address| domain.holds(&address));
        assert_eq!(holds("ada@xn--bcher-kva.example"), Ok(true));
        assert_eq!(holds("ada@B\u{dc}CHER.example"), Ok(true));
        assert_eq!(holds("ada@sub.b\u{fc}cher.example"), Ok(false));
        assert_eq!(EmailDomain::parse(" "), Err(TextError::Required));
        for wrong in ["example", "ada@example.org", "127.0.0.1", "*.example.org", "a..b", "a,b.example"] {
            assert_eq!(EmailDomain::parse(wrong), Err(TextError::NotADomain), "{wrong}");
        }
    }

    /// ASVS: T28
    #[test]
    fn attack_t16_what_is_not_one_address_is_refused() {
        for wrong in [
            "",
            " ",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a@b@example.org",
            "ada@example.org,eve@example.org",
            "ada@example..org",
            ".ada@example.org",
            "a da@example.org",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada\r\nBcc: eve@example.org@example.org",
            "\"ada\"@example.org",
            "ada@example.org\u{202e}",
        ] {
            assert!(EmailAddress::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@example.org", "a".repeat(65))).is_err());
    }

    #[test]
    fn a_name_has_no_line_breaks_and_no_invisible_characters() {
        assert_eq!(PersonName::parse("  Ada   Lovelace ").map(|name| name.to_string()).as_deref(), Ok("Ada Lovelace"));
        for wrong in ["Ada\nLovelace", "Ada\u{202e}", "Ada\u{200b}", "Ada\0"] {
            assert_eq!(PersonName::parse(wrong), Err(TextError::ControlCharacter), "{wrong:?}");
        }
        assert_eq!(PersonName::parse(&"a".repeat(101)), Err(TextError::TooLong(100)));
    }

    #[test]
    fn what_is_sent_to_a_website_is_confidential_by_https_or_on_this_machine() {
        let is_confidential = |text: &str| Website::parse(text).is_ok_and(|website| website.is_confidential());
        for good in ["https://example.org", "http://localhost:1/x", "http://127.0.0.2", "http://[::1]:50051"] {
            assert!(is_confidential(good), "{good}");
        }
        for bad in
            ["http://example.org", "http://10.0.0.1", "http://0.0.0.0", "http://localhost.example", "http://[::]"]
        {
            assert!(!is_confidential(bad), "{bad}");
        }
    }

    #[test]
    fn a_website_is_http_or_https_and_carries_no_password() {
        assert!(Website::parse("https://example.org/~ada").is_ok());
        for wrong in [
            "javascript:alert(1)",
            "ftp://example.org",
            "example.org",
            "https://ada:pw@example.org",
            "data:text/html,x",
        ] {
            assert_eq!(Website::parse(wrong), Err(TextError::NotAWebAddress), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_address_parses_to_itself(text in "\\PC{0,40}@[a-zA-Z0-9.-]{1,30}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert!(!address.as_str().chars().any(|c| c.is_control() || c.is_whitespace()));
            }
        }
    }
}
