//! Every sentence of the pages.

use rolecall_kernel::calendar;
use rolecall_kernel::time::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::site::Page;
use crate::domain::password::{PasswordError, PasswordPolicy};

/// What the template says by itself.
#[derive(Serialize)]
pub(super) struct Words {
    problem: &'static str,
    error: &'static str,
    reference: &'static str,
}

/// What the template says by itself.
pub(super) const WORDS: Words = Words { problem: "There is a problem", error: "Error:", reference: "Reference" };

pub(super) const PASSWORD_LABEL: &str = "New password";
pub(super) const CONFIRMATION_LABEL: &str = "New password, once more";
pub(super) const CONFIRMATION_MISSING: &str = "Type the password once more.";
pub(super) const CONFIRMATION_DIFFERS: &str = "The two passwords differ. Type the same one twice.";

pub(super) const ROLES: &str = "Your roles";
pub(super) const INVITATION_BUTTON: &str = "Accept the invitation";
pub(super) const INVITATION_NOTE: &str = "If you did not expect this invitation, close this page. It ends by itself.";
pub(super) const ACCEPTED_TITLE: &str = "Your account is ready";

pub(super) const RESET_TITLE: &str = "Set a new password";
pub(super) const RESET_LEAD: &str = "You are then signed out everywhere, and sign in with the new password.";
pub(super) const RESET_BUTTON: &str = "Set the password";
pub(super) const RESET_NOTE: &str = "If you did not ask for this, close this page. Your password stays as it is.";
pub(super) const RESET_DONE_TITLE: &str = "Your new password is set";
pub(super) const RESET_DONE: &str = "You are signed out everywhere. Sign in again with the new password.";

pub(super) const EMAIL_TITLE: &str = "Confirm your new address";
pub(super) const EMAIL_BUTTON: &str = "Confirm the address";
pub(super) const EMAIL_NOTE: &str = "If you did not ask for this, close this page. Nothing changes.";
pub(super) const EMAIL_DONE_TITLE: &str = "Your address is changed";

pub(super) const FORGOTTEN_TITLE: &str = "Forgot your password?";
pub(super) const FORGOTTEN_LEAD: &str =
    "Type the address of your account. A mail will bring you a link to set a new password.";
pub(super) const FORGOTTEN_BUTTON: &str = "Send the link";
pub(super) const FORGOTTEN_LINK: &str = "Ask for a new link";
pub(super) const EMAIL_LABEL: &str = "E-mail address";
pub(super) const EMAIL_MALFORMED: &str = "Type one e-mail address, such as ada@example.org.";
pub(super) const SENT_TITLE: &str = "Look into your mail";
pub(super) const SENT: [&str; 2] = [
    "If the address belongs to an account that signs in with a password, a mail with a link is on its way. The link \
     works for 30 minutes, and a newer one takes its place.",
    "No mail after some minutes? Look among unwanted mail and check the address. Only a few mails an hour go to one \
     address. Your administrator can help too.",
];

pub(super) const AUTHENTICATOR_TITLE: &str = "Set up an authenticator app";
pub(super) const AUTHENTICATOR_LEAD: &str = "An authenticator app on your phone shows codes that only you have. You then type one beside your password when you \
     sign in. First, say who you are:";
pub(super) const CURRENT_LABEL: &str = "Password";
pub(super) const CREDENTIALS_WRONG: &str =
    "Address and password do not open an account, or were tried too often. Check both, or wait a minute and try again.";
pub(super) const SCAN_TITLE: &str = "Scan the code with your app";
pub(super) const SCAN_LEAD: [&str; 2] = [
    "Open the authenticator app, add an account, and point the camera at this picture. Then type the six digits that the \
     app shows.",
    "This page works for ten minutes. Show the picture to nobody: whoever scans it has your codes.",
];
pub(super) const SCANNED_LEAD: &str = "Type the six digits that the app shows now. They change every 30 seconds.";
pub(super) const QR_CODE: &str = "QR code for your authenticator app; the same key is written below";
pub(super) const SECRET: &str = "Or type this key";
pub(super) const OPEN_IN_APP: &str = "On this phone: open it in the app";
pub(super) const TOTP_LABEL: &str = "Code from the app";
pub(super) const TOTP_HINT: &str = "Six digits.";
pub(super) const TOTP_BUTTON: &str = "Finish";
pub(super) const TOTP_WRONG: &str = "This is not the code of now. Wait for the next one. If it is refused again, look whether the clock of the phone is \
     right.";
pub(super) const START_AGAIN: &str = "Start again";
pub(super) const HAS_ONE_TITLE: &str = "You have an authenticator app already";
pub(super) const HAS_ONE: &str = "Sign in with its codes where you usually work. If you lost it, sign in with a recovery code, or ask your \
     administrator to remove it.";
pub(super) const ENROLLED_TITLE: &str = "Your authenticator app is set up";
pub(super) const ENROLLED: [&str; 2] = [
    "These recovery codes open your account when you do not have the app, each of them once. They are shown only now: \
     print this page or write them down, and keep them where you keep other papers.",
    "You are signed out everywhere. Sign in again with a code of the app.",
];
pub(super) const ENROLLED_NOTE: &str = "If you lose the app and the codes, an administrator can remove the app.";

pub(super) const NAME: &str = "Name";
pub(super) const REGISTRATION_TITLE: &str = "Confirm your address";
pub(super) const REGISTRATION_BUTTON: &str = "Confirm the address";
pub(super) const REGISTRATION_NOTE: &str =
    "If you did not register, close this page. There is no account, and what was entered is deleted.";
pub(super) const REPLACES_ACCOUNT: &str = "There is an account with this address that somebody else made and that nobody has confirmed. It ends when you go \
     on. If you use that account and want to keep it, close this page and set a new password for it instead.";
pub(super) const REGISTERED_LABEL: &str = "Password";
pub(super) const REGISTERED_HINT: &str = "The one that you chose when you registered.";
pub(super) const REGISTERED_WRONG: &str = "This is not the password of the registration, or it was tried too often. Type it again, wait a minute, or set \
     another one.";
pub(super) const ANOTHER_PASSWORD: &str = "I did not choose a password, or forgot it: set another one";
pub(super) const REGISTERED_PASSWORD: &str = "Use the password that I chose when I registered";

pub(super) const CODE_LABEL: &str = "Code from the mail";
pub(super) const CODE_LEAD: &str =
    "The mail that you got has a link with a code. If the link did not work, copy the code.";
pub(super) const CODE_BUTTON: &str = "Continue";

pub(super) const ORGANIZATION: &str = "Organization";
pub(super) const INVITER: &str = "Invited by";
pub(super) const INVITER_UNKNOWN: &str = "An administrator";
pub(super) const ACCOUNT: &str = "Account";
pub(super) const NEW_ADDRESS: &str = "New address";
pub(super) const UNTIL: &str = "This link works until";

/// The heading of an invitation.
pub(super) fn invitation_title(organization: &str) -> String {
    match organization {
        "" => "You are invited".to_owned(),
        name => format!("You are invited to {name}"),
    }
}

/// What an invited person does.
pub(super) fn invitation_lead(server: &str) -> String {
    format!("Choose a password to open your account at {server}.")
}

/// What an accepted invitation leads to.
pub(super) fn accepted(organization: &str, email: &str) -> Vec<String> {
    let belongs = match organization {
        "" => String::new(),
        name => format!("You now belong to {name}. "),
    };
    vec![format!("{belongs}Sign in as {email} with your new password, where you usually work.")]
}

/// What the proof of an address does.
pub(super) fn registration_lead(server: &str) -> String {
    format!("Your account at {server} is made when you press the button.")
}

/// What a proven address leads to.
pub(super) fn verified(organization: &str, email: &str) -> Vec<String> {
    let belongs = match organization {
        "" => String::new(),
        name => format!("You now belong to {name}. "),
    };
    vec![format!("{belongs}Sign in as {email} with your password, where you usually work.")]
}

/// What the confirmation of an address does.
pub(super) fn email_lead(server: &str) -> String {
    format!(
        "Your account at {server} moves to this address. You are then signed out everywhere, and sign in with the new \
         address."
    )
}

/// What a confirmed address leads to.
pub(super) fn email_done(email: &str) -> String {
    format!("From now on you sign in as {email}. You are signed out everywhere.")
}

/// The heading of a page that was opened without a code.
pub(super) const fn code_title(page: Page) -> &'static str {
    match page {
        Page::Invitation => "Accept an invitation",
        Page::PasswordReset => RESET_TITLE,
        Page::EmailChange => EMAIL_TITLE,
        Page::Registration => REGISTRATION_TITLE,
        Page::Authenticator => AUTHENTICATOR_TITLE,
        Page::PasswordForgotten => FORGOTTEN_TITLE,
    }
}

/// What a new password must be like.
pub(super) fn password_hint(policy: PasswordPolicy) -> String {
    let least = policy.min_characters;
    if policy.require_three_classes {
        format!("At least {least} characters; {CLASSES}. Several unrelated words are easy to remember.")
    } else {
        format!("At least {least} characters. Several unrelated words are easy to remember and hard to guess.")
    }
}

const CLASSES: &str = "three of these: small letters, capital letters, digits, other characters";

/// What is wrong with a password.
pub(super) fn password(error: PasswordError) -> String {
    match error {
        PasswordError::Required => "Type a password.".to_owned(),
        PasswordError::TooShort(least) => format!("The password is too short. Take at least {least} characters."),
        PasswordError::TooLong(most) => format!("The password is too long. Take at most {most} characters."),
        PasswordError::TooManyBytes(most) => format!("The password is too long. Take at most {most} bytes."),
        PasswordError::Guessable => "The password is easy to guess. Take several unrelated words.".to_owned(),
        PasswordError::ClassesMissing => format!("The password is not mixed enough. Use {CLASSES}."),
        PasswordError::ContextWord => {
            "The password is made of your name, your address, or the name of the organization. Take other words."
                .to_owned()
        }
        PasswordError::Unchanged => "This is the password that you have. Take another one.".to_owned(),
    }
}

/// A time.
pub(super) fn time(time: Timestamp) -> String {
    calendar::spell(time)
}

/// Names of roles such as `DATA_SCIENTIST`, as people say them.
pub(super) fn roles(names: &[String]) -> String {
    let title = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| format!("{first}{}", letters.as_str().to_lowercase()))
    };
    let spell = |name: &String| name.split('_').filter_map(title).collect::<Vec<_>>().join(" ");
    names.iter().map(spell).collect::<Vec<_>>().join(", ")
}

/// The heading and the sentences of a failure.
#[expect(clippy::too_many_lines, reason = "a table, which is looked up and not read aloud")]
pub(super) const fn failure(failure: Failure) -> (&'static str, &'static [&'static str]) {
    match failure {
        Failure::CodeOver(Page::Invitation) => (
            "This invitation does not work",
            &[
                "It was used already, was replaced by a newer one, or has ended. Open the link of the newest mail.",
                "If you accepted it before, sign in. Otherwise ask whoever invited you for a new invitation.",
            ],
        ),
        Failure::CodeOver(Page::Authenticator) => (
            "This took too long",
            &[
                "Nothing was changed. Start again: the picture that you scanned before is worth nothing now, so remove it \
               from the app.",
            ],
        ),
        Failure::CodeOver(_) => (
            "This link does not work",
            &[
                "It was used already, was replaced by a newer one, or has ended. Open the link of the newest mail, or \
                 ask for a new one.",
                "If you were done with it before, sign in.",
            ],
        ),
        Failure::InvitationVoid => (
            "This invitation no longer holds",
            &["Whoever invited you may no longer do so. Ask the organization for a new invitation."],
        ),
        Failure::OrganizationSuspended => (
            "The organization is suspended",
            &["Nobody joins it until it is resumed. Keep the mail, and open its link again later."],
        ),
        Failure::RegistrationClosed => (
            "No more registrations",
            &["The organization no longer takes registrations with your address. Ask it for an invitation."],
        ),
        Failure::EmailTaken => (
            "The address is taken",
            &["Another account has this address by now, and yours stays as it was. Ask your administrator, or take \
               another address."],
        ),
        Failure::Busy(_) => (
            "Too much at once",
            &["More people are doing this than the server can serve at once. Nothing was changed. Wait a minute, go \
               back, and try again: your link still works."],
        ),
        Failure::Unavailable => (
            "Out of reach for now",
            &["A part of the service does not answer. Wait a minute, open the link from the mail again, and try once \
               more."],
        ),
        Failure::Late => (
            "This took too long",
            &[
                "Wait a minute, then open the link from the mail again. If it no longer works, what you asked for was done: \
               sign in.",
            ],
        ),
        Failure::Defect => (
            "Something is broken",
            &["This is a fault of the server, not yours. Tell your administrator, with the reference below."],
        ),
        Failure::CrossSite => (
            "This form came from elsewhere",
            &["Nothing was changed. Open the link from the mail itself, and press the button on the page that it \
               leads to. If you did that, your browser is too old to say so: use another one."],
        ),
        Failure::Unreadable(_) => (
            "This form cannot be read",
            &["Nothing was changed. Open the link from the mail again, and fill in the form anew."],
        ),
        Failure::MethodNotAllowed => ("This cannot be done here", &["Open the link from the mail in a browser."]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_spelled_as_people_say_them() {
        assert_eq!(roles(&["DATA_SCIENTIST".to_owned(), "OWNER".to_owned()]), "Data Scientist, Owner");
        assert_eq!(roles(&[]), "");
    }
}
