//! What went wrong, with its status and a page that says what to do.

use std::error::Error;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use rolecall_db::Error as StoreError;
use rolecall_rpc::call;

use super::site::Page;
use super::text;
use super::view::{Link, View};
use crate::app::fault::Fault;
use crate::app::{
    accept_invitation, answer_challenge, confirm_email_change, get_code, get_invitation, get_registration, log_in,
    reset_password, verify_email,
};
use crate::domain::password::PasswordError;
use crate::hashing::HashingError;
use crate::peers::PeerError;

/// How long to wait for a database or another service that is out of reach.
const AGAIN: Duration = Duration::from_secs(5);

/// Why a page is not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The code is unknown, used, replaced or ended.
    CodeOver(Page),
    /// The inviter may no longer invite.
    InvitationVoid,
    /// The organization is suspended.
    OrganizationSuspended,
    /// The address belongs to another account by now.
    EmailTaken,
    /// The organization stopped taking registrations.
    RegistrationClosed,
    /// More passwords wait to be hashed than can be in time.
    Busy(Duration),
    /// The database or another service is out of reach.
    Unavailable,
    /// It took too long.
    Late,
    /// A defect; the reference finds it in the logs.
    Defect,
    /// Another site sent the form.
    CrossSite,
    /// What was sent is no form of ours.
    Unreadable(StatusCode),
    /// There is no such method here.
    MethodNotAllowed,
}

impl Failure {
    /// Returns the status of the answer.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            // Whether it ever was is not told.
            Self::CodeOver(_) => StatusCode::NOT_FOUND,
            Self::InvitationVoid | Self::RegistrationClosed => StatusCode::GONE,
            Self::EmailTaken | Self::OrganizationSuspended => StatusCode::CONFLICT,
            Self::Busy(_) | Self::Unavailable | Self::Late => StatusCode::SERVICE_UNAVAILABLE,
            Self::Defect => StatusCode::INTERNAL_SERVER_ERROR,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Unreadable(status) => status,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// Returns after how many seconds it is worth trying again.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::Busy(wait) => Some(wait.as_secs() + 1),
            Self::Unavailable | Self::Late => Some(AGAIN.as_secs()),
            Self::CodeOver(_)
            | Self::InvitationVoid
            | Self::OrganizationSuspended
            | Self::EmailTaken
            | Self::RegistrationClosed
            | Self::Defect
            | Self::CrossSite
            | Self::Unreadable(_)
            | Self::MethodNotAllowed => None,
        }
    }

    /// Returns the methods that there are, where the one that was used is none of them.
    pub(super) fn allowed(self) -> Option<HeaderValue> {
        (self == Self::MethodNotAllowed).then(|| HeaderValue::from_static("GET, HEAD, POST"))
    }

    /// Returns the page.
    pub(super) fn view(self) -> View {
        let (title, sentences) = text::failure(self);
        View {
            title: title.to_owned(),
            paragraphs: sentences.iter().map(|sentence| (*sentence).to_owned()).collect(),
            link: self.way_on(),
            reference: call::request_id().map(|id| id.to_string()).unwrap_or_default(),
            ..View::default()
        }
    }
}

impl Failure {
    /// Where to begin anew.
    fn way_on(self) -> Option<Link> {
        let (page, text) = match self {
            Self::CodeOver(Page::PasswordReset) => (Page::PasswordForgotten, text::FORGOTTEN_LINK),
            Self::CodeOver(Page::Authenticator) => (Page::Authenticator, text::START_AGAIN),
            Self::CodeOver(_)
            | Self::InvitationVoid
            | Self::OrganizationSuspended
            | Self::EmailTaken
            | Self::RegistrationClosed
            | Self::Busy(_)
            | Self::Unavailable
            | Self::Late
            | Self::Defect
            | Self::CrossSite
            | Self::Unreadable(_)
            | Self::MethodNotAllowed => return None,
        };
        Some(Link { href: page.relative().into(), text })
    }
}

impl From<Fault> for Failure {
    /// The cause goes into the log and never onto a page.
    fn from(fault: Fault) -> Self {
        let failure = match &fault {
            Fault::Hashing(HashingError::Overloaded { retry_after }) => Self::Busy(*retry_after),
            Fault::Store(StoreError::Conflict | StoreError::Unavailable | StoreError::Timeout)
            | Fault::Peer(PeerError::Unavailable(_)) => Self::Unavailable,
            Fault::Store(StoreError::Unique(_) | StoreError::Internal(_))
            | Fault::Peer(PeerError::Refused(_) | PeerError::Broken(_))
            | Fault::Hashing(HashingError::Broken)
            | Fault::Defect(_) => Self::Defect,
        };
        if failure == Self::Defect {
            tracing::error!(cause = %chain(&fault), "a page failed");
        } else {
            tracing::warn!(cause = %chain(&fault), "a page could not be served now");
        }
        failure
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

/// Why something was not done: what the form can be corrected for, or a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another password is wanted.
    Password(PasswordError),
    /// The password is not the one that is stored, or came too early.
    Credentials,
    /// There is nothing to correct.
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<accept_invitation::Error> for Refusal {
    fn from(error: accept_invitation::Error) -> Self {
        use accept_invitation::Error;
        match error {
            Error::InvitationNotFound | Error::SsoRequired => Failure::CodeOver(Page::Invitation).into(),
            Error::InvitationVoid => Failure::InvitationVoid.into(),
            Error::OrganizationSuspended => Failure::OrganizationSuspended.into(),
            Error::PasswordRefused(error) => Self::Password(error),
            Error::Fault(fault) => Failure::from(fault).into(),
        }
    }
}

impl From<reset_password::Error> for Refusal {
    fn from(error: reset_password::Error) -> Self {
        use reset_password::Error;
        match error {
            Error::CodeNotFound => Failure::CodeOver(Page::PasswordReset).into(),
            Error::PasswordRefused(error) => Self::Password(error),
            Error::Fault(fault) => Failure::from(fault).into(),
        }
    }
}

impl From<verify_email::Error> for Refusal {
    fn from(error: verify_email::Error) -> Self {
        use verify_email::Error;
        match error {
            Error::CodeNotFound => Failure::CodeOver(Page::Registration).into(),
            Error::CredentialsRefused => Self::Credentials,
            Error::PasswordRefused(error) => Self::Password(error),
            Error::RegistrationClosed | Error::EmailDomainRefused => Failure::RegistrationClosed.into(),
            Error::EmailTaken => Failure::EmailTaken.into(),
            Error::Fault(fault) => Failure::from(fault).into(),
        }
    }
}

impl From<log_in::Error> for Refusal {
    fn from(error: log_in::Error) -> Self {
        use log_in::Error;
        match error {
            // Which of the two is nobody's business; the mailed code is for devices that sign in.
            Error::CredentialsRefused | Error::CodeNeeded => Self::Credentials,
            Error::NetworkThrottled(wait) => Failure::Busy(wait).into(),
            Error::Fault(fault) => Failure::from(fault).into(),
        }
    }
}

impl From<answer_challenge::Error> for Refusal {
    fn from(error: answer_challenge::Error) -> Self {
        use answer_challenge::Error;
        match error {
            Error::FactorCodeRefused => Self::Credentials,
            Error::ChallengeRefused | Error::AnswerUnexpected(_) | Error::PasswordRefused(_) => {
                Failure::CodeOver(Page::Authenticator).into()
            }
            Error::Fault(fault) => Failure::from(fault).into(),
        }
    }
}

impl From<get_registration::Error> for Failure {
    fn from(error: get_registration::Error) -> Self {
        match error {
            get_registration::Error::CodeNotFound => Self::CodeOver(Page::Registration),
            get_registration::Error::Fault(fault) => fault.into(),
        }
    }
}

impl From<confirm_email_change::Error> for Refusal {
    fn from(error: confirm_email_change::Error) -> Self {
        use confirm_email_change::Error;
        match error {
            Error::CodeNotFound => Failure::CodeOver(Page::EmailChange).into(),
            Error::EmailTaken => Failure::EmailTaken.into(),
            Error::Fault(fault) => Failure::from(fault).into(),
        }
    }
}

impl From<get_invitation::Error> for Failure {
    fn from(error: get_invitation::Error) -> Self {
        match error {
            get_invitation::Error::InvitationNotFound => Self::CodeOver(Page::Invitation),
            get_invitation::Error::Fault(fault) => fault.into(),
        }
    }
}

impl Failure {
    /// Reads why there is nothing to show of a code that this page is for.
    pub(super) fn of_code(page: Page) -> impl FnOnce(get_code::Error) -> Self {
        move |error| match error {
            get_code::Error::CodeNotFound => Self::CodeOver(page),
            get_code::Error::Fault(fault) => fault.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_status_and_says_what_to_do() {
        for (failure, status) in [
            (Failure::CodeOver(Page::Invitation), 404),
            (Failure::CodeOver(Page::PasswordReset), 404),
            (Failure::CodeOver(Page::EmailChange), 404),
            (Failure::InvitationVoid, 410),
            (Failure::OrganizationSuspended, 409),
            (Failure::CodeOver(Page::Registration), 404),
            (Failure::RegistrationClosed, 410),
            (Failure::EmailTaken, 409),
            (Failure::Busy(Duration::from_millis(1_200)), 503),
            (Failure::Unavailable, 503),
            (Failure::Late, 503),
            (Failure::Defect, 500),
            (Failure::CrossSite, 403),
            (Failure::Unreadable(StatusCode::PAYLOAD_TOO_LARGE), 413),
            (Failure::MethodNotAllowed, 405),
        ] {
            assert_eq!(failure.status().as_u16(), status, "{failure:?}");
            assert_eq!(failure.retry_after().is_some(), status == 503, "{failure:?}");
            let view = failure.view();
            assert!(!view.title.is_empty() && view.paragraphs.iter().all(|one| one.ends_with('.')), "{failure:?}");
            assert!(!view.paragraphs.is_empty() && view.form.is_none());
        }
        assert_eq!(Failure::Busy(Duration::from_millis(1_200)).retry_after(), Some(2));
    }

    #[test]
    fn asvs_v16_5_1_what_broke_inside_is_not_on_the_page() {
        let failure = Failure::from(Fault::Defect("hunter2"));
        assert_eq!(failure, Failure::Defect);
        let view = failure.view();
        assert!(!format!("{}{}", view.title, view.paragraphs.concat()).contains("hunter2"));
    }
}
