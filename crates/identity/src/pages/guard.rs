//! Which requests may change something, and what the head of every answer forbids a browser.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::site::Site;

/// Where a request comes from, as a browser tells it (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What every page is sent with.
const HEAD: [(HeaderName, &str); 10] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    // A page shows who is invited, and its address holds the code.
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), \
                           gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// A year (ASVS 5.0, 3.4.1). What is below our name belongs to others, so subdomains are left out.
const TRANSPORT_SECURITY: &str = "max-age=31536000";

/// Judges requests and writes heads.
#[derive(Debug)]
pub(super) struct Guard {
    origin: String,
    policy: HeaderValue,
    /// The policy of a page with a picture in it.
    policy_with_image: HeaderValue,
    is_encrypted: bool,
}

impl Guard {
    /// Makes the guard of a site whose pages have this one style sheet inside.
    pub(super) fn new(site: &Site, style: &str) -> Self {
        let hash = BASE64.encode(&Sha256::digest(style));
        let policy = |images: &str| {
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{hash}'; {images}form-action 'self'; frame-ancestors 'none'; base-uri \
                 'none'"
            );
            // Base64 always is a header value; without the hash the pages would only lose their style.
            let without = HeaderValue::from_static("default-src 'none'; form-action 'self'; frame-ancestors 'none'");
            HeaderValue::try_from(policy).unwrap_or(without)
        };
        let (policy, policy_with_image) = (policy(""), policy("img-src data:; "));
        Self { origin: site.origin().to_owned(), policy, policy_with_image, is_encrypted: site.is_encrypted() }
    }

    /// Refuses a change that another site asks for (OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata).
    ///
    /// No cookie makes these requests somebody's; what is kept out is a page that fills in our forms by itself. A
    /// browser that does not tell where a request comes from must at least name our origin. What names nothing is no
    /// browser of our time, and has the methods.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let is_ours = match headers.get(FETCH_SITE) {
            Some(site) => site == "same-origin" || site == "none",
            None => headers.get(header::ORIGIN).is_some_and(|origin| origin == self.origin.as_str()),
        };
        if is_ours { Ok(()) } else { Err(Failure::CrossSite) }
    }

    /// Completes the head of an answer.
    pub(super) fn head(&self, headers: &mut HeaderMap, has_image: bool) {
        for (name, value) in HEAD {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = if has_image { &self.policy_with_image } else { &self.policy };
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        if self.is_encrypted {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TRANSPORT_SECURITY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(url: &str) -> Guard {
        Guard::new(&Site::parse(url).expect("a site"), "body{}")
    }

    #[test]
    fn only_forms_of_our_own_pages_change_something() {
        let guard = guard("https://rolecall.example.org/people");
        let is_admitted = |pairs: &[(&'static str, &'static str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            guard.admit(&pairs.collect()).is_ok()
        };
        let (own, evil) = ("https://rolecall.example.org", "https://evil.example");
        for good in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            // What `no-referrer` makes of our own forms.
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("origin", own)],
        ] {
            assert!(is_admitted(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "")],
            &[("sec-fetch-site", "cross-site"), ("origin", own)],
            &[("origin", evil)],
            &[("origin", "null")],
            &[("origin", "http://rolecall.example.org")],
            &[("origin", "https://rolecall.example.org:8443")],
            &[("origin", "https://rolecall.example.org.evil.example")],
            &[("referer", own)],
        ] {
            assert!(!is_admitted(bad), "{bad:?}");
        }
    }

    #[test]
    fn browsers_are_held_to_https_where_it_is_used() {
        let transport = |url: &str| {
            let mut headers = HeaderMap::new();
            guard(url).head(&mut headers, false);
            headers.get(header::STRICT_TRANSPORT_SECURITY).cloned()
        };
        assert_eq!(transport("https://rolecall.example.org").expect("present"), "max-age=31536000");
        assert_eq!(transport("http://127.0.0.1:50051"), None);
    }
}
