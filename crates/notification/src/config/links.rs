//! Where the links of mails lead.

use rolecall_kernel::text::Website;

/// Stands for the code in the address of a page.
const CODE: &str = "{code}";

/// The addresses of pages, in each of which `{code}` stands for the code; without one a mail has no link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinksConfig {
    /// Where an invitation is accepted.
    pub invitation: Option<String>,
    /// Where a new password is set.
    pub password_reset: Option<String>,
    /// Where another address is confirmed.
    pub email_change: Option<String>,
    /// Where the address of somebody who registered is proven.
    pub registration: Option<String>,
    /// Where somebody signs in; has no code.
    pub sign_in: Option<String>,
}

impl LinksConfig {
    /// Reports every address that mails cannot link to.
    pub(super) fn problems(&self) -> Vec<String> {
        let links = [
            ("invitation", &self.invitation),
            ("password_reset", &self.password_reset),
            ("email_change", &self.email_change),
            ("registration", &self.registration),
        ];
        let sign_in = self.sign_in.as_deref().filter(|link| !is_address(link)).map(|_| {
            "links.sign_in: must be an https address (http on loopback), such as https://app.example.org/login"
                .to_owned()
        });
        let wrong = links.into_iter().filter(|(_, link)| link.as_deref().is_some_and(|link| !is_link(link)));
        let problem = |name: &str| {
            format!(
                "links.{name}: must be an https address (http on loopback) that holds {CODE} once, after its host, such \
                 as https://app.example.org/welcome?code={CODE}"
            )
        };
        wrong.map(|(name, _)| problem(name)).chain(sign_in).collect()
    }
}

/// Puts a code into the address of a page.
pub(crate) fn link(address: &str, code: &str) -> String {
    address.replace(CODE, code)
}

/// Nothing that HTML or a line of a mail would make something else of.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c))
}

fn is_address(address: &str) -> bool {
    is_plain(address) && Website::parse(address).is_ok_and(|website| website.is_confidential())
}

fn is_link(address: &str) -> bool {
    let Some((before, after)) = address.split_once(CODE) else { return false };
    if !is_plain(before) || !is_plain(after) {
        return false;
    }
    // The path begins before the code, or the code would be a part of the host.
    let has_path = before.splitn(4, '/').count() == 4;
    has_path && Website::parse(before).is_ok_and(|website| website.is_confidential())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ASVS: V1.2.2
    #[test]
    fn asvs_v14_2_1_a_link_is_private_and_holds_the_code_once_behind_its_host() {
        for good in [
            "https://app.example.org/welcome?code={code}",
            "https://app.example.org/welcome/{code}/now?a=b&c=d",
            "https://app.example.org/#/join/{code}",
            "http://localhost:3000/join?code={code}",
            "http://[::1]:3000/{code}",
        ] {
            assert!(is_link(good), "{good}");
        }
        for bad in [
            "",
            "{code}",
            "https://app.example.org/welcome",
            "https://{code}.example.org/",
            "https://app.example.org{code}",
            "https://app.example.org?code={code}{code}",
            "https://app.example.org/{code}/{code}",
            "http://app.example.org/{code}",
            "javascript:alert('{code}')//x/x",
            "/welcome?code={code}",
            "https://user:password@app.example.org/{code}",
            "https://app.example.org/\"{code}",
            "https://app.example.org/<b>{code}",
            "https://app.example.org/ {code}",
            "https://app.example.org/{code}\r\nBcc: eve@example.org",
        ] {
            assert!(!is_link(bad), "{bad}");
        }
        assert_eq!(link("https://a.example/{code}/x", "rci_A"), "https://a.example/rci_A/x");
    }

    #[test]
    fn every_wrong_link_is_named() {
        let wrong = || Some("http://app.example.org/".to_owned());
        let links =
            LinksConfig { invitation: wrong(), email_change: wrong(), sign_in: wrong(), ..LinksConfig::default() };
        let problems = links.problems();
        assert_eq!(problems.len(), 3);
        let right = LinksConfig { sign_in: Some("https://app.example.org/login".to_owned()), ..LinksConfig::default() };
        assert!(right.problems().is_empty() && problems[2].starts_with("links.sign_in: "));
        assert!(problems[0].starts_with("links.invitation: ") && problems[1].starts_with("links.email_change: "));
    }
}
