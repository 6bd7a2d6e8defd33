//! The pages for browsers, and where the links of mails lead.

use rolecall_identity::PagesConfig;

use crate::config::section::section;

section! {
    /// The pages that mails link to.
    Pages {
        /// Serves pages by which people accept invitations, register, set passwords and confirm addresses in a browser, wherever
        /// identity is hosted. They need a `server.external_url` that is https, or http on loopback.
        enabled: bool = PagesConfig::default().enabled,
    }
}

section! {
    /// Where the links of mails lead.
    Links {
        /// A page of your own that accepts an invitation, such as `https://app.example.org/welcome?code={code}`; `{code}`
        /// stands for the code. Absent: the hosted page.
        invitation: Option<String> = None,
        /// A page of your own that sets a new password.
        password_reset: Option<String> = None,
        /// A page of your own that confirms a new address.
        email_change: Option<String> = None,
        /// A page of your own that proves the address of somebody who registered.
        registration: Option<String> = None,
        /// A page of your own where people sign in who have no password here. Absent: mails have no button for it.
        sign_in: Option<String> = None,
    }
}
